//! Mail: plain text to one address, through one SMTP server.
//!
//! What must stay true:
//! - A letter is tried for at most [`SEND_TIMEOUT`]; what is not known to be refused for good is tried again.
//! - Its Message-ID is made from what it is about: a letter that is sent twice is known again by its receiver.
//! - No text of a user's gets into a header as a line of its own.
//! - A password is in a file, and goes out only over TLS or to this machine.
//!
//! Left to others: when it is tried again, and what is written about it (`domain/notifications/deliver.rs`).

mod letter;
mod settings;

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use service_kit::config::read_secret;
use tokio::time::timeout;

pub use letter::Letter;
pub use settings::{MailSettings, SmtpSettings, TlsMode};

/// How long a letter may take from the connection to the server's last word.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(14);

/// How long the server may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The 5xx answers to a login: a setting is wrong, not the letter.
const LOGIN_REFUSED: [u16; 4] = [530, 534, 535, 538];

/// Sends letters.
pub struct Mailer {
    sender: letter::Sender,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender is no address.
    #[error("mail.from is no address such as `lxp <noreply@example.edu>`")]
    From,
    /// A user name without a password, or the other way around.
    #[error("mail.smtp.username and mail.smtp.password_file come together")]
    HalfALogin,
    /// The password would travel in the open.
    #[error("mail.smtp.username needs mail.smtp.tls, unless the server is on this machine")]
    OpenLogin,
    /// The password's file cannot be read.
    #[error(transparent)]
    Password(#[from] service_kit::config::ConfigError),
    /// TLS cannot be set up.
    #[error("mail.smtp.tls cannot be used: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// Why a letter was not sent, as far as is known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Another try changes nothing.
    #[error("{0}")]
    Refused(String),
    /// It may well be sent later, or was sent without a word of it.
    #[error("{0}")]
    Later(String),
}

impl Mailer {
    /// Reads the password, and checks what can be checked without the server.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        let SmtpSettings { host, port, tls, username, password_file } = &settings.smtp;
        let sender = letter::Sender::new(&settings.from).ok_or(MailError::From)?;
        let parameters = || TlsParameters::new(host.clone()).map_err(MailError::Tls);
        let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1");
        let login = match (username, password_file) {
            (None, None) => None,
            (Some(_), Some(_)) if *tls == TlsMode::None && !is_here => {
                return Err(MailError::OpenLogin);
            }
            (Some(username), Some(file)) => {
                Some(Credentials::new(username.clone(), read_secret(file)?))
            }
            _ => return Err(MailError::HalfALogin),
        };
        let tls = match tls {
            TlsMode::None => Tls::None,
            TlsMode::Starttls => Tls::Required(parameters()?),
            TlsMode::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(*port)
            .tls(tls)
            .hello_name(ClientId::Domain(sender.domain().to_owned()))
            .timeout(Some(CONNECT_TIMEOUT));
        if let Some(login) = login {
            builder = builder.credentials(login);
        }
        Ok(Self { sender, transport: builder.build() })
    }

    /// Sends a letter and waits for the server's word. Given up in the middle, it may have been sent.
    ///
    /// # Errors
    /// When the server has not taken it.
    pub async fn send(&self, letter: &Letter) -> Result<(), NotSent> {
        let message = self.sender.message(letter)?;
        match timeout(SEND_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(NotSent::Later("the mail server did not answer in time".to_owned())),
        }
    }
}

/// A 5xx answer to the letter is for good; a login that is refused, TLS that is missing and everything else is not
/// the letter's doing.
fn judge(error: &lettre::transport::smtp::Error) -> NotSent {
    let code = error.status().map(u16::from);
    let what = error.to_string();
    match code {
        Some(code) if error.is_permanent() && !LOGIN_REFUSED.contains(&code) => {
            NotSent::Refused(what)
        }
        _ => NotSent::Later(what),
    }
}
