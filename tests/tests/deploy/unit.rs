//! What of a systemd unit decides how its service is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use lxp_tests::program;

use crate::read;

/// A unit, for one instance.
pub(crate) struct Unit {
    name: String,
    lines: Vec<(String, String)>,
}

impl Unit {
    /// Reads a unit of deploy/systemd; `%i` in it is the instance.
    pub(crate) fn read(file: &str, instance: &str) -> Self {
        let text = read(&format!("deploy/systemd/{file}")).replace("%i", instance);
        let lines = text.lines().filter(|line| !line.starts_with(['#', '[']));
        let lines = lines.filter_map(|line| line.split_once('='));
        let lines: Vec<_> = lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert!(!lines.iter().any(|(_, value)| value.contains('%')), "{file}: another specifier");
        Self { name: file.replace("@.", &format!("@{instance}.")), lines }
    }

    /// All values of a key.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        let of_key = self.lines.iter().filter(|(name, _)| name == key);
        of_key.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a key that is there once.
    pub(crate) fn one(&self, key: &str) -> &str {
        let [value] = self.all(key)[..] else { panic!("{}: not one {key}", self.name) };
        value
    }

    /// The directories that systemd makes for it, as they lie below `root`.
    pub(crate) fn directories(&self, root: &Path) -> Vec<PathBuf> {
        let state = self.all("StateDirectory").into_iter().map(|name| format!("var/lib/{name}"));
        let runtime = self.all("RuntimeDirectory").into_iter().map(|name| format!("run/{name}"));
        state.chain(runtime).map(|path| root.join(path)).collect()
    }

    /// Its command line and environment; what lies in /usr/bin is what was built, the rest lies below `root`.
    pub(crate) fn command(&self, root: &Path) -> Command {
        let mut words = self.one("ExecStart").split_whitespace();
        let path = words.next().expect("a program");
        let name = path.strip_prefix("/usr/bin/").expect("a program in /usr/bin");
        let mut command = program(name);
        command.env_clear();
        command.args(words.map(|word| below(root, word)));
        for variable in self.all("Environment") {
            let (name, value) = variable.split_once('=').expect("NAME=value");
            command.env(name, below(root, value));
        }
        command
    }
}

/// A path as it lies below `root`; any other word as it is.
pub(crate) fn below(root: &Path, word: &str) -> String {
    if word.starts_with('/') { format!("{}{word}", root.display()) } else { word.to_owned() }
}
