//! Signals to the parts of a platform of one's own, by their ids alone.

use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Ends a process without a word.
pub fn kill(pid: i32) {
    send(pid, Signal::SIGKILL);
}

/// Stops a process and all below it, as a machine that hangs: its sockets stay open, and nobody answers.
pub fn freeze(pid: i32) {
    send(pid, Signal::SIGSTOP);
    for child in children(pid) {
        freeze(child);
    }
}

/// Lets a frozen process go on.
pub fn thaw(pid: i32) {
    for child in children(pid) {
        thaw(child);
    }
    send(pid, Signal::SIGCONT);
}

/// A process that ended meanwhile needs no signal.
fn send(pid: i32, signal: Signal) {
    let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
}

fn children(parent: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold blanks. proc(5): ppid is the second field after it.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
