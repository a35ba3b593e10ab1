//! One attempt: a POST to an address that was looked at.
//!
//! What must stay true:
//! - The client resolves names through [`Guarded`] alone, which gives no address that is not public; what it gives is what
//!   is connected to, so a name that leads elsewhere a moment later changes nothing. Hosts that are addresses are looked
//!   at in `target`, before each attempt.
//! - No proxy, no redirect: neither would be looked at.
//! - Every attempt ends within [`WITHIN`]. Of the answer only the status counts: of its body no more than
//!   [`BODY_MAX_BYTES`] are read, and nothing is kept. One whose body drips until then is as if there was none.
//! - What is said of a failure names neither the URL nor anything that the other side sent.
//! - An endpoint that has let us wait in vain is left alone for [`QUIET`]: it takes the time of all others else.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use futures::future::BoxFuture;
use reqwest::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use uuid::Uuid;

use super::address::refused;
use super::target::target;
use super::{Addresses, WebhookSettings};

/// An attempt, from its first byte to the last that is read.
const WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const BODY_MAX_BYTES: usize = 1_024;
/// How long an endpoint that has not answered in time is left alone.
const QUIET: Duration = Duration::from_secs(30);
/// Endpoints that are left alone at most.
const QUIET_MAX: usize = 1_024;

/// What names lead to.
pub trait Names: Send + Sync + 'static {
    /// All addresses of a host.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// As the system says.
#[derive(Debug, Clone, Copy)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Message<'m> {
    pub(super) endpoint: Uuid,
    pub(super) url: &'m str,
    pub(super) id: &'m str,
    pub(super) timestamp_s: i64,
    pub(super) signatures: &'m str,
    pub(super) body: String,
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the URL or its address is refused: {0}")]
    Refused(&'static str),
    #[error("the answer was {0}")]
    Status(u16),
    #[error("the answer was {0}; redirects are not followed")]
    Redirect(u16),
    #[error("no answer within {} s", WITHIN.as_secs())]
    Silent,
    #[error("not sent: there was no answer in time a moment ago")]
    Quiet,
    #[error("no connection could be made")]
    Unreachable,
    #[error("the connection broke")]
    Broken,
}

impl Trouble {
    /// The status, if one was answered.
    pub(super) fn status(self) -> Option<u16> {
        match self {
            Self::Status(status) | Self::Redirect(status) => Some(status),
            _ => None,
        }
    }

    /// Whether the endpoint says that it is gone for good.
    pub(super) fn is_gone(self) -> bool {
        self == Self::Status(StatusCode::GONE.as_u16())
    }
}

/// Sends.
pub struct Sender {
    http: reqwest::Client,
    addresses: Addresses,
    quiet: Mutex<HashMap<Uuid, Instant>>,
}

impl Sender {
    /// One that goes by these names.
    ///
    /// # Errors
    /// When the client cannot be made: no certificates are trusted, for example.
    pub fn new(settings: &WebhookSettings, names: Arc<dyn Names>) -> reqwest::Result<Self> {
        Self::within(WITHIN, settings, names)
    }

    fn within(
        within: Duration,
        settings: &WebhookSettings,
        names: Arc<dyn Names>,
    ) -> reqwest::Result<Self> {
        let addresses = settings.addresses();
        if addresses == Addresses::Any {
            tracing::warn!("Webhooks may lead to private addresses: this is a developer's node");
        }
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guarded { names, addresses }))
            .redirect(Policy::none())
            .no_proxy()
            .https_only(addresses == Addresses::Public)
            .timeout(within)
            .connect_timeout(CONNECT_WITHIN)
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("lxp-webhooks/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, addresses, quiet: Mutex::default() })
    }

    /// Where webhooks may lead.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Sends once; answers the status, a 2xx.
    pub(super) async fn send(&self, message: Message<'_>) -> Result<u16, Trouble> {
        let endpoint = message.endpoint;
        if self.is_quiet(endpoint) {
            return Err(Trouble::Quiet);
        }
        let url = target(message.url, self.addresses).map_err(Trouble::Refused)?;
        let headers = headers(&message)?;
        let sent = self.http.post(url).headers(headers).body(message.body).send().await;
        let result = match sent {
            Ok(response) => judged(response).await,
            Err(error) => Err(trouble(&error)),
        };
        if result == Err(Trouble::Silent) {
            self.leave_alone(endpoint);
        }
        result
    }

    fn is_quiet(&self, endpoint: Uuid) -> bool {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.get(&endpoint).is_some_and(|since| since.elapsed() < QUIET)
    }

    fn leave_alone(&self, endpoint: Uuid) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.retain(|_, since| since.elapsed() < QUIET);
        if quiet.len() < QUIET_MAX {
            quiet.insert(endpoint, Instant::now());
        }
    }
}

fn headers(message: &Message<'_>) -> Result<HeaderMap, Trouble> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Trouble::Refused("a header cannot carry it"))
    };
    let mut signature = value(message.signatures)?;
    signature.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), value(message.id)?),
        (HeaderName::from_static("webhook-timestamp"), message.timestamp_s.into()),
        (HeaderName::from_static("webhook-signature"), signature),
    ]))
}

/// By its status, whatever becomes of the body: unless that takes all the time there is.
async fn judged(mut response: Response) -> Result<u16, Trouble> {
    let mut left = BODY_MAX_BYTES;
    while left > 0 {
        match response.chunk().await {
            Ok(Some(chunk)) => left = left.saturating_sub(chunk.len()),
            Err(error) if error.is_timeout() => return Err(Trouble::Silent),
            Ok(None) | Err(_) => break,
        }
    }
    judge(response.status())
}

