//! CPU time as Linux counts it: of a process with all that it started, and of the whole machine.
//!
//! What must stay true: a process that ends loses nothing. Its time is then its parent's reaped time, which is
//! counted with the parent's tree; so Postgres' sum over backends never goes back.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What a tick in /proc is worth. Linux shows 100 a second to programs, whatever it counts in itself.
const TICK: Duration = Duration::from_millis(10);

/// A process as /proc/<pid>/stat shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    own_ticks: u32,
    /// Of children that have ended and were waited for.
    reaped_ticks: u32,
}

/// The machine's counters since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) busy: Duration,
    pub(crate) all: Duration,
}

/// The CPU time of a process and its descendants, ended ones included.
pub(crate) fn of_tree(root: u32) -> anyhow::Result<Duration> {
    let processes = processes().context("/proc cannot be read")?;
    anyhow::ensure!(processes.iter().any(|one| one.pid == root), "process {root} has ended");
    Ok(TICK * ticks_of_tree(&processes, root))
}

/// The machine's counters now.
pub(crate) fn machine() -> anyhow::Result<Machine> {
    parse_machine(&fs::read_to_string("/proc/stat")?).context("/proc/stat is not understood")
}

/// The CPU time of the calling thread. Yields first: the kernel brings its sum up to date when it does.
pub(crate) fn of_this_thread() -> anyhow::Result<Duration> {
    std::thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns = text.split_ascii_whitespace().next().and_then(|ns| ns.parse().ok());
    ns.map(Duration::from_nanos).context("/proc/thread-self/schedstat is not understood")
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    parse_resident(&status).context("/proc/<pid>/status is not understood")
}

fn processes() -> std::io::Result<Vec<Process>> {
    let pids = fs::read_dir("/proc")?.flatten();
    let pids = pids.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    // One that has just ended has no file any more.
    let stats = pids.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    Ok(stats.filter_map(|stat| parse_stat(&stat)).collect())
}

fn ticks_of_tree(processes: &[Process], root: u32) -> u32 {
    let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let mut ticks = 0;
    let mut open: Vec<&Process> = processes.iter().filter(|one| one.pid == root).collect();
    while let Some(process) = open.pop() {
        ticks += process.own_ticks + process.reaped_ticks;
        open.extend(children.get(&process.pid).into_iter().flatten());
    }
    ticks
}

/// The name in the second field may hold anything, spaces and parentheses too: fields count from its last `)`.
fn parse_stat(stat: &str) -> Option<Process> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered from `state`, the third field, which is 0 here.
    let number = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(Process {
        pid,
        parent: number(1)?,
        own_ticks: number(11)? + number(12)?,
        reaped_ticks: number(13)? + number(14)?,
    })
}

fn parse_machine(stat: &str) -> Option<Machine> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user already.
    let ticks: Vec<u32> =
        line.split_ascii_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    let all: u32 = ticks.iter().sum();
    Some(Machine { busy: TICK * (all - idle), all: TICK * all })
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, own_ticks: u32, reaped_ticks: u32) -> Process {
        Process { pid, parent, own_ticks, reaped_ticks }
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_is_no_hindrance() {
        let stat =
            "12 (postgres: a) (b)) S 7 12 12 0 -1 4194560 100 0 0 0 30 4 5 6 20 0 1 0 99 0 0";
        assert_eq!(parse_stat(stat), Some(process(12, 7, 34, 11)));
        assert_eq!(parse_stat("12 (cut) S 7"), None);
    }

    #[test]
    fn a_tree_counts_its_own_and_nobody_elses() {
        let before = [process(1, 0, 9, 9), process(5, 1, 10, 0), process(6, 5, 3, 0)];
        assert_eq!(ticks_of_tree(&before, 5), 13);
        // Process 6 has ended and was waited for by 5.
        let after = [process(1, 0, 9, 9), process(5, 1, 10, 4)];
        assert_eq!(ticks_of_tree(&after, 5), 14);
    }

    #[test]
    fn the_machine_is_busy_where_it_is_not_idle() {
        let machine = parse_machine("cpu  10 5 20 100 7 1 2 3 50 0\ncpu0 1 2 3\n");
        let expected = Machine { busy: TICK * 41, all: TICK * 148 };
        assert_eq!(machine, Some(expected));
    }

    #[test]
    fn resident_memory_is_in_kib() {
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
    }

    #[test]
    fn work_done_here_is_seen() {
        let before = of_this_thread().expect("a time");
        let sum = (0..5_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n));
        std::hint::black_box(sum);
        assert!(of_this_thread().expect("a time") > before);
        assert!(of_tree(std::process::id()).is_ok());
    }
}
