//! What keeps the process's memory to itself: it holds credentials, keys, and the content of files with secrets.

use std::io::Write as _;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Nothing of the memory is written to disk or shown by a crash, as far as the system lets us say so: no core file (of child processes neither), no memory for debuggers of the
/// same user, and no value in a message about a panic.
pub(super) fn seal() {
    // A system that does not know these limits has none to lower.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(tell_place));
}

/// Tells where a panic happened and not what it says: the standard library quotes the text that a range does not fit.
fn tell_place(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_else(|| "an unknown place".to_owned());
    let backtrace = std::backtrace::Backtrace::capture();
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "imgguard {}: panic at {place}", env!("CARGO_PKG_VERSION"));
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = writeln!(stderr, "{backtrace}");
    }
}
