//! The program as a whole, run as its users run it.
//!
//! | module | what belongs there |
//! |---|---|
//! | `world` | the program with a scrubbed environment, and images made for a test |
//! | `bases` | what an image stands on: the page about it, the schema, and questions that make no sense |
//! | `bills` | bills of materials: written, and read in place of the image |
//! | `changed_files` | files of OS packages that a later layer changed |
//! | `databases` | what a store has, and what differs between two |
//! | `diff` | what differs between two images |
//! | `exit_codes` | how runs end |
//! | `explain` | why an id is or is not reported |
//! | `lint` | build and run files: pages, reports, exit codes, fixes |
//! | `lint_repository` | `lint` of folders: git, build contexts, images of services |
//! | `harden` | images made harder: what changes, what stays, what other tools make of it |
//! | `outputs` | files, pipes, several reports, several images, standard input |
//! | `formats` | reports against the official schemas, and against each other |
//! | `hostile` | names that try to leave the report |
//! | `rules` | rules of users, and the verbs about rules |
//! | `secrets` | secrets of a whole image: all found, none shown |
//! | `secrets_verb` | secrets alone: ids, waivers, baselines, what is shown, incidents |
//! | `checkouts` | secrets of folders, what is staged, and histories |
//! | `secret_places` | every format of secret in every kind of place |
//! | `signatures` | signatures that a policy demands, and VEX that signers attest |
//! | `vex` | statements that set findings aside |
//! | `pages` | what people read: tables, errors, help, and the README |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/shared.rs"]
mod shared;

mod bases;
mod bills;
#[path = "../secrets/cases.rs"]
mod cases;
mod changed_files;
mod checkouts;
mod databases;
mod diff;
mod exit_codes;
mod explain;
mod formats;
mod harden;
mod harden_rebase;
mod hostile;
mod lint;
mod lint_repository;
mod outputs;
mod pages;
mod rights;
mod rules;
mod secret_places;
mod secrets;
mod secrets_verb;
mod signatures;
mod vex;
mod world;
#[expect(dead_code, reason = "the tests of the tar reader use all of it")]
#[path = "../tar_differential/writer.rs"]
mod writer;
