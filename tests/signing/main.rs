//! Signatures and attestations against other implementations.
//!
//! | module | what belongs there |
//! |---|---|
//! | `conformance` | Sigstore's conformance cases, offline |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/shared.rs"]
mod shared;

mod conformance;
