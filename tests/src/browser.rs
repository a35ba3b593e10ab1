//! A real Chromium without a window, spoken to over its debugging protocol: one tab, one call after the other.
//!
//! The protocol goes over two pipes (`--remote-debugging-pipe`): no port that others could take, nothing to look for.
//! What must stay true: its profile is a directory of the test's own, and nothing of it outlives the test.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one tab.
pub struct Browser {
    group: Pid,
    child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
    last: u64,
    tab: Option<String>,
    /// What happened in the tab so far: requests, errors, lines of the console.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        // It speaks on descriptors 3 and 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", "chromium"]);
        // As root there is no sandbox, and no page of ours needs one.
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ]);
        command.args(["--no-first-run", "--disable-breakpad", "--disable-background-networking"]);
        command.arg("--remote-debugging-pipe");
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("sh runs");
        let group = child.id().and_then(|id| i32::try_from(id).ok()).expect("a process");
        let calls = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let (group, events) = (Pid::from_raw(group), vec![]);
        let mut browser =
            Self { group, child, calls, answers, last: 0, tab: None, events, _profile: profile };
        let made = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": made["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.tab = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method and waits for its answer.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut call = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(tab) = &self.tab {
            call["sessionId"] = json!(tab);
        }
        let mut bytes = call.to_string().into_bytes();
        bytes.push(0);
        self.calls.write_all(&bytes).await.expect("chromium runs");
        loop {
            let mut message = Vec::new();
            let read = timeout(PATIENCE, self.answers.read_until(0, &mut message)).await;
            let read = read.unwrap_or_else(|_| panic!("{method} was not answered"));
            assert!(read.expect("a message") > 0, "chromium ended: is it installed?");
            message.pop();
            let message: Value = serde_json::from_slice(&message).expect("JSON");
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// What an expression is in the page.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page.
    pub async fn until(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.eval(expression).await != true {
            let text = self.eval("document.body && document.body.innerText").await;
            assert!(Instant::now() < deadline, "waited for {expression} in: {text}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens a page and waits until it is there whole.
    pub async fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// Presses a key where the focus is.
    pub async fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            other => panic!("no key {other}"),
        };
        let mut press =
            json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        if let Some(text) = text {
            press["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", press.clone()).await;
        press["type"] = json!("keyUp");
        self.call("Input.dispatchKeyEvent", press).await;
    }

    /// Types where the focus is.
    pub async fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// How the window is: its width, and whether the person likes it dark.
    pub async fn look(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Every URL that was asked for so far.
    pub fn requests(&self) -> Vec<&str> {
        let of = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        of.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }

    /// Errors so far: exceptions, what the browser refused or did not get, what a script logged as one.
    pub fn errors(&self) -> Vec<&Value> {
        let is_error = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Log.entryAdded") => event["params"]["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => event["params"]["type"] == "error",
            _ => false,
        };
        self.events.iter().filter(is_error).collect()
    }

    /// Ends it in order.
    pub async fn close(mut self) {
        self.tab = None;
        self.call("Browser.close", json!({})).await;
        // What does not end is killed.
        let _ = timeout(Duration::from_secs(10), self.child.wait()).await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // None may be left.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}
