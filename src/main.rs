//! The imgguard program.

use std::process::ExitCode;

fn main() -> ExitCode {
    imgguard::cli::main()
}
