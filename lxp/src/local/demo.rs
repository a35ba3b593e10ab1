//! What a newcomer finds in the demo institution, made through the router's public API alone.

use shard_map::InstitutionId;

use super::layout::Layout;

pub(crate) async fn make(
    _layout: &Layout,
    _url: &str,
    _institution: InstitutionId,
) -> anyhow::Result<()> {
    Ok(())
}
