//! Nothing looks for new vulnerabilities while nobody changes anything.

use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::lint::repository::{Subject, automation};
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-scheduled-scan`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-scheduled-scan",
        severity: Severity::Low,
        summary: "no workflow of GitHub looks for vulnerabilities on a schedule",
        why: "What was clean when it was built is not clean a month later; without a schedule that is found with the next change.",
        advice: "add `schedule:` to the workflow that scans the image, or a workflow with both",
        aliases: &[],
        sources: &[
            "https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule",
        ],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let repository = subject.repository;
    let folder = repository.path(".github/workflows");
    let is_githubs = repository.is_root && repository.listing.has(&repository.path(".github"));
    // Where something else builds, its schedule is no file.
    if !is_githubs || !subject.has_images() || automation::has_other_ci(subject) {
        return;
    }
    if !automation::is_scanned_on_schedule(subject) {
        let message = "no workflow of this repository runs a scanner on a schedule";
        subject.state(problems, &folder, 0..0, "", message).confidence = Confidence::Medium;
    }
}
