//! Go takes whatever version is newest.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `go-unpinned`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "go-unpinned",
        severity: Severity::Low,
        summary: "go takes whatever version is newest",
        why: "Each build takes what is newest on its day, so that two builds of one commit differ. `go install` without @ takes the version of go.mod, or fails; `go get` without it takes the newest.",
        advice: "write package@v1.2.3",
        aliases: &["DL3062"],
        sources: &["https://go.dev/ref/mod#go-install", "https://go.dev/ref/mod#go-get"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let moves = |version: &str| matches!(version, "latest" | "upgrade" | "patch" | "master" | "main");
    for (_, _, call) in subject.calls().filter(|(_, _, call)| call.name == "go") {
        let mut operands = call.operands(packages::GO_VALUES);
        let Some(verb) = operands.next().filter(|verb| matches!(verb.text.as_str(), "install" | "get")) else {
            continue;
        };
        for word in operands.filter(|word| word.is_literal) {
            let is_remote =
                word.text.split('/').next().is_some_and(|host| host.contains('.')) && !word.text.starts_with('.');
            let is_moving = match word.text.split_once('@') {
                Some((_, version)) => moves(version),
                None => is_remote && verb.text == "get",
            };
            if is_moving {
                problems.add(&word.span, &word.text, format!("`{}` is whatever is newest", word.text));
            }
        }
    }
}
