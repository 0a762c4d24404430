//! Advisories: published records ▸ one immutable store ▸ matches for an inventory's packages.
//!
//! ```text
//! files, folders, archives ─▶ import ─▶ feed (one file a feed) ─▶ store (compile, open) ─▶ matcher, coverage
//! ```
//!
//! * [`osv`]: records of the OSV schema, as written; `csaf` and `openvex`: documents of these, which policies read as well.
//! * [`model`]: the store's own model, wider than OSV.
//! * `feed`: one file a feed, document ▸ model, `FEEDS`; `range`, [`severity`], [`ecosystem`] and `aliases` hold the rules they share.
//! * [`exploitation`], [`lifecycle`]: facts that go with advisories: exploited CVEs and scores, end-of-life dates.
//! * [`import`](import()): files, folders and archives ▸ a store file, bounded and parallel; malformed records are counted, a feed that is cut
//!   is fatal.
//! * [`store`]: the file itself.
//! * [`matcher`]: packages ▸ [`Match`]es, grouped by alias.
//! * [`explain`]: why an id does or does not match.
//! * [`coverage`](coverage()): what the store can say about each ecosystem; without data it is NOT CHECKED, never zero.
//!
//! Nothing here knows an image, a policy or the clock: dates are passed in.

mod aliases;
mod coverage;
pub(crate) mod csaf;
pub mod ecosystem;
mod error;
pub mod explain;
pub mod exploitation;
mod feed;
mod import;
pub mod lifecycle;
pub mod matcher;
pub mod model;
pub(crate) mod openvex;
pub mod osv;
mod range;
pub mod severity;
pub mod store;
pub mod time;
pub mod upstream;

pub use coverage::{Coverage, CoverageData, STALE_AFTER_DAYS, coverage};
pub use ecosystem::OsRelease;
pub use error::{AdvisoryError, Damage, RecordError};
pub use import::{ImportOptions, ImportReport, Loss, Malformed, SourceReport, compile, import, refuse_step_back};
pub use matcher::{
    Candidate, Confidence, Inventory, Match, Outcome, Reason, Undetermined, is_foreign, match_inventory,
};
pub use store::{Data, Status, Store};
