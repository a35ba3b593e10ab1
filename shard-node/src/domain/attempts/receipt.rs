//! The receipt of what was handed in: a hash of the answers and the server's time, under the institution's key. Pure.
//!
//! What must stay true: whatever a receipt says is under its signature; who changes one member of it, or the answers that
//! are kept, has no receipt. What is hashed is the JSON that the database gives back, members sorted: the same after a
//! move, and for whoever hashes it again.

use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// What the signature begins with: it signs nothing else.
const PURPOSE: &str = "lxp-receipt-1";

/// That something was handed in: what, when and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, garde::Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// The submission, which is the attempt.
    #[garde(skip)]
    pub submission_id: Uuid,
    /// The assessment.
    #[garde(skip)]
    pub assessment_id: Uuid,
    /// The student.
    #[garde(skip)]
    pub student_id: Uuid,
    /// Which attempt it was, from 1.
    #[garde(skip)]
    pub attempt: i32,
    /// When the server had it; of what was handed in at the deadline, the deadline.
    #[garde(skip)]
    pub submitted_at: DateTime<Utc>,
    /// SHA-256 of the answers' JSON with members sorted and no blanks, in hexadecimal.
    #[garde(length(bytes, max = 64))]
    pub answers_sha256: String,
    /// HMAC-SHA256 of all this under the institution's key, in hexadecimal.
    #[garde(length(bytes, max = 64))]
    pub signature: String,
}

/// SHA-256 of answers as they are kept.
pub(crate) fn hash(answers: &Value) -> [u8; 32] {
    // Members are sorted: objects are ordered maps here.
    Sha256::digest(answers.to_string().as_bytes()).into()
}

/// Who handed in what, when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandedIn {
    pub(crate) institution: Uuid,
    pub(crate) submission: Uuid,
    pub(crate) assessment: Uuid,
    pub(crate) student: Uuid,
    pub(crate) attempt: i32,
    pub(crate) at: DateTime<Utc>,
    pub(crate) hash: [u8; 32],
}

impl HandedIn {
    fn text(&self) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let Self { institution, submission, assessment, student, attempt, hash, .. } = self;
        let hash = hex(hash);
        format!(
            "{PURPOSE}\n{institution}\n{submission}\n{assessment}\n{student}\n{attempt}\n{at}\n{hash}"
        )
    }

    /// Its signature under a key.
    pub(crate) fn sign(&self, key: &[u8]) -> [u8; 32] {
        self.mac(key).finalize().into_bytes().into()
    }

    /// Whether this is its signature; takes as long for a wrong one.
    pub(crate) fn is_signed(&self, key: &[u8], signature: &[u8]) -> bool {
        self.mac(key).verify_slice(signature).is_ok()
    }

    fn mac(&self, key: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(self.text().as_bytes());
        mac
    }

    /// As the student gets it.
    pub(crate) fn receipt(&self, signature: &[u8]) -> Receipt {
        Receipt {
            submission_id: self.submission,
            assessment_id: self.assessment,
            student_id: self.student,
            attempt: self.attempt,
            submitted_at: self.at,
            answers_sha256: hex(&self.hash),
            signature: hex(signature),
        }
    }
}

impl Receipt {
    /// What it says was handed in, if it is of the right form.
    pub(crate) fn says(&self, institution: Uuid) -> Option<(HandedIn, Vec<u8>)> {
        let hash = unhex(&self.answers_sha256)?.try_into().ok()?;
        let says = HandedIn {
            institution,
            submission: self.submission_id,
            assessment: self.assessment_id,
            student: self.student_id,
            attempt: self.attempt,
            at: self.submitted_at,
            hash,
        };
        Some((says, unhex(&self.signature)?))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let plain = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    if plain { (0..text.len()).step_by(2).map(pair).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn handed_in() -> HandedIn {
        HandedIn {
            institution: Uuid::from_u128(1),
            submission: Uuid::from_u128(2),
            assessment: Uuid::from_u128(3),
            student: Uuid::from_u128(4),
            attempt: 1,
            at: DateTime::from_timestamp_micros(1_800_000_000_123_456).expect("an instant"),
            hash: hash(&json!({"i2": 1, "i1": "x"})),
        }
    }

    #[test]
    fn answers_are_hashed_as_anybody_can() {
        let expected: [u8; 32] = Sha256::digest(br#"{"i1":"x","i2":1}"#).into();
        assert_eq!(handed_in().hash, expected);
    }

    #[test]
    fn a_receipt_with_one_member_changed_is_none() {
        let key = b"key";
        let good = handed_in().receipt(&handed_in().sign(key));
        let holds = |receipt: &Receipt, key: &[u8]| {
            receipt.says(Uuid::from_u128(1)).is_some_and(|(says, sign)| says.is_signed(key, &sign))
        };
        assert!(holds(&good, key) && !holds(&good, b"another"));
        assert!(!good.says(Uuid::from_u128(9)).is_some_and(|(it, sign)| it.is_signed(key, &sign)));
        let other = Uuid::from_u128(9);
        for bad in [
            Receipt { submission_id: other, ..good.clone() },
            Receipt { assessment_id: other, ..good.clone() },
            Receipt { student_id: other, ..good.clone() },
            Receipt { attempt: 2, ..good.clone() },
            Receipt {
                submitted_at: good.submitted_at + chrono::TimeDelta::microseconds(1),
                ..good.clone()
            },
            Receipt { answers_sha256: hex(&hash(&json!({}))), ..good.clone() },
            Receipt { signature: hex(&[0; 32]), ..good.clone() },
            Receipt { signature: String::new(), ..good.clone() },
            Receipt { signature: "zz".to_owned(), ..good.clone() },
        ] {
            assert!(!holds(&bad, key), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn hexadecimal_is_read_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }

        #[test]
        fn garbage_is_refused_without_a_panic(text in ".{0,20}") {
            let _ = unhex(&text);
        }
    }
}
