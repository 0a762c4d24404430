//! The run: all layers of all images on all cores, merged platform by platform, matched, checked and judged.
//!
//! In: opened [`crate::source::Image`]s, an advisory store, a policy, a date. Out: one [`crate::report::contract::Report`] an image, with how its reading ended. This room ties the earlier
//! ones together and knows nothing of the command line.

mod assemble;
mod bases;
mod checkout;
mod collect;
mod controls;
mod explain;
mod findings;
mod hash_files;
mod joined;
mod lint;
mod mended;
mod modes;
mod pairs;
mod places;
mod run;
mod schedule;
mod second_read;
mod secrets;
mod signed;
mod statements;
pub mod verify;

pub use assemble::Judgement;
pub use bases::{BaseToRead, RunError, index};
pub use checkout::Part;
pub use collect::CollectOptions;
pub use explain::{ExplainRequest, explain_images};
pub use lint::{Folder, LintRequest, lint};
pub use mended::{MendedFile, mended, mended_repository, mended_workload};
pub use places::{PlacedSecret, secrets_around};
pub use run::{Failure, jobs};
pub use schedule::{Progress, ReadOptions};
pub use signed::{Signatures, Signed};

use std::collections::BTreeSet;
use std::sync::Arc;

use bases::Standing;

use crate::advisory::Store;
use crate::base::Catalogue;
use crate::check;
use crate::facts::Inventory;
use crate::facts::cache::{Cache, Key};
use crate::finding::unite;
use crate::policy::suppress::Suppressions;
use crate::policy::vex::Vex;
use crate::policy::{Outcome, Policy};
use crate::report::contract::Report;
use crate::source::Image;
use crate::source::git::{Checkout, GitError};
use verify::Verifier;

/// What a run is asked.
pub struct Request<'a> {
    /// The images.
    pub images: Vec<Image>,
    /// How layers are read.
    pub read: ReadOptions,
    /// Where facts are kept.
    pub cache: &'a Cache,
    /// What is looked for.
    pub stage: Stage<'a>,
    /// Known base images.
    pub catalogue: Option<&'a Catalogue>,
    /// How it is judged.
    pub judging: Judging<'a>,
    /// Told of the progress.
    pub progress: Arc<dyn Progress>,
}

/// What a run looks for.
#[derive(Clone, Copy)]
pub enum Stage<'a> {
    /// Everything, with these advisories.
    Everything(&'a Store),
    /// Only secrets: no advisory is matched and no check runs.
    Secrets,
}

/// How findings are judged.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What was found of the signatures that the policy demands.
    pub signatures: &'a Signatures,
    /// What sets findings aside.
    pub suppressions: &'a Suppressions,
    /// Asks providers about secrets, where the user wants that.
    pub verifier: Option<&'a Verifier>,
    /// Whether reports may have secrets in clear.
    pub shows_secrets: bool,
    /// What others say of vulnerabilities in products.
    pub vex: &'a Vex,
    /// False when the policy is only a preview.
    pub judged: bool,
    /// The date of evaluation.
    pub evaluated_at: jiff::civil::Date,
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
    /// The numbers of the waivers that fit a finding.
    pub waivers_used: BTreeSet<usize>,
}

/// What decides about the facts of a layer besides its bytes.
#[must_use]
pub fn cache_key(options: CollectOptions) -> Key {
    let inspectors = crate::inspect::REVISION.to_string();
    let secrets =
        if options.secrets { crate::secret::Scanner::revision_in_use().to_string() } else { "none".to_owned() };
    Key::new(&[env!("CARGO_PKG_VERSION"), &inspectors, &secrets])
}

/// Runs.
///
/// # Errors
/// When the advisory store or the base catalogue is damaged.
pub fn run(request: Request<'_>) -> Result<Vec<Answer>, RunError> {
    let mut answers = Vec::new();
    run_each(request, &mut |answer, _| answers.push(answer))?;
    Ok(answers)
}

/// As [`run`], with what was seen of each platform, in the order of the image's manifests.
///
/// # Errors
/// As for [`run`].
pub fn run_with_inventories(request: Request<'_>) -> Result<Vec<(Answer, Vec<Inventory>)>, RunError> {
    let mut answers = Vec::new();
    run_each(request, &mut |answer, scanned| {
        answers.push((answer, scanned.platforms.into_iter().map(|platform| platform.inventory).collect()));
    })?;
    Ok(answers)
}

