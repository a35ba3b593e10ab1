//! Whether a request is let in, and for whom. Pure: it sees the head and the verified token, nothing else.
//!
//! What must stay true:
//! - A head that two readers could understand differently is refused, not repaired.
//! - The institution is the token's; `X-Institution-Id` can only confirm it.
//! - Only the API's description and `/oauth/token` come without a token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING};
use http::{Method, Uri};
use shard_map::InstitutionId;

use crate::config::{BODY_MAX_BYTES, TOKEN_BODY_MAX_BYTES};
use crate::error::Refusal;

/// `X-Institution-Id`.
pub(crate) static INSTITUTION: HeaderName = HeaderName::from_static("x-institution-id");
/// `Idempotency-Key`.
pub(crate) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers of which a second one would make it unclear which counts.
static ONCE: [HeaderName; 6] =
    [AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, INSTITUTION_ONCE, IDEMPOTENCY_ONCE];
const INSTITUTION_ONCE: HeaderName = HeaderName::from_static("x-institution-id");
const IDEMPOTENCY_ONCE: HeaderName = HeaderName::from_static("idempotency-key");

/// Where a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// To the shard of this institution.
    Institution(InstitutionId),
    /// To any node: the answer is the same everywhere.
    AnyNode,
}

/// How a request says for whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// By its bearer token.
    Token,
    /// By the client id of `POST /oauth/token`.
    ClientId,
    /// Not at all.
    Open,
}

/// Judges what a head says; its form was judged when it was read (`listen::head`).
pub(crate) fn check_head(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    if !is_allowed(method) {
        return Err(Refusal::Method);
    }
    if is_ambiguous(uri.path()) {
        return Err(Refusal::BadRequest(
            "the path has dot segments, backslashes or control characters",
        ));
    }
    // Repeated names are rare; only then they are looked at one by one.
    let repeated = headers.len() != headers.keys_len();
    if repeated && ONCE.iter().any(|name| headers.get_all(name).iter().nth(1).is_some()) {
        return Err(Refusal::BadRequest("a header stands twice that may stand once"));
    }
    check_body(headers)
}

fn is_allowed(method: &Method) -> bool {
    let allowed = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    allowed.contains(method)
}

/// Another reader could resolve such a path to another one.
fn is_ambiguous(path: &str) -> bool {
    let odd = |byte: u8| byte == b'\\' || byte.is_ascii_control() || !byte.is_ascii();
    if path.bytes().any(odd) {
        return true;
    }
    if !path.contains("/.") && !path.contains("//") && !path.contains('%') {
        return false;
    }
    let dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    let lower = path.to_ascii_lowercase();
    let hidden = ["%2f", "%5c", "%00", "%0a", "%0d"].iter().any(|code| lower.contains(code));
    hidden || path.contains("//") || path.split('/').any(dots)
}

fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    if is_declared_within(headers, BODY_MAX_BYTES) { Ok(()) } else { Err(Refusal::BodyTooLarge) }
}

/// The same for who has no token yet. A body of undeclared length is counted as it comes.
pub(crate) fn check_token_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_small = is_declared_within(headers, TOKEN_BODY_MAX_BYTES);
    if is_small { Ok(()) } else { Err(Refusal::TokenBodyTooLarge) }
}

fn is_declared_within(headers: &HeaderMap, most: u64) -> bool {
    let Some(length) = headers.get(CONTENT_LENGTH) else { return true };
    let length = length.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    length.is_some_and(|length| length <= most)
}

/// How the request must say for whom it is, by its method and path.
pub(crate) fn access(method: &Method, path: &str) -> Result<Access, Refusal> {
    let under = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if path.starts_with("/v1/") || under("/trpc") {
        Ok(Access::Token)
    } else if path == "/oauth/token" {
        if method == Method::POST { Ok(Access::ClientId) } else { Err(Refusal::Method) }
    } else if path == "/openapi.json" || under("/docs") {
        if matches!(*method, Method::GET | Method::HEAD) {
            Ok(Access::Open)
        } else {
            Err(Refusal::Method)
        }
    } else {
        Err(Refusal::NotFound)
    }
}

/// Whether `X-Institution-Id`, if it is there, names the token's institution.
pub(crate) fn check_institution(
    headers: &HeaderMap,
    institution: InstitutionId,
) -> Result<(), Refusal> {
    let Some(claimed) = headers.get(&INSTITUTION) else { return Ok(()) };
    let same = claimed.to_str().ok().and_then(|text| text.parse().ok()) == Some(institution);
    if same { Ok(()) } else { Err(Refusal::InstitutionMismatch) }
}

