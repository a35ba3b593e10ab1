//! Processes that the benchmark starts. None outlives it: each is told by the kernel when its parent is gone
//! (`setpriv --pdeathsig`), and is stopped when it is dropped.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process gets to end in order.
const END_WITHIN: Duration = Duration::from_mins(1);

/// A process of ours.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stop: Signal,
}

impl Running {
    /// Starts a program that is killed at the end.
    pub(crate) fn start(program: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(program, arguments, &[], Signal::SIGKILL)
    }

    /// Starts a program that ends in order on SIGTERM, with some variables more than ours.
    pub(crate) fn start_orderly(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::start_with(program, arguments, environment, Signal::SIGTERM)
    }

    fn start_with(
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stop: Signal,
    ) -> anyhow::Result<Self> {
        // setpriv becomes the program: the pid stays.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", stop.as_str().trim_start_matches("SIG"), "--", program])
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{program} cannot be started by setpriv (util-linux)"))?;
        Ok(Self { child, stop })
    }

    /// Its pid.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error where it has ended by itself.
    pub(crate) fn expect_alive(&mut self, name: &str) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{name} has ended: {status}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may end at this very moment, which is as good.
            let _ = kill(Pid::from_raw(pid), self.stop);
        }
        let deadline = Instant::now() + END_WITHIN;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that is free now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Waits until a GET is answered with 200.
pub(crate) async fn until_answers(url: &str, process: &mut Running) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let deadline = Instant::now() + END_WITHIN;
    loop {
        if client.get(url).send().await.is_ok_and(|answer| answer.status() == 200) {
            return Ok(());
        }
        process.expect_alive(url)?;
        anyhow::ensure!(Instant::now() < deadline, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_has_ended() {
        let running = Running::start_orderly("sleep", &["600"], &[]).expect("a process");
        let pid = running.pid();
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
