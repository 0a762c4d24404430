//! The run: all layers of all images on all cores, merged platform by platform, matched, checked and judged.
//!
//! In: opened [`crate::source::Image`]s, an advisory store, a policy, a date. Out: one [`crate::report::contract::Report`] an image, with how its reading ended. This room ties the earlier
//! ones together and knows nothing of the command line.

mod assemble;
mod collect;
mod explain;
mod findings;
mod hash_files;
mod run;
mod schedule;
mod second_read;
mod statements;

pub use assemble::Judgement;
pub use collect::CollectOptions;
pub use explain::{ExplainRequest, explain_images};
pub use run::{Failure, jobs};
pub use schedule::{Progress, ReadOptions};

use std::sync::Arc;

use crate::advisory::{AdvisoryError, Store};
use crate::facts::cache::{Cache, Key};
use crate::finding::unite;
use crate::policy::vex::Vex;
use crate::policy::{Outcome, Policy};
use crate::report::contract::Report;
use crate::source::Image;

/// What a run is asked.
pub struct Request<'a> {
    /// The images.
    pub images: Vec<Image>,
    /// How layers are read.
    pub read: ReadOptions,
    /// Where facts are kept.
    pub cache: &'a Cache,
    /// The advisories.
    pub store: &'a Store,
    /// The policy.
    pub policy: &'a Policy,
    /// What others say of vulnerabilities in products.
    pub vex: &'a Vex,
    /// False when the policy is only a preview.
    pub judged: bool,
    /// The date of evaluation.
    pub evaluated_at: jiff::civil::Date,
    /// Told of the progress.
    pub progress: Arc<dyn Progress>,
}

/// What a run says of one image.
pub struct Answer {
    /// The report.
    pub report: Report,
    /// What the policy says.
    pub outcome: Outcome,
    /// Whether everything required was read.
    pub complete: bool,
    /// How layers failed.
    pub failures: Vec<Failure>,
    /// Lock files of all platforms that would say more in a project's sources.
    pub set_aside: usize,
}

/// What decides about the facts of a layer besides its bytes.
#[must_use]
pub fn cache_key(options: CollectOptions) -> Key {
    let inspectors = crate::inspect::REVISION.to_string();
    let secrets =
        if options.secrets { crate::secret::Scanner::in_use().revision().to_string() } else { "none".to_owned() };
    Key::new(&[env!("CARGO_PKG_VERSION"), &inspectors, &secrets])
}

/// Runs.
///
/// # Errors
/// When the advisory store is damaged.
pub fn run(request: Request<'_>) -> Result<Vec<Answer>, AdvisoryError> {
    let Request { images, read, cache, store, policy, vex, judged, evaluated_at, progress } = request;
    let mut answers = Vec::new();
    for scanned in run::scan_images(images, read, cache, &progress) {
        let platform =
            |platform| findings::findings(&scanned.image, platform, store, evaluated_at, read.collect.secrets);
        let mut found = scanned.platforms.iter().map(platform).collect::<Result<Vec<_>, _>>()?;
        let mut united = unite(found.iter_mut().flat_map(|found| std::mem::take(&mut found.findings)));
        statements::set_aside(&mut united, &scanned.image, vex);
        let complete = scanned.platforms.iter().all(|platform| platform.complete);
        let is_answerable = scanned.image.has_layers() || !policy.demands_files();
        let verdict = policy.judge(&united, complete && is_answerable);
        let outcome = verdict.result;
        let set_aside = set_aside(&scanned);
        let judgement = Judgement { policy: policy.name.clone(), verdict, asked: judged };
        let mut report =
            assemble::report(&scanned, &found, &united, &judgement, store, evaluated_at, read.collect.secrets);
        if read.merging.without_development {
            report.skipped.push("development dependencies".to_owned());
        }
        answers.push(Answer { report, outcome, complete, failures: scanned.failures, set_aside });
    }
    Ok(answers)
}

fn set_aside(scanned: &run::ScannedImage) -> usize {
    scanned.platforms.iter().map(|platform| platform.inventory.set_aside.len()).sum()
}

/// Only reads and merges: nothing is matched, checked or judged.
#[must_use]
pub fn list(
    images: Vec<Image>,
    read: ReadOptions,
    cache: &Cache,
    evaluated_at: jiff::civil::Date,
    progress: Arc<dyn Progress>,
) -> Vec<Answer> {
    let answer = |scanned: run::ScannedImage| Answer {
        report: assemble::inventory(&scanned, evaluated_at, read.collect.secrets),
        outcome: Outcome::Pass,
        complete: scanned.platforms.iter().all(|platform| platform.complete),
        set_aside: set_aside(&scanned),
        failures: scanned.failures,
    };
    run::scan_images(images, read, cache, &progress).into_iter().map(answer).collect()
}
