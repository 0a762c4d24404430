//! What a run could look at, for the controls of a benchmark.

use std::collections::BTreeSet;

use super::bases::Standing;
use super::findings::Found;
use super::run::ScannedImage;
use crate::advisory::CoverageData;
use crate::check;
use crate::check::controls::{Control, Decision, Evidence};
use crate::report::contract;

/// What there was to look at in an image besides signatures; `secrets` says whether they were looked for.
pub(super) fn evidence(
    scanned: &ScannedImage,
    found: &[Found],
    standings: &[Standing<'_>],
    secrets: bool,
) -> BTreeSet<Evidence> {
    let image = &scanned.image;
    let is_read = image.has_layers() && scanned.platforms.iter().all(|platform| platform.complete);
    let is_told = || {
        image.has_config()
            && scanned.platforms.iter().all(|platform| check::is_told(&platform.manifest))
            && found.iter().all(|found| found.unjudged.is_empty())
    };
    let is_vouched_for = |standing: &Standing<'_>| {
        standing.identity.base.as_ref().is_some_and(|base| base.is_proven && base.name.of.official)
    };
    let is_known = |data| matches!(data, CoverageData::Full | CoverageData::FixedOnly);
    let is_matched = || {
        found.iter().all(|found| found.undetermined.is_empty() && found.coverage.iter().all(|row| is_known(row.data)))
    };
    [
        (Evidence::Configuration, image.has_config()),
        (Evidence::Files, is_read),
        (Evidence::History, is_told()),
        (Evidence::Secrets, secrets),
        (Evidence::Advisories, is_matched()),
        (Evidence::TrustedBase, !standings.is_empty() && standings.iter().all(is_vouched_for)),
    ]
    .into_iter()
    .filter_map(|(evidence, is_there)| is_there.then_some(evidence))
    .collect()
}

/// A control as the report tells it.
pub(super) fn entry(control: Control) -> contract::Control {
    let result = match control.decision {
        Decision::Pass => "pass",
        Decision::Fail => "fail",
        Decision::Unknown => "unknown",
    };
    contract::Control { id: control.id.to_owned(), result: result.to_owned(), findings: control.findings }
}
