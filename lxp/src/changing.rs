//! What each command takes that changes something: to be confirmed, how to print what came of it, and where.

use clap::Args;

use crate::connection::Connection;
use crate::output::Read;
use crate::output::confirm::Confirm;

/// Flattened into such a command.
#[derive(Debug, Args)]
pub(crate) struct Changing {
    #[command(flatten)]
    pub(crate) confirm: Confirm,
    #[command(flatten)]
    pub(crate) read: Read,
    #[command(flatten)]
    pub(crate) connection: Connection,
}
