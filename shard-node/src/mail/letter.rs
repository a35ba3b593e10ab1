//! A letter and the message that it becomes. Pure.
//!
//! What must stay true: a header is one line, whatever a subject or an address holds.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::{Address, address::Envelope};
use uuid::Uuid;

use super::NotSent;

/// RFC 3834: nothing answers it by itself.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it is about; the same again makes the same Message-ID.
    pub id: Uuid,
    /// The address.
    pub to: String,
    /// In a line.
    pub subject: String,
    /// In plain text.
    pub text: String,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// Who sends.
#[derive(Debug)]
pub(super) struct Sender(Mailbox);

impl Sender {
    pub(super) fn new(from: &str) -> Option<Self> {
        from.parse().ok().map(Self)
    }

    pub(super) fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// The message; refused where the address is none.
    pub(super) fn message(&self, letter: &Letter) -> Result<Message, NotSent> {
        let refused = |what: &str| NotSent::Refused(what.to_owned());
        let to: Address = letter.to.parse().map_err(|_| refused("the user's address is none"))?;
        let envelope = Envelope::new(Some(self.0.email.clone()), vec![to.clone()]);
        let envelope = envelope.map_err(|_| refused("the user's address is none"))?;
        Message::builder()
            .from(self.0.clone())
            .to(Mailbox::new(None, to))
            .envelope(envelope)
            .subject(one_line(&letter.subject))
            .date(SystemTime::from(letter.at))
            .message_id(Some(format!("<{}@{}>", letter.id, self.domain())))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
            .singlepart(SinglePart::plain(letter.text.clone()))
            .map_err(|error| NotSent::Refused(format!("no message can be made of it: {error}")))
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letter(to: &str, subject: &str, text: &str) -> Letter {
        Letter {
            id: Uuid::from_u128(7),
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            at: DateTime::UNIX_EPOCH,
        }
    }

    /// The names of a message's headers, as a receiver reads them.
    fn names(message: &Message) -> Vec<String> {
        let text = String::from_utf8(message.formatted()).expect("UTF-8");
        let head = text.split("\r\n\r\n").next().expect("a head");
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split(':').next().expect("a name").to_owned()).collect()
    }

    const NAMES: [&str; 9] = [
        "MIME-Version",
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];

    fn sender() -> Sender {
        Sender::new("lxp <noreply@example.edu>").expect("a sender")
    }

    #[test]
    fn the_same_letter_has_the_same_message_id() {
        let message = sender().message(&letter("ada@example.edu", "S", "T")).expect("a message");
        let id = message.headers().get_raw("Message-ID").expect("an id").to_owned();
        assert_eq!(id, "<00000000-0000-0000-0000-000000000007@example.edu>");
        assert_eq!(message.headers().get_raw("Auto-Submitted"), Some("auto-generated"));
    }

    proptest! {
        #[test]
        fn no_subject_or_text_makes_a_header(subject in any::<String>(), text in any::<String>()) {
            let message = sender().message(&letter("ada@example.edu", &subject, &text)).expect("a message");
            let mut found = names(&message);
            found.sort_unstable();
            let mut wanted: Vec<_> = NAMES.map(str::to_owned).into();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_line_break_in_a_subject_or_an_address_makes_no_header() {
        let hostile = "Hello\r\nBcc: victim@example.org\r\n\r\nbody";
        let message =
            sender().message(&letter("ada@example.edu", hostile, "T")).expect("a message");
        assert!(!names(&message).contains(&"Bcc".to_owned()), "{:?}", names(&message));
        for to in [
            "ada@example.edu\r\nBcc: v@example.org",
            "ada@example.edu>\r\nRCPT TO:<v@example.org",
            "",
            "ada",
        ] {
            assert!(
                matches!(sender().message(&letter(to, "S", "T")), Err(NotSent::Refused(_))),
                "{to}"
            );
        }
    }
}
