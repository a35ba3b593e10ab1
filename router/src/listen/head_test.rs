//! Heads, good and bad, whole and in pieces.

use proptest::prelude::*;

use super::*;

fn scan(head: &[u8]) -> Result<bool, Refusal> {
    Scan::default().go_on(head)
}

const GOOD: &[&str] = &[
    "GET /v1/a?b=c HTTP/1.1\r\nHost: a.b:80\r\nX: y\tz\r\nAccept:\r\n\r\n",
    "POST /v1/a HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\n\r\nabc",
    "POST /v1/a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
    "GET /v1/a HTTP/1.0\r\n\r\n",
    "GET /v1/a HTTP/1.1\r\nX-Name: \u{e4}\r\n\r\n",
];

const BAD: &[&str] = &[
    "\r\nGET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
    "GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\n X: a\r\n\r\n",
    "GET / HTTP/1.1\r\nX : a\r\n\r\n",
    "GET / HTTP/1.1\r\nX\t: a\r\n\r\n",
    "GET / HTTP/1.1\r\n: a\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nX\u{e4}: a\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    "GET\t/ HTTP/1.1\r\n\r\n",
    "GET / HTTP/2.0\r\n\r\n",
    "GET / HTTP/1.2\r\n\r\n",
    "GET / http/1.1\r\n\r\n",
    "GET /\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\n\r\n",
    "GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\u{e4} HTTP/1.1\r\n\r\n",
    "GET /a\0 HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
];

#[test]
fn good_heads_are_complete_with_their_last_byte() {
    for head in GOOD {
        assert_eq!(scan(head.as_bytes()), Ok(true), "{head}");
        let end = head.find("\r\n\r\n").expect("an end") + 4;
        for length in 0..end {
            assert_eq!(
                scan(&head.as_bytes()[..length]),
                Ok(false),
                "{}",
                &head.as_bytes()[..length].escape_ascii()
            );
        }
    }
}

#[test]
fn heads_of_two_meanings_are_refused() {
    for head in BAD {
        let refused = matches!(scan(head.as_bytes()), Err(Refusal::BadRequest(_)));
        assert!(refused, "{}", head.escape_debug());
    }
}

#[test]
fn sizes_are_limited_before_the_head_is_complete() {
    let long = format!("GET /{}", "a".repeat(URI_MAX_BYTES + AROUND_URI_BYTES));
    assert_eq!(scan(long.as_bytes()), Err(Refusal::UriTooLong));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(URI_MAX_BYTES));
    assert_eq!(scan(long.as_bytes()), Err(Refusal::UriTooLong));
    let large = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(HEAD_MAX_BYTES));
    assert_eq!(scan(large.as_bytes()), Err(Refusal::HeadTooLarge));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(LINES_MAX));
    assert_eq!(scan(many.as_bytes()), Err(Refusal::HeadTooLarge));
    let fits = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(HEAD_MAX_BYTES - 24));
    assert_eq!(scan(fits.as_bytes()), Ok(true));
}

proptest! {
    /// However a head comes in pieces, it is judged as when it comes at once.
    #[test]
    fn pieces_make_no_difference(
        which in 0..GOOD.len() + BAD.len(),
        cuts in prop::collection::vec(0..200_usize, 0..6),
    ) {
        let head = GOOD.iter().chain(BAD).nth(which).expect("a head").as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(head.len())).collect();
        cuts.push(head.len());
        cuts.sort_unstable();
        let (mut scanner, mut result) = (Scan::default(), Ok(false));
        for cut in cuts {
            result = scanner.go_on(&head[..cut]);
            if result != Ok(false) {
                break;
            }
        }
        prop_assert_eq!(result, scan(head));
    }
}
