//! A bar on a terminal, gone when the run ends; nothing elsewhere. The decisions themselves are printed once, at the end,
//! when the commit had its say.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use sigcache_core::{Decision, Name, run::Observer};

use crate::args::Common;

pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of `total` steps, if somebody is there to see it.
    pub(crate) fn new(common: &Common, total: usize) -> Self {
        let seen = std::io::stderr().is_terminal() && !common.quiet && !common.json;
        let bar = if seen { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// One step more, about this resource.
    pub(crate) fn step(&self, name: &Name) {
        self.0.inc(1);
        self.0.set_message(name.to_string());
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Progress {
    fn found(&self, more: usize) {
        self.0.inc_length(more as u64);
    }

    fn decided(&self, decision: &Decision) {
        self.0.inc(1);
        self.0.set_message(format!("{} {}", decision.outcome, decision.resource));
    }
}
