//! The secret detector: every shipped rule against its own examples, the engine on split and odd input, credential files, and keys against
//! the tools that make them. Whole images are scanned in `tests/cli/secrets.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says what it skipped"
)]

mod engine;
mod files;
mod keys;
mod rules;
mod template;
