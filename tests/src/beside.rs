//! One more process beside those of a platform: a second control plane, or a node that a test has for itself.
//!
//! What must stay true: it is gone when it is dropped. It is a child in the test's own process group, so what ends the
//! test ends it, too.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::platform::program;
use crate::{Client, Platform, thaw};

const READY_WITHIN: Duration = Duration::from_mins(1);

/// The process.
pub struct Beside {
    child: Child,
    url: String,
    admin_url: String,
}

impl Beside {
    /// Starts a program with the settings of the platform's part `like`, at addresses of its own, and waits until it
    /// serves. `prefix` begins the variables that override settings; `environment` has more of them, in which
    /// `{listen}` is its own address.
    pub async fn start(
        platform: &Platform,
        name: &str,
        like: &str,
        prefix: &str,
        environment: &[(&str, String)],
    ) -> Self {
        let address = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("an address").to_string()
        };
        let (listen, admin) = (address(), address());
        let log = platform.data().join(format!("logs/{like}-beside.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let child = program(name)
            .arg("--config")
            .arg(platform.data().join(format!("config/{like}.toml")))
            .env(format!("{prefix}__LISTEN"), &listen)
            .env(format!("{prefix}__ADMIN_LISTEN"), &admin)
            .envs(
                environment.iter().map(|(name, value)| (name, value.replace("{listen}", &listen))),
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("it runs");
        let (url, admin_url) = (format!("http://{listen}"), format!("http://{admin}"));
        let mut beside = Self { child, url, admin_url };
        let (begun, client) = (Instant::now(), Client::new(&beside.admin_url, ""));
        while client.try_send(reqwest::Method::GET, "/readyz", None, &[]).await.status != 200 {
            let ended = beside.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{name} ended: {ended:?}");
            assert!(begun.elapsed() < READY_WITHIN, "{name} is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        beside
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its metrics are.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Its id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("an id")
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        thaw(self.pid());
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
