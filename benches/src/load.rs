//! HTTP load by wrk: prepared requests over kept connections, from one thread.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

const SCRIPT: &str = include_str!("load.lua");

/// What wrk is to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests {
    /// Length and bytes of each, one after another.
    file: String,
    pub(crate) count: u32,
}

/// How wrk sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// Begin again at the end of the requests; else the load ends there.
    pub(crate) repeat: bool,
}

/// What came of a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) took: Duration,
    /// Answers of 400 and above, and broken or late connections.
    pub(crate) failed: u32,
    pub(crate) median_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Requests {
    /// Adds a request. A POST has a body and an `Idempotency-Key`.
    pub(crate) fn push(&mut self, path: &str, headers: &str, post: Option<(&str, &str)>) {
        let request = match post {
            None => format!("GET {path} HTTP/1.1\r\nHost: lxp\r\n{headers}\r\n"),
            Some((key, body)) => format!(
                "POST {path} HTTP/1.1\r\nHost: lxp\r\n{headers}Idempotency-Key: {key}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        // Writing to a String cannot fail.
        let _ = write!(self.file, "{}\n{request}", request.len());
        self.count += 1;
    }
}

/// The headers of a caller.
pub(crate) fn caller(token: &str, institution: impl std::fmt::Display) -> String {
    format!("Authorization: Bearer {token}\r\nX-Institution-Id: {institution}\r\n")
}

/// Sends requests to a URL such as `http://127.0.0.1:80`.
pub(crate) async fn send(url: &str, requests: &Requests, pace: Pace) -> anyhow::Result<Load> {
    anyhow::ensure!(requests.count > 1, "there is nothing to send");
    let directory = tempfile::tempdir()?;
    let (script, file) = (directory.path().join("load.lua"), directory.path().join("requests"));
    std::fs::write(&script, SCRIPT)?;
    std::fs::write(&file, &requests.file)?;
    let output = Command::new("wrk")
        .args(["-t", "1", "-c", &pace.connections.to_string()])
        .args(["-d", &format!("{}s", pace.seconds), "--timeout", "10s", "-s"])
        .args([script.as_path(), Path::new(url), Path::new("--"), &file])
        .arg(if pace.repeat { "repeat" } else { "once" })
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("wrk cannot be run (scripts/install-missing bench installs it)")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let load = parse(&said).with_context(|| {
        format!("wrk gave no result: {said}{}", String::from_utf8_lossy(&output.stderr))
    })?;
    // wrk waits for the end of its time all the same.
    if !pace.repeat && pace.seconds > 1 && load.requests + 1 >= requests.count {
        eprintln!("  all requests were sent early: requests/s is too low, CPU a request is not");
    }
    Ok(load)
}

/// Reads the line that `load.lua` prints at the end.
fn parse(said: &str) -> Option<Load> {
    let line = said.lines().find_map(|line| line.strip_prefix("result "))?;
    let numbers: Vec<u32> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [requests, took_us, failed, median_us, p99_us] = numbers[..] else { return None };
    Some(Load {
        requests,
        took: Duration::from_micros(u64::from(took_us)),
        failed,
        median_ms: f64::from(median_us) / 1e3,
        p99_ms: f64::from(p99_us) / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_line_is_read() {
        let load = parse("Running 1s test\nresult 1000 1000500 2 1500 9000\n").expect("a load");
        assert_eq!((load.requests, load.failed), (1000, 2));
        assert_eq!(load.took, Duration::from_micros(1_000_500));
        assert!((load.median_ms - 1.5).abs() < 1e-9 && (load.p99_ms - 9.0).abs() < 1e-9);
        assert_eq!(parse("result 1 2 3\n"), None);
        assert_eq!(parse("unable to connect\n"), None);
    }

    #[test]
    fn a_request_knows_its_length() {
        let mut requests = Requests::default();
        requests.push("/v1/a", "A: b\r\n", Some(("k", "{}")));
        let (length, request) = requests.file.split_once('\n').expect("a line");
        assert_eq!(length.parse(), Ok(request.len()));
        assert!(request.ends_with("Content-Length: 2\r\n\r\n{}"));
    }
}
