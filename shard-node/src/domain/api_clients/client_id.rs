//! A client id: its institution's id, a dot, its own. Routers go by the first half.

use std::fmt;
use std::str::FromStr;

use shard_map::InstitutionId;
use uuid::Uuid;

/// A client id as clients send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientId {
    /// Whose client it is.
    pub(crate) institution: InstitutionId,
    /// Which one.
    pub(crate) client: Uuid,
}

/// Not of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoClientId;

impl FromStr for ClientId {
    type Err = NoClientId;

    /// Takes both halves as uuids with hyphens: what routers read is what is meant here.
    fn from_str(text: &str) -> Result<Self, NoClientId> {
        const UUID_CHARS: usize = 36;
        let (institution, client) = text.split_once('.').ok_or(NoClientId)?;
        let uuid = |half: &str| {
            let plain = half.len() == UUID_CHARS;
            plain.then(|| Uuid::try_parse(half).ok()).flatten().ok_or(NoClientId)
        };
        Ok(Self { institution: InstitutionId::new(uuid(institution)?), client: uuid(client)? })
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.institution, self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_two_ids_and_nothing_else() {
        let id = ClientId {
            institution: InstitutionId::new(Uuid::from_u128(1)),
            client: Uuid::from_u128(2),
        };
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert!(text.starts_with(&id.institution.to_string()), "routers go by that");
        let (one, other) = (id.institution.to_string(), id.client.to_string());
        for wrong in [
            String::new(),
            one.clone(),
            format!("{one}.sis"),
            format!("{one}:{other}"),
            format!("{one}.{other}."),
            format!("{one}.{}", id.client.simple()),
            format!("{{{one}}}.{other}"),
            format!("urn:uuid:{one}.{other}"),
        ] {
            assert_eq!(wrong.parse::<ClientId>(), Err(NoClientId), "{wrong}");
        }
    }
}
