//! Nothing proposes new versions of what images are built of.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::automation::{self, Updates};
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-update-automation`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-update-automation",
        severity: Severity::Low,
        summary: "nothing proposes new versions of what images are built of",
        why: "A base that is pinned and that nobody raises keeps its vulnerabilities.",
        advice: "add `.github/dependabot.yml` with the ecosystem `docker`, or a configuration of Renovate",
        aliases: &[],
        sources: &[
            "https://docs.github.com/en/code-security/dependabot/working-with-dependabot/dependabot-options-reference",
            "https://docs.renovatebot.com/configuration-options/",
        ],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let repository = subject.repository;
    if !repository.is_root || !subject.has_images() {
        return;
    }
    match automation::updates(subject) {
        Updates::Images => {}
        Updates::Nothing => {
            let path = repository.path(".github/dependabot.yml");
            let message = "neither Dependabot nor Renovate is set up for this repository";
            subject.state(problems, &path, 0..0, "", message);
        }
        Updates::Others(path) => {
            let message = format!("`{path}` proposes no new versions of base images");
            subject.state(problems, &path, 0..0, "images", message);
        }
    }
}
