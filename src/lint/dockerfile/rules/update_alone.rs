//! Package lists are updated in a RUN of their own.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::{Call, Command};

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
        let calls: Vec<(&Command, Call<'_>)> = run.calls().collect();
        let uses: Vec<&Call<'_>> = calls.iter().map(|(_, call)| call).filter(|call| may_use(call)).collect();
        for (command, call) in &calls {
            let Some((_, updates)) = UPDATES.iter().find(|(name, _)| *name == call.name) else { continue };
            if !updates.contains(&verb(call)) {
                continue;
            }
            let family = call.name.get(..3).unwrap_or(call.name);
            // What is called with a script or a variable may install whatever it wants.
            let is_used = |other: &Call<'_>| {
                is_opaque(other) || (other.name.starts_with(family) && !updates.contains(&verb(other)))
            };
            if !uses.iter().any(|other| is_used(other)) {
                problems.add(
                    &command.span,
                    call.name,
                    format!("nothing is installed in the RUN of `{} {}`", call.name, verb(call)),
                );
            }
        }
    }
}

fn verb<'a>(call: &Call<'a>) -> &'a str {
    call.operands(&["-o", "-c", "-X"]).next().map_or("", |word| word.text.as_str())
}

fn may_use(call: &Call<'_>) -> bool {
    is_opaque(call) || USES.contains(&verb(call))
}

/// A program that may install packages itself.
fn is_opaque(call: &Call<'_>) -> bool {
    let is_script = call.name.ends_with(".sh") || call.word.text.starts_with("./") || !call.word.is_literal;
    is_script || matches!(call.name, "bash" | "sh" | "playwright" | "npx" | "xargs" | "make" | "debootstrap" | "gdebi")
}