fn judge(status: StatusCode) -> Result<u16, Trouble> {
    match status.as_u16() {
        code @ 200..=299 => Ok(code),
        code @ 300..=399 => Err(Trouble::Redirect(code)),
        code => Err(Trouble::Status(code)),
    }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(RefusedAddress(why)) = inner.downcast_ref() {
            return Trouble::Refused(why);
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        Trouble::Silent
    } else if error.is_connect() {
        Trouble::Unreachable
    } else {
        Trouble::Broken
    }
}

/// Gives the client addresses that it may connect to.
struct Guarded {
    names: Arc<dyn Names>,
    addresses: Addresses,
}

#[derive(Debug)]
struct RefusedAddress(&'static str);

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for RefusedAddress {}

impl Resolve for Guarded {
    /// A name with one address that is not public is refused whole: nobody needs both.
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.names.addresses(name.as_str().to_owned());
        let addresses = self.addresses;
        Box::pin(async move {
            let found = found.await?;
            let private = found.iter().find_map(|ip| refused(*ip));
            if let (Addresses::Public, Some(why)) = (addresses, private) {
                return Err(RefusedAddress(why).into());
            }
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    struct Fixed(Vec<&'static str>);

    impl Names for Fixed {
        fn addresses(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let ips = self.0.iter().map(|text| text.parse().expect("an address")).collect();
            Box::pin(async move { Ok(ips) })
        }
    }

    fn sender(allow_private_addresses: bool, ips: &[&'static str]) -> Sender {
        service_kit::tls::install_provider();
        let settings = WebhookSettings { allow_private_addresses };
        Sender::new(&settings, Arc::new(Fixed(ips.to_vec()))).expect("a client")
    }

    fn message(url: &str) -> Message<'_> {
        let (id, signatures) = ("evt_1", "v1,x");
        let endpoint = Uuid::nil();
        Message { endpoint, url, id, timestamp_s: 7, signatures, body: "{}".to_owned() }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_before_anything_is_connected_to() {
        let sink = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = sink.local_addr().expect("an address").port();
        let url = format!("https://hooks.example.edu:{port}/");
        for (ips, why) in [
            (vec!["127.0.0.1"], "loopback"),
            (vec!["10.1.2.3"], "private"),
            (vec!["169.254.169.254"], "link-local"),
            (vec!["::1"], "not global"),
            (vec!["::ffff:127.0.0.1"], "not global"),
            // One that changes its mind between two looks gives both.
            (vec!["8.8.8.8", "127.0.0.1"], "loopback"),
        ] {
            let sent = sender(false, &ips).send(message(&url)).await;
            assert_eq!(sent, Err(Trouble::Refused(why)), "{ips:?}");
        }
        let direct = format!("https://127.0.0.1:{port}/");
        let sent = sender(false, &[]).send(message(&direct)).await;
        assert!(matches!(sent, Err(Trouble::Refused(_))), "{sent:?}");
        assert!(sink.accept().now_or_never().is_none(), "somebody connected");
    }

    #[tokio::test]
    async fn what_was_looked_at_is_what_is_connected_to() {
        let sink = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = sink.local_addr().expect("an address").port();
        // The system knows no such name: the address is the one that was given.
        let url = format!("http://nowhere.invalid:{port}/");
        let sender = sender(true, &["127.0.0.1"]);
        let accepted = async {
            let (stream, _) = sink.accept().await.expect("a connection");
            drop(stream);
        };
        let (sent, ()) = tokio::join!(sender.send(message(&url)), accepted);
        assert_eq!(sent, Err(Trouble::Broken));
    }

    /// It holds a place as long as one that says nothing.
    #[tokio::test]
    async fn who_drips_until_time_is_up_has_not_answered() {
        let sink = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", sink.local_addr().expect("an address"));
        let drips = async {
            let (mut stream, _) = sink.accept().await.expect("a connection");
            // What is answered before anything was asked breaks the connection.
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).await.expect("a request") > 0);
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
            stream.write_all(head).await.expect("a head");
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        service_kit::tls::install_provider();
        let settings = WebhookSettings { allow_private_addresses: true };
        let names = Arc::new(Fixed(vec![]));
        let sender =
            Sender::within(Duration::from_millis(500), &settings, names).expect("a client");
        let sent = tokio::select! {
            sent = sender.send(message(&url)) => sent,
            () = drips => panic!("the client went away before its time was up"),
        };
        assert_eq!(sent, Err(Trouble::Silent));
        assert_eq!(sender.send(message(&url)).await, Err(Trouble::Quiet), "it is left alone");
    }

    #[tokio::test]
    async fn who_lets_us_wait_in_vain_is_left_alone_for_a_while() {
        let sender = sender(true, &["127.0.0.1"]);
        sender.leave_alone(Uuid::nil());
        assert_eq!(sender.send(message("http://127.0.0.1:1/")).await, Err(Trouble::Quiet));
        let other = Message { endpoint: Uuid::max(), ..message("http://127.0.0.1:1/") };
        assert_eq!(sender.send(other).await, Err(Trouble::Unreachable));
        for number in 0..2 * QUIET_MAX {
            sender.leave_alone(Uuid::from_u128(u128::try_from(number).expect("small")));
        }
        assert!(sender.quiet.lock().expect("the map").len() <= QUIET_MAX);
    }
}
