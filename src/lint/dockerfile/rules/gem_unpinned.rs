//! Gem installs packages without a version.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `gem-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "gem-unpinned",
        severity: Severity::Low,
        summary: "gem installs packages without a version",
        why: "Each build takes what the index has on its day, so that two builds of one commit differ.",
        advice: "write gem install name:version, or use Bundler with a lock file",
        aliases: &["DL3028", "KICS-22cd11f7"],
        sources: &["https://guides.rubygems.org/command-reference/#gem-install"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls() {
        if call.has_any(&["-v", "--version"]) {
            continue;
        }
        packages::unpinned_of(&call, problems, &packages::GEM, |word| {
            word.contains(':') || packages::is_file(word, &[".gem"])
        });
    }
}
