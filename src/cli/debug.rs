//! `--debug`: shows what [`diagnostics`](crate::diagnostics) tell, and nothing that another crate logs.

use std::io::Write as _;

use log::{LevelFilter, Log, Metadata, Record};

use super::args::Global;
use crate::diagnostics::TARGET;

/// The variable that does the same as the flag, where a command line cannot be changed.
const VARIABLE: &str = "IMGGUARD_LOG";

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = record.args().to_string();
            let _ = writeln!(anstream::stderr(), "debug: {}", crate::report::escape::terminal(&line));
        }
    }

    fn flush(&self) {}
}

/// Shows them from here on, if the user asked for it.
pub(super) fn start(global: &Global) {
    let is_wanted = global.debug || std::env::var_os(VARIABLE).is_some_and(|value| value == "debug");
    // Another logger is there only in a program that is not ours.
    if is_wanted && log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
