//! A secret stands in the Dockerfile.

use crate::advisory::model::Severity;
use crate::dockerfile::{Body, Keyword};
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, secrets};

/// `secret-in-file`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "secret-in-file",
        severity: Severity::Critical,
        summary: "a secret stands in the Dockerfile",
        why: "Whoever has the file or the image has it: ENV, ARG and RUN stand in the image's history.",
        advice: "revoke it, then use RUN --mount=type=secret for the build, and pass it when the container starts",
        aliases: &["DL3064", "CIS-4.10", "CIS-DI-0010", "DS-0031", "KICS-c3e1b6ae"],
        sources: &["https://docs.docker.com/build/building/secrets/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let scanner = crate::secret::Scanner::in_use();
    for keyword in [Keyword::Arg, Keyword::Env, Keyword::Label] {
        for (_, instruction) in subject.instructions(keyword) {
            for pair in instruction.pairs() {
                let Some(value) = &pair.value else { continue };
                let plain = value.text.trim_matches(['"', '\'']);
                let facts = scanner.scan_argument(&pair.name.text, plain);
                facts.iter().for_each(|fact| state(problems, &value.span, &pair.name.text, fact));
            }
        }
    }
    for run in subject.runs.iter().filter(|run| run.is_shell) {
        let body = match &run.instruction.body {
            Body::Health(_, inner) => inner,
            body => body,
        };
        if let Body::Shell(text) = body {
            let place = |fact: &crate::facts::SecretFact| {
                let start = usize::try_from(fact.offset).unwrap_or_default().min(text.text().len());
                text.span(&(start..start))
            };
            let facts = scanner.scan_command(text.text());
            facts.iter().for_each(|fact| state(problems, &place(fact), fact.key.as_deref().unwrap_or("command"), fact));
        }
        for heredoc in &run.instruction.heredocs {
            let facts = scanner.scan_command(heredoc.body.text());
            facts
                .iter()
                .for_each(|fact| state(problems, &heredoc.span, fact.key.as_deref().unwrap_or("heredoc"), fact));
        }
    }
}

fn state(problems: &mut Problems, span: &std::ops::Range<usize>, name: &str, fact: &crate::facts::SecretFact) {
    let problem = problems.add(span, format!("{name}\0{}", fact.rule), secrets::message(name, fact));
    secrets::mark(problem, fact);
}
