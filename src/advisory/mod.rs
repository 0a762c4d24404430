//! Advisories: published records ▸ one immutable store ▸ matches for an inventory's packages.
//!
//! ```text
//! OSV all.zip, folders of records ─▶ osv (types) ─▶ feed::osv (rules) ─▶ store (compile, open) ─▶ matcher, coverage
//! ```
//!
//! * [`osv`]: records of the OSV schema, as written.
//! * [`model`]: the store's own model, wider than OSV.
//! * `feed`: one file a feed, record ▸ model; `range`, [`severity`], [`ecosystem`] and `aliases` hold the rules they share.
//! * [`import`](import()): zip files and folders ▸ a store file, bounded and parallel; malformed records are counted, never fatal.
//! * [`store`]: the file itself.
//! * [`matcher`]: packages ▸ [`Match`]es, grouped by alias.
//! * [`coverage`](coverage()): what the store can say about each ecosystem; without data it is NOT CHECKED, never zero.
//!
//! Nothing here knows an image, a policy or the clock: dates are passed in.

mod aliases;
mod coverage;
pub mod ecosystem;
mod error;
mod feed;
mod import;
pub mod matcher;
pub mod model;
pub mod osv;
mod range;
pub mod severity;
pub mod store;
pub mod time;
pub mod upstream;

pub use coverage::{Coverage, CoverageData, STALE_AFTER_DAYS, coverage};
pub use ecosystem::OsRelease;
pub use error::{AdvisoryError, Damage, RecordError};
pub use import::{ImportOptions, ImportReport, Loss, Malformed, SourceReport, compile, import, write};
pub use matcher::{Candidate, Confidence, Inventory, Match, Outcome, Reason, Undetermined, match_inventory};
pub use store::{Data, Status, Store};
