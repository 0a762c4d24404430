//! Progress on a terminal, and nothing of it elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Global;
use crate::scan::Progress;

/// A bar of stored bytes, shown after a short while.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar for layers of `bytes` in all.
    pub(super) fn new(bytes: u64, global: &Global) -> Self {
        let shown = !global.quiet && !global.no_progress && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        let template = "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {eta}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("reading layers");
        if shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self(bar)
    }

    /// Tells what is being done.
    pub(super) fn say(&self, what: &str) {
        self.0.set_message(crate::report::escape::terminal(what));
    }

    /// So many bytes of a length that is not known before.
    pub(super) fn more(&self, bytes: u64) {
        self.0.inc_length(bytes);
        self.0.inc(bytes);
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn read(&self, stored_bytes: u64) {
        self.0.inc(stored_bytes);
    }
}
