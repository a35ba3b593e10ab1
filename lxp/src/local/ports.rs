//! Ports on loopback: the two that people know, and free ones for the rest, the same from one start to the next.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

use crate::failure::Failure;

/// Below the range from which the kernel takes the ports of outgoing connections (32768 and up on Linux), so
/// that no connection takes one between the choice and its use.
const FREE_FROM: u16 = 20_000;
const FREE_TO: u16 = 32_000;

/// How far past a taken default port the next free one is looked for.
const NEAR: u16 = 100;

/// The ports of one platform, by the name of what listens there.
#[derive(Debug)]
pub(crate) struct Ports {
    remembered: BTreeMap<String, u16>,
    chosen: BTreeMap<String, u16>,
    taken: HashSet<u16>,
    next: u16,
    notes: Vec<String>,
}

impl Ports {
    /// `seed` spreads the choices of platforms that start at the same time.
    pub(crate) fn new(remembered: BTreeMap<String, u16>, seed: u32) -> Self {
        let span = u32::from(FREE_TO - FREE_FROM);
        let offset = u16::try_from(seed.wrapping_mul(7919) % span).unwrap_or_default();
        Self {
            remembered,
            chosen: BTreeMap::new(),
            taken: HashSet::new(),
            next: FREE_FROM + offset,
            notes: Vec::new(),
        }
    }

    /// For more names beside those that have their ports: none of theirs is given away, though its holder be down.
    pub(crate) fn beside(others: &BTreeMap<String, u16>, seed: u32) -> Self {
        Self { taken: others.values().copied().collect(), ..Self::new(BTreeMap::new(), seed) }
    }

    /// A port that its user knows: the one asked for, which must be free; else the usual one or the next free
    /// one after it, which is said. 0 asks for any.
    pub(crate) fn known(
        &mut self,
        name: &str,
        option: &str,
        asked: Option<u16>,
        usual: u16,
    ) -> anyhow::Result<u16> {
        match asked {
            Some(0) => self.free(name),
            Some(port) if self.try_take(name, port) => Ok(port),
            Some(port) => Err(taken(port, option).into()),
            None => self.near(name, usual),
        }
    }

    fn near(&mut self, name: &str, usual: u16) -> anyhow::Result<u16> {
        let before = self.remembered.get(name).copied();
        if let Some(port) = before.filter(|port| self.try_take(name, *port)) {
            return Ok(port);
        }
        let found = (usual..=usual + NEAR).find(|port| self.try_take(name, *port));
        let port = found.with_context(|| format!("no free port in {usual}..={}", usual + NEAR))?;
        if port != usual {
            let holder = holder(usual).unwrap_or_else(|| "another process".to_owned());
            self.notes.push(format!("port {usual} is taken by {holder}: {name} listens on {port}"));
        }
        Ok(port)
    }

    /// The port that the name had before if it is free, else another free one.
    pub(crate) fn free(&mut self, name: &str) -> anyhow::Result<u16> {
        if let Some(port) = self.remembered.get(name).copied()
            && self.try_take(name, port)
        {
            return Ok(port);
        }
        for _ in FREE_FROM..FREE_TO {
            let port = self.next;
            self.next = if port + 1 >= FREE_TO { FREE_FROM } else { port + 1 };
            if self.try_take(name, port) {
                return Ok(port);
            }
        }
        anyhow::bail!("no free port in {FREE_FROM}..{FREE_TO} for {name}")
    }

    /// What was chosen, and what to say about it.
    pub(crate) fn finish(self) -> (BTreeMap<String, u16>, Vec<String>) {
        (self.chosen, self.notes)
    }

    fn try_take(&mut self, name: &str, port: u16) -> bool {
        if self.taken.contains(&port) || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return false;
        }
        self.taken.insert(port);
        self.chosen.insert(name.to_owned(), port);
        true
    }
}

fn taken(port: u16, option: &str) -> Failure {
    let (who, ask) = match holder(port) {
        Some(holder) => (format!(" by {holder}"), String::new()),
        None => (String::new(), format!("; `ss -ltnp 'sport = :{port}'` as root tells who has it")),
    };
    Failure::refused(format!("port {port} is taken{who}: nothing was started")).next(format!(
        "stop what listens there, or give {option} another port, or leave {option} out{ask}"
    ))
}

/// The process that listens on a port, as `name (pid 1)`; none when it is somebody else's and cannot be seen.
fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().find_map(|line| listening_inode(line, port)).map(str::to_owned)
    })?;
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.into_iter().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.find(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == &*socket))?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} (pid {pid})", name.trim()))
    })
}

/// A line of /proc/net/tcp: `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`.
fn listening_inode(line: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, hex) = fields.get(1)?.rsplit_once(':')?;
    let listens = fields.get(3) == Some(&"0A");
    (listens && u16::from_str_radix(hex, 16) == Ok(port)).then(|| fields.get(9).copied())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(remembered: &[(&str, u16)]) -> Ports {
        let remembered =
            remembered.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        Ports::new(remembered, std::process::id())
    }

    #[test]
    fn a_taken_port_that_was_asked_for_is_refused_and_its_holder_named() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let error = ports(&[]).known("router", "--port", Some(port), 8080).expect_err("taken");
        let text = error.to_string();
        assert!(text.contains(&format!("port {port} is taken by")), "{text}");
        assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
        assert_eq!(Failure::of(&error).exit().code(), 3);
    }

    #[test]
    fn a_taken_usual_port_gives_the_next_one_and_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let usual = listener.local_addr().expect("an address").port();
        let mut ports = ports(&[]);
        let port = ports.known("router", "--port", None, usual).expect("a port");
        assert!(port > usual);
        let (chosen, notes) = ports.finish();
        assert_eq!(chosen["router"], port);
        assert!(notes[0].contains(&format!("router listens on {port}")), "{notes:?}");
    }

    #[test]
    fn a_remembered_port_is_kept_while_it_is_free() {
        let first = ports(&[]).free("node").expect("a port");
        assert_eq!(ports(&[("node", first)]).free("node").expect("a port"), first);
        let _listener = TcpListener::bind(("127.0.0.1", first)).expect("the port");
        assert_ne!(ports(&[("node", first)]).free("node").expect("a port"), first);
    }

    #[test]
    fn a_port_of_others_is_not_given_away_while_its_holder_is_down() {
        let others =
            BTreeMap::from([("node".to_owned(), ports(&[]).free("node").expect("a port"))]);
        let given = Ports::beside(&others, std::process::id()).free("other").expect("a port");
        assert_ne!(given, others["node"]);
    }

    #[test]
    fn no_port_is_given_twice() {
        let mut ports = ports(&[]);
        let given: HashSet<u16> =
            (0..50).map(|n| ports.free(&format!("p{n}")).expect("a port")).collect();
        assert_eq!(given.len(), 50);
    }
}
