//! Apt is used where apt-get is meant.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `apt`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt",
        severity: Severity::Low,
        summary: "apt is used where apt-get is meant",
        why: "apt is made for people: its output and options change between releases, and it warns so itself in scripts.",
        advice: "use apt-get or apt-cache",
        aliases: &["DL3027", "CKV_DOCKER_9", "KICS-b84a0b47"],
        sources: &["https://manpages.debian.org/apt.8"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// What apt-get has, too.
const SHARED: &[&str] = &[
    "update",
    "upgrade",
    "install",
    "remove",
    "purge",
    "autoremove",
    "clean",
    "autoclean",
    "source",
    "build-dep",
    "download",
    "dist-upgrade",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls().filter(|(_, _, call)| call.name == "apt") {
        let verb = call.operands(&["-t", "-o"]).next().map_or("", |word| word.text.as_str());
        let problem = problems.add(&call.word.span, verb, "apt is made for people; scripts use apt-get");
        if SHARED.contains(&verb) && call.word.text == "apt" && subject.is_verbatim(call.word) {
            problem.fix("make it apt-get", [Edit::insert(call.word.span.end, "-get")]);
        }
    }
}