fn run_each(request: Request<'_>, take: &mut dyn FnMut(Answer, run::ScannedImage)) -> Result<(), RunError> {
    let Request { images, read, cache, stage, catalogue, judging, progress } = request;
    for scanned in run::scan_images(images, read, cache, &progress) {
        let certificates = pairs::Certificates::new(&scanned.platforms);
        let platform = |platform| match stage {
            Stage::Everything(store) => {
                findings::findings(&scanned.image, platform, store, judging.evaluated_at, &certificates, read.collect)
            }
            Stage::Secrets => Ok(findings::secrets(&scanned.image, platform, &certificates, read.collect)),
        };
        let mut found = scanned.platforms.iter().map(platform).collect::<Result<Vec<_>, _>>()?;
        let standings = match stage {
            Stage::Everything(store) => stand(&scanned, &mut found, store, catalogue)?,
            Stage::Secrets => Vec::new(),
        };
        let mut answer = judge(&scanned, found, &standings, stage, judging, read.collect);
        if read.merging.without_development {
            answer.report.skipped.push("development dependencies".to_owned());
        }
        take(answer, scanned);
    }
    Ok(())
}

/// Looks for the secrets of a checkout's history, or of what is staged in it; `image` is the folder as a source opens it.
///
/// # Errors
/// When git cannot tell what is there.
pub fn run_checkout(
    image: Image,
    checkout: &Checkout,
    part: Part,
    collect: CollectOptions,
    judging: Judging<'_>,
) -> Result<Answer, GitError> {
    let (scanned, found) = checkout::scan(image, checkout, part, collect)?;
    Ok(judge(&scanned, found, &[], Stage::Secrets, judging, collect))
}

/// What the platforms of an image stand on.
fn stand<'c>(
    scanned: &run::ScannedImage,
    found: &mut [findings::Found],
    store: &Store,
    catalogue: Option<&'c Catalogue>,
) -> Result<Vec<Standing<'c>>, RunError> {
    let platforms = scanned.platforms.iter().zip(found);
    platforms.map(|(platform, found)| bases::stand(scanned, platform, found, store, catalogue)).collect()
}

/// What was found in one image to its report and verdict.
fn judge(
    scanned: &run::ScannedImage,
    mut found: Vec<findings::Found>,
    standings: &[Standing<'_>],
    stage: Stage<'_>,
    judging: Judging<'_>,
    collect: CollectOptions,
) -> Answer {
    let Judging { policy, signatures, suppressions, verifier, shows_secrets, vex, judged, evaluated_at } = judging;
    let signed = signatures.get(&scanned.image.reference).map(Vec::as_slice).unwrap_or_default();
    let mut of_all = signed::findings(policy, signed);
    if matches!(stage, Stage::Everything(_)) {
        of_all.extend(findings::across(scanned));
    }
    for platform in &scanned.platforms {
        of_all.iter_mut().for_each(|finding| finding.seen_on(&platform.manifest.platform.to_string()));
    }
    let found_there = found.iter_mut().flat_map(|found| std::mem::take(&mut found.findings));
    let mut united = unite(found_there.chain(of_all));
    statements::set_aside(&mut united, &scanned.image, vex);
    let waivers_used = suppressions.apply(&mut united, &scanned.image.reference, evaluated_at);
    if let Some(verifier) = verifier {
        verifier.verify(&mut united);
    }
    #[cfg(debug_assertions)]
    inject_panic(&united);
    if !shows_secrets {
        united.iter_mut().for_each(|(_, finding)| finding.values.clear());
    }
    let complete = scanned.platforms.iter().all(|platform| platform.complete);
    let is_answerable = scanned.image.has_layers() || !policy.demands_files();
    let verdict = policy.judge(&united, complete && is_answerable);
    let outcome = verdict.result;
    let judgement = Judgement { policy: policy.name.clone(), verdict, asked: judged };
    let mut report = assemble::report(scanned, &found, &united, &judgement, stage, evaluated_at, collect.secrets);
    assemble::stand(&mut report, &found, standings);
    if matches!(stage, Stage::Everything(_)) {
        let mut seen = controls::evidence(scanned, &found, standings, collect.secrets);
        seen.extend(signed::evidence(policy, signed));
        report.controls = check::controls::decide(&united, &seen).into_iter().map(controls::entry).collect();
    }
    if !signed.is_empty() {
        report.skipped.retain(|what| what != "signature");
        report.signatures.extend(signed::entries(signed));
    }
    let (set_aside, failures) = (set_aside(scanned), scanned.failures.clone());
    Answer { report, outcome, complete, set_aside, failures, waivers_used }
}

/// Panics as a defect of ours might, with a secret in the message; only in builds for development, where a test wants to see that nobody is shown it.
#[cfg(debug_assertions)]
fn inject_panic(findings: &[(String, crate::finding::Finding)]) {
    if std::env::var_os("IMGGUARD_TEST_PANIC").is_some() {
        let values = findings.iter().flat_map(|(_, finding)| &finding.values);
        panic!("{:?}", values.map(|value| String::from_utf8_lossy(value.expose())).collect::<Vec<_>>());
    }
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
        waivers_used: BTreeSet::new(),
        failures: scanned.failures,
    };
    run::scan_images(images, read, cache, &progress).into_iter().map(answer).collect()
}
