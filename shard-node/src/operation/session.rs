//! `Lxp-Session`: what a client has seen, so that a replica which has seen as much may answer.
//!
//! Opaque to clients: base64url of a version, the institution's epoch, and a place in the log of its shard. Nobody
//! signs it: whoever makes one up is read from the primary, or from a replica that is behind by their own word.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shard_map::Epoch;

use crate::store::Position;

const VERSION: u8 = 1;
const BYTES: usize = 21;

/// What a client has seen of its institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// The epoch at which its shard owned it.
    pub epoch: Epoch,
    /// The place in that shard's log.
    pub position: Position,
}

impl Session {
    /// Reads the header; none where it is none of ours.
    pub fn decode(text: &str) -> Option<Self> {
        // The longest that can be one; more is not even decoded.
        if text.len() > BYTES * 2 {
            return None;
        }
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (version, rest) = bytes.split_first()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (timeline, lsn) = rest.split_first_chunk::<4>()?;
        let position = Position {
            timeline: u32::from_be_bytes(*timeline),
            lsn: u64::from_be_bytes(lsn.try_into().ok()?),
        };
        let epoch = Epoch(i64::from_be_bytes(*epoch));
        (*version == VERSION).then_some(Self { epoch, position })
    }

    /// Writes the header.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend(self.epoch.0.to_be_bytes());
        bytes.extend(self.position.timeline.to_be_bytes());
        bytes.extend(self.position.lsn.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(epoch: i64, timeline: u32, lsn: u64) {
            let session = Session { epoch: Epoch(epoch), position: Position { timeline, lsn } };
            prop_assert_eq!(Session::decode(&session.encode()), Some(session));
        }

        #[test]
        fn garbage_is_none_of_ours(text in ".{0,40}") {
            if let Some(session) = Session::decode(&text) {
                prop_assert_eq!(session.encode(), text);
            }
        }
    }

    #[test]
    fn a_later_version_is_not_understood() {
        let session = Session { epoch: Epoch(1), position: Position { timeline: 1, lsn: 1 } };
        let mut bytes = URL_SAFE_NO_PAD.decode(session.encode()).expect("base64");
        bytes[0] = 2;
        assert_eq!(Session::decode(&URL_SAFE_NO_PAD.encode(bytes)), None);
    }
}
