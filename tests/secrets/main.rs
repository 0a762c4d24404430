//! The secret detector: every shipped rule against its own examples, the engine on split and odd input, credential files, and keys against
//! the tools that make them. Whole images are scanned in `tests/cli/secrets.rs`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;

#[expect(dead_code, reason = "the tests of package lists use all of it")]
#[path = "../support/accuracy.rs"]
mod accuracy;
mod cases;
mod encoded;
mod engine;
mod files;
mod keys;
mod nested;
mod noise;
mod rules;
#[path = "../support/shared.rs"]
mod shared;
mod stores;
mod user;

use imgguard::secret::template;
