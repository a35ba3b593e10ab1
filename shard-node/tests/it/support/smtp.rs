//! A mail server of the test's own: it speaks as much SMTP as it takes to be sent mail, and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use shard_node::mail::{MailSettings, SmtpSettings, TlsMode};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Script {
    /// This is the answer to RCPT.
    AtRcpt(&'static str),
    /// This is the answer to the whole message.
    AtEnd(&'static str),
    /// It takes the message, and is gone before it says so.
    GoneAtEnd,
    /// It never says a word.
    Silent,
    /// It wants a login, and this is the answer to it.
    AtLogin(&'static str),
}

/// A message as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) message: String,
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.message.split("\r\n\r\n").next().expect("a head");
        let line = head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {head}"))
    }
}

#[derive(Default)]
struct State {
    scripts: Mutex<VecDeque<Script>>,
    received: Mutex<Vec<Received>>,
    commands: Mutex<Vec<String>>,
}

/// The server; it takes everything unless it is told otherwise.
pub(crate) struct Sink {
    port: u16,
    state: Arc<State>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let of_server = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = of_server.clone();
                tokio::spawn(async move {
                    let script = state.scripts.lock().expect("scripts").pop_front();
                    // A client that goes away is none of its business.
                    let _ = converse(stream, script, &state).await;
                });
            }
        });
        Self { port, state }
    }

    /// Says what becomes of the next connection that has no script yet.
    pub(crate) fn next(&self, script: Script) {
        self.state.scripts.lock().expect("scripts").push_back(script);
    }

    /// Takes everything again.
    pub(crate) fn take_all(&self) {
        self.state.scripts.lock().expect("scripts").clear();
    }

    /// What it has taken.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().expect("messages").clone()
    }

    /// What it was told, in the first words of each line.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.state.commands.lock().expect("commands").clone()
    }

    /// How a node reaches it.
    pub(crate) fn settings(&self) -> MailSettings {
        MailSettings {
            from: "lxp <noreply@lxp.example>".to_owned(),
            smtp: SmtpSettings {
                host: "127.0.0.1".to_owned(),
                port: self.port,
                tls: TlsMode::None,
                username: None,
                password_file: None,
            },
        }
    }
}

async fn converse(stream: TcpStream, script: Option<Script>, state: &State) -> std::io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut lines = BufReader::new(input).lines();
    if matches!(script, Some(Script::Silent)) {
        // Until the client gives up.
        while lines.next_line().await?.is_some() {}
        return Ok(());
    }
    output.write_all(b"220 sink ESMTP\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
        state.commands.lock().expect("commands").push(verb.clone());
        let answer = match (verb.as_str(), script) {
            ("EHLO", Some(Script::AtLogin(_))) => "250-sink\r\n250 AUTH PLAIN",
            ("EHLO", _) => "250-sink\r\n250 8BITMIME",
            ("AUTH", Some(Script::AtLogin(answer))) | ("RCPT", Some(Script::AtRcpt(answer))) => {
                answer
            }
            ("RCPT", _) => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok"
            }
            ("DATA", _) => {
                output.write_all(b"354 go on\r\n").await?;
                let message = message(&mut lines).await?;
                if let Some(Script::AtEnd(answer)) = script {
                    answer
                } else {
                    let received = Received { to: to.clone(), message };
                    state.received.lock().expect("messages").push(received);
                    if matches!(script, Some(Script::GoneAtEnd)) {
                        return Ok(());
                    }
                    "250 taken"
                }
            }
            ("QUIT", _) => {
                output.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        output.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Everything up to the line with a dot, without the dots that were put before others.
async fn message(
    lines: &mut tokio::io::Lines<BufReader<tokio::net::tcp::OwnedReadHalf>>,
) -> std::io::Result<String> {
    let mut message = String::new();
    while let Some(line) = lines.next_line().await? {
        if line == "." {
            break;
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
        message.push_str("\r\n");
    }
    Ok(message)
}
