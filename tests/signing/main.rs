//! Signatures and attestations against other implementations.
//!
//! | module | what belongs there |
//! |---|---|
//! | `conformance` | Sigstore's conformance cases, offline |
//! | `interop` | what cosign wrote, with the verdicts that it gave; what we write, compared with it |
//! | `advisories` | the published vulnerabilities of cosign and its relatives, each as a test |
//! | `mutation` | everything that is accepted, damaged in every way: never accepted with another meaning |
//! | `keyless` | signing without a key, against a Sigstore instance on loopback |
//! | `offline` | without a network |
//! | `own` | attestations of our own scans |
//! | `tokens` | keys in PKCS#11 tokens, and behind programs |
//! | `tuf` | trusted roots from TUF repositories |
//! | `docs` | what docs/signing.md tells its reader to type |
//! | `memory` | a repository in memory that a test can fill with lies |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/shared.rs"]
mod shared;

mod advisories;
mod conformance;
mod docs;
mod interop;
mod keyless;
mod memory;
mod mutation;
mod offline;
mod own;
mod tokens;
mod tuf;
#[expect(dead_code, reason = "the tests of the whole program use all of it")]
#[path = "../cli/world.rs"]
mod world;
#[expect(dead_code, reason = "the tests of the tar reader use all of it")]
#[path = "../tar_differential/writer.rs"]
mod writer;
