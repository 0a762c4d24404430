//! Apt-get asks and nobody answers.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};
use crate::shell::Link;

/// `apt-get-without-yes`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt-get-without-yes",
        severity: Severity::Medium,
        summary: "apt-get asks and nobody answers",
        why: "Without -y it waits for an answer that a build cannot give, and stops.",
        advice: "add -y",
        aliases: &["DL3014", "DS-0021", "KICS-77783205"],
        sources: &["https://manpages.debian.org/apt-get.8"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const ASKING: &[&str] =
    &["install", "remove", "purge", "upgrade", "dist-upgrade", "full-upgrade", "autoremove", "build-dep"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (run, command, call) in subject.calls() {
        if !matches!(call.name, "apt-get" | "apt") {
            continue;
        }
        let Some(verb) =
            call.operands(&["-o", "--option", "-t", "-c"]).next().filter(|verb| ASKING.contains(&verb.text.as_str()))
        else {
            continue;
        };
        // Two q are a yes, too.
        let quiet = call.arguments.iter().filter(|word| word.text == "-q" || word.text == "--quiet").count() > 1;
        let is_set = call.arguments.iter().any(|word| {
            let text = word.text.to_ascii_lowercase();
            text.contains("assume-yes")
                || text == "-q=2"
                || text.starts_with("-qq")
                || text.starts_with("-yq")
                || text == "--simulate"
        });
        let is_answered =
            command.link == Link::Pipe && run.calls().any(|(_, call)| call.name == "yes" || call.name == "echo");
        if !call.has_any(&["-y", "--yes", "-s", "--dry-run", "--trivial-only", "--download-only"])
            && !quiet
            && !is_set
            && !is_answered
        {
            let problem =
                problems.add(&command.span, &verb.text, format!("`{} {}` waits for an answer", call.name, verb.text));
            if subject.is_verbatim(verb) {
                problem.fix("add -y", [Edit::insert(verb.span.end, " -y")]);
            }
        }
    }
}
