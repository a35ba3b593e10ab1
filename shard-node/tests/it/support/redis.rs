//! A Redis Cluster of one master, of the test's own: it can be killed, frozen and flushed.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct TestRedis {
    port: u16,
    directory: TempDir,
    server: Option<Child>,
}

impl TestRedis {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut redis = Self { port, directory, server: None };
        redis.spawn();
        let mut connection = redis.connection().await;
        let slots = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383).to_owned();
        slots.query_async::<()>(&mut connection).await.expect("slots");
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again, empty.
    pub(crate) fn spawn(&mut self) {
        // The bus wants a port of its own below 65,536.
        let bus = if self.port > 40_000 { self.port - 10_000 } else { self.port + 10_000 };
        let server = Command::new("redis-server")
            .current_dir(self.directory.path())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no", "--cluster-enabled", "yes", "--cluster-port"])
            .args([&bus.to_string(), "--cluster-announce-ip", "127.0.0.1"])
            .stdout(Stdio::null())
            .spawn();
        self.server = Some(server.expect("redis-server is installed"));
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("it ran");
            server.wait().expect("it ended");
        }
    }

    /// `STOP` or `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.server.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill is there");
        assert!(sent.success());
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        let began = Instant::now();
        loop {
            let client = redis::Client::open(self.url()).expect("a URL");
            match client.get_multiplexed_async_connection().await {
                Ok(connection) => return connection,
                Err(error) => assert!(began.elapsed() < DEADLINE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The keys that have a text in their name or their value.
    pub(crate) async fn holding(&self, text: &str) -> Vec<String> {
        let mut connection = self.connection().await;
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("keys");
        assert!(!keys.is_empty(), "nothing is in Redis");
        // What is compressed could not be searched.
        let plain = redis::cmd("CONFIG").arg("SET").arg("rdbcompression").arg("no").to_owned();
        plain.query_async::<()>(&mut connection).await.expect("set");
        let mut holding = Vec::new();
        for key in keys {
            let value: Vec<u8> =
                redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.expect("a value");
            let is_there = value.windows(text.len()).any(|bytes| bytes == text.as_bytes());
            if is_there || key.contains(text) {
                holding.push(key);
            }
        }
        holding
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
    }
}
