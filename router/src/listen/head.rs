//! A request's head before anybody else reads it: bounded, in time, and of one meaning.
//!
//! What must stay true:
//! - No more than [`HEAD_MAX_BYTES`] are held for a head that is not complete, and it is complete within
//!   [`HEAD_DEADLINE`] of its first byte.
//! - A head that two readers could split differently is refused as soon as its line is there: a bare CR, LF
//!   or NUL, folded lines, blanks around names, a framing that is not plain. Nothing is repaired.
//!
//! Left alone on purpose: what the head says (`proxy::admit`).

use std::time::Instant;

use bytes::BytesMut;
use memchr::memchr;
use pingora::protocols::Stream;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout_at;

use super::ends::Ends;
use crate::config::{CUT_SLACK, HEAD_DEADLINE, HEAD_MAX_BYTES, URI_MAX_BYTES};
use crate::error::Refusal;

/// What most heads fit in, in bytes.
const BUFFER_BYTES: usize = 2 * 1024;

/// Most header lines.
const LINES_MAX: usize = 100;

/// Longest method with the blanks and the version of a request line, in bytes.
const AROUND_URI_BYTES: usize = 32;

/// Why there is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHead {
    /// The client is gone, or said nothing: there is nobody to answer.
    Silent,
    /// It is refused.
    Refused(Refusal),
}

/// Reads until a head is complete; what stands behind it in the buffer is its body. How long its first byte is waited
/// for is the connection's matter (`ends`).
pub(super) async fn read(stream: &mut Stream, ends: &Ends) -> Result<BytesMut, NoHead> {
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
    let mut scan = Scan::default();
    match stream.read_buf(&mut buffer).await {
        Ok(length) if length > 0 => {}
        _ => return Err(NoHead::Silent),
    }
    if scan.go_on(&buffer).map_err(NoHead::Refused)? {
        return Ok(buffer);
    }
    let deadline = Instant::now() + HEAD_DEADLINE;
    ends.request_until(deadline + CUT_SLACK);
    loop {
        // Never more than one byte past the limit, whatever the buffer could take.
        let room = HEAD_MAX_BYTES + 1 - buffer.len();
        buffer.reserve(room.min(BUFFER_BYTES));
        let mut limited = (&mut *stream).take(room as u64);
        match timeout_at(deadline.into(), limited.read_buf(&mut buffer)).await {
            Err(_) => return Err(NoHead::Refused(Refusal::HeadTooSlow)),
            Ok(Ok(0) | Err(_)) => return Err(NoHead::Silent),
            Ok(Ok(_)) => {}
        }
        if scan.go_on(&buffer).map_err(NoHead::Refused)? {
            return Ok(buffer);
        }
    }
}

/// How far a head has been read, and what its framing says.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Where the next line begins.
    line_at: usize,
    /// Up to where there is no end of a line.
    seen: usize,
    lines: usize,
    lengths: u8,
    codings: u8,
    hosts: u8,
    is_http_10: bool,
}

impl Scan {
    /// Judges the lines that have come since; true where the head is complete.
    pub(crate) fn go_on(&mut self, buffer: &[u8]) -> Result<bool, Refusal> {
        while let Some(length) = memchr(b'\n', &buffer[self.seen..]) {
            let end = self.seen + length;
            let line = &buffer[self.line_at..end];
            let line = line.strip_suffix(b"\r").ok_or(BARE)?;
            (self.line_at, self.seen) = (end + 1, end + 1);
            if self.line_at > HEAD_MAX_BYTES {
                return Err(Refusal::HeadTooLarge);
            }
            if line.is_empty() && self.lines > 0 {
                return self.check_framing().map(|()| true);
            }
            self.line(line)?;
        }
        self.seen = buffer.len();
        if self.lines == 0 && buffer.len() > URI_MAX_BYTES + AROUND_URI_BYTES {
            return Err(Refusal::UriTooLong);
        }
        if buffer.len() > HEAD_MAX_BYTES {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(false)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.lines += 1;
        if self.lines == 1 {
            return self.request_line(line);
        }
        if self.lines > LINES_MAX {
            return Err(Refusal::HeadTooLarge);
        }
        let colon = memchr(b':', line).ok_or(NAMELESS)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(NAMELESS);
        }
        // To the end whatever is found: so several bytes are looked at at once, and values are most of a head.
        let is_odd = |byte: u8| u8::from(byte.is_ascii_control() && byte != b'\t');
        if value.iter().fold(0, |odd, byte| odd | is_odd(*byte)) > 0 {
            return Err(BARE);
        }
        self.framing(name, value)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        const SHAPE: Refusal = Refusal::BadRequest(
            "the first line is not a method, a path and HTTP/1.1 with one blank between",
        );
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SHAPE);
        };
        if target.len() > URI_MAX_BYTES {
            return Err(Refusal::UriTooLong);
        }
        self.is_http_10 = version == b"HTTP/1.0";
        let is_text = target.iter().all(u8::is_ascii_graphic);
        let is_method = !method.is_empty() && method.iter().copied().all(is_token);
        if !is_method || !is_text || !(self.is_http_10 || version == b"HTTP/1.1") {
            return Err(SHAPE);
        }
        if target.first() != Some(&b'/') {
            return Err(Refusal::BadRequest("the request's target is not a path"));
        }
        Ok(())
    }

    /// Takes note of the headers that say where a request ends and for whom it is.
    fn framing(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths = self.lengths.saturating_add(1);
            if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                return Err(Refusal::BadRequest("Content-Length is not a number"));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings = self.codings.saturating_add(1);
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::BadRequest("Transfer-Encoding may be chunked alone"));
            }
        } else if name.eq_ignore_ascii_case(b"host") {
            self.hosts = self.hosts.saturating_add(1);
            let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]%~".contains(byte);
            if !value.iter().all(is_host) {
                return Err(Refusal::BadRequest("Host is not a host"));
            }
        }
        Ok(())
    }

    fn check_framing(&self) -> Result<(), Refusal> {
        if self.lengths > 1 || self.codings > 1 || self.hosts > 1 {
            return Err(Refusal::BadRequest("a header stands twice that may stand once"));
        }
        if self.codings > 0 && self.is_http_10 {
            return Err(Refusal::BadRequest("HTTP/1.0 has no Transfer-Encoding"));
        }
        if self.codings > 0 && self.lengths > 0 {
            return Err(Refusal::BadRequest(
                "Content-Length and Transfer-Encoding exclude each other",
            ));
        }
        Ok(())
    }
}

const BARE: Refusal = Refusal::BadRequest("the head has a bare control character");

const NAMELESS: Refusal = Refusal::BadRequest("a line of the head is not a name, a colon, a value");

/// A character of a method or a header's name (RFC 9110).
fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Looked up, because each character of each name is asked for.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        let is_mark = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        table[byte as usize] = byte.is_ascii_alphanumeric() || is_mark;
        byte += 1;
    }
    table
};

#[cfg(test)]
#[path = "head_test.rs"]
mod tests;
