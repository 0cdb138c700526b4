//! How far something is, for somebody who looks at a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Tells how far something is; silent where nobody looks.
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// On a terminal, unless a program reads what is printed.
    pub(crate) fn unless(json: bool) -> Self {
        Self { is_shown: !json && std::io::stderr().is_terminal() }
    }

    /// Something that is done event by event.
    pub(crate) fn over(&self, what: &'static str, events: u64) -> ProgressBar {
        let template = "{msg}: {wide_bar} {human_pos} of {human_len} events, {per_sec}, {eta} left";
        self.bar(ProgressBar::new(events), template, what)
    }

    /// Something of which nobody knows how long it takes.
    pub(crate) fn of(&self, what: &'static str) -> ProgressBar {
        let bar = self.bar(ProgressBar::new_spinner(), "{msg}: {elapsed}", what);
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }

    fn bar(&self, bar: ProgressBar, template: &str, what: &'static str) -> ProgressBar {
        if !self.is_shown {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style).with_message(what)
    }
}