/// The institution at the beginning of the client id in HTTP basic authentication.
pub(crate) fn institution_of_client(
    authorization: Option<&[u8]>,
) -> Result<InstitutionId, Refusal> {
    const ID_BYTES: usize = 36;
    let institution = || {
        let text = std::str::from_utf8(authorization?).ok()?;
        let (scheme, credentials) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (client, _) = decoded.split_once(':')?;
        client.get(..ID_BYTES)?.parse().ok()
    };
    institution().ok_or(Refusal::ClientId)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use uuid::Uuid;

    use super::*;

    fn check(head: &str) -> Result<(), Refusal> {
        crate::listen::Scan::default().go_on(head.as_bytes())?;
        let mut lines = head.split("\r\n");
        let mut first = lines.next().expect("a line").split(' ');
        let method = first.next().expect("a method").parse().expect("a method");
        let uri: Uri = first.next().expect("a target").parse().expect("a target");
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").expect("a header");
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        check_head(&method, &uri, &headers)
    }

    fn refused(head: &str) -> Refusal {
        check(head).expect_err(head)
    }

    #[test]
    fn ordinary_heads_are_let_in() {
        for head in [
            "GET /v1/programs?select=id,name&q=a..b//c HTTP/1.1\r\nHost: a\r\nAccept: x\r\nAccept: y\r\n\r\n",
            "POST /v1/students:bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n",
            "POST /v1/students HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /v1/files/a.b/%20x HTTP/1.1\r\n\r\n",
            "GET /docs/.well HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(check(head), Ok(()), "{head}");
        }
    }

    #[test]
    fn sizes_are_limited() {
        for length in ["8388609", "18446744073709551616"] {
            let head = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(refused(&head), Refusal::BodyTooLarge);
        }
    }

    #[test]
    fn ambiguous_heads_are_refused() {
        for head in [
            "GET /v1/a HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
            "GET /v1/a HTTP/1.1\r\nX-Institution-Id: a\r\nx-institution-id: a\r\n\r\n",
            "GET /v1/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST /v1/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            "GET http://other/v1/a HTTP/1.1\r\n\r\n",
            "GET /docs/../v1/a HTTP/1.1\r\n\r\n",
            "GET /docs/%2e%2E/v1/a HTTP/1.1\r\n\r\n",
            "GET /docs/./a HTTP/1.1\r\n\r\n",
            "GET //v1/a HTTP/1.1\r\n\r\n",
            "GET /docs%2f..%2fv1 HTTP/1.1\r\n\r\n",
            "GET /docs%5c..%5cv1 HTTP/1.1\r\n\r\n",
            "GET /v1/a%00 HTTP/1.1\r\n\r\n",
        ] {
            assert!(matches!(refused(head), Refusal::BadRequest(_)), "{head}");
        }
    }

    #[test]
    fn other_methods_are_refused() {
        for method in ["TRACE", "PROPFIND", "get"] {
            assert_eq!(refused(&format!("{method} /v1/a HTTP/1.1\r\n\r\n")), Refusal::Method);
        }
    }

    #[test]
    fn each_path_has_its_access() {
        for (method, path, expected) in [
            (Method::GET, "/v1/programs", Ok(Access::Token)),
            (Method::POST, "/trpc", Ok(Access::Token)),
            (Method::POST, "/trpc/academic.createProgram", Ok(Access::Token)),
            (Method::POST, "/oauth/token", Ok(Access::ClientId)),
            (Method::GET, "/oauth/token", Err(Refusal::Method)),
            (Method::GET, "/openapi.json", Ok(Access::Open)),
            (Method::HEAD, "/docs/app.css", Ok(Access::Open)),
            (Method::POST, "/docs", Err(Refusal::Method)),
            (Method::GET, "/docsx", Err(Refusal::NotFound)),
            (Method::GET, "/v1", Err(Refusal::NotFound)),
            (Method::GET, "/v2/programs", Err(Refusal::NotFound)),
            (Method::GET, "/trpcx", Err(Refusal::NotFound)),
            (Method::GET, "/metrics", Err(Refusal::NotFound)),
            (Method::GET, "/", Err(Refusal::NotFound)),
        ] {
            assert_eq!(access(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn the_header_can_only_confirm_the_institution() {
        let institution = InstitutionId::new(Uuid::from_u128(1));
        let mut headers = HeaderMap::new();
        assert_eq!(check_institution(&headers, institution), Ok(()));
        headers.insert(&INSTITUTION, institution.to_string().parse().expect("a value"));
        assert_eq!(check_institution(&headers, institution), Ok(()));
        for other in [Uuid::from_u128(2).to_string(), String::new(), "\u{e4}".to_owned()] {
            headers.insert(&INSTITUTION, HeaderValue::from_str(&other).expect("a value"));
            let mismatch = Err(Refusal::InstitutionMismatch);
            assert_eq!(check_institution(&headers, institution), mismatch, "{other}");
        }
    }

    #[test]
    fn a_client_id_begins_with_its_institution() {
        let institution = InstitutionId::new(Uuid::from_u128(7));
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let good = basic(&format!("{institution}.sis:secret"));
        assert_eq!(institution_of_client(Some(good.as_bytes())), Ok(institution));
        for bad in [
            basic("sis:secret"),
            basic(&institution.to_string()),
            "Basic !".to_owned(),
            good.replace("Basic", "Bearer"),
        ] {
            assert_eq!(
                institution_of_client(Some(bad.as_bytes())),
                Err(Refusal::ClientId),
                "{bad}"
            );
        }
        assert_eq!(institution_of_client(None), Err(Refusal::ClientId));
    }
}
