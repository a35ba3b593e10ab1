//! How loaded the machine was by others while something was measured.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cpu;

/// A watch over the machine.
#[derive(Debug)]
pub(crate) struct Watch {
    machine: cpu::Machine,
    own: Duration,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        Ok(Self { machine: cpu::machine()?, own: cpu::of_tree(std::process::id())? })
    }

    /// Says what others used meanwhile.
    pub(crate) fn end(&self) -> anyhow::Result<String> {
        let machine = cpu::machine()?;
        let own = cpu::of_tree(std::process::id())?.saturating_sub(self.own);
        let all = machine.all.saturating_sub(self.machine.all);
        let busy = machine.busy.saturating_sub(self.machine.busy);
        Ok(sentence(all, busy, own))
    }
}

fn sentence(all: Duration, busy: Duration, own: Duration) -> String {
    let percent = |part: Duration| 100.0 * part.as_secs_f64() / all.as_secs_f64().max(1e-9);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut text = format!("{cores} cores, of which the benchmark used {:.0} %", percent(own));
    // Writing to a String cannot fail.
    let _ = write!(text, " and others {:.0} %", percent(busy.saturating_sub(own)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_the_others() {
        let seconds = Duration::from_secs;
        let said = sentence(seconds(20), seconds(15), seconds(10));
        assert!(said.ends_with("used 50 % and others 25 %"), "{said}");
    }
}
