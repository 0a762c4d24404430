//! Package lists are updated in a RUN of their own.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::Call;

/// `update-alone`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "update-alone",
        severity: Severity::Medium,
        summary: "package lists are updated in a RUN of their own",
        why: "The layer with the lists is cached: later builds install from lists that are old, and get versions with known flaws or none at all.",
        advice: "update and install in one RUN: apt-get update && apt-get install …",
        aliases: &["CIS-4.7", "CIS-DI-0007", "CKV_DOCKER_5", "DS-0017", "KICS-9bae49be"],
        sources: &[
            "https://docs.docker.com/build/building/best-practices/#apt-get",
            "CIS Docker Benchmark 1.6.0, section 4",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// Programs with what updates their lists.
const UPDATES: &[(&str, &[&str])] = &[
    ("apt-get", &["update"]),
    ("apt", &["update"]),
    ("aptitude", &["update"]),
    ("apk", &["update"]),
    ("zypper", &["refresh", "ref"]),
    ("yum", &["makecache"]),
    ("dnf", &["makecache"]),
    ("microdnf", &["makecache"]),
];

/// What makes use of them.
const USES: &[&str] = &[
    "install",
    "add",
    "in",
    "upgrade",
    "dist-upgrade",
    "full-upgrade",
    "build-dep",
    "source",
    "download",
    "up",
    "dup",
    "patch",
    "update",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run()) {
        for (command, call) in run.calls() {
            let Some((_, updates)) = UPDATES.iter().find(|(name, _)| *name == call.name) else { continue };
            let verb = |call: &Call<'_>| {
                call.operands(&["-o", "-c", "-X"]).next().map_or(String::new(), |word| word.text.clone())
            };
            if !updates.contains(&verb(&call).as_str()) {
                continue;
            }
            let family = call.name.get(..3).unwrap_or(call.name);
            let is_used = |other: &Call<'_>| {
                let own = other.name.starts_with(family) && USES.contains(&verb(other).as_str());
                // What is called with a script or a variable may install whatever it wants.
                (own && !updates.contains(&verb(other).as_str())) || is_opaque(other)
            };
            if !run.calls().any(|(_, other)| is_used(&other)) {
                problems.add(
                    &command.span,
                    call.name,
                    format!("nothing is installed in the RUN of `{} {}`", call.name, verb(&call)),
                );
            }
        }
    }
}

/// A program that may install packages itself.
fn is_opaque(call: &Call<'_>) -> bool {
    let is_script = call.name.ends_with(".sh") || call.word.text.starts_with("./") || !call.word.is_literal;
    is_script || matches!(call.name, "bash" | "sh" | "playwright" | "npx" | "xargs" | "make" | "debootstrap" | "gdebi")
}
