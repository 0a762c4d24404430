//! A secret stands in the file.

use crate::advisory::model::Severity;
use crate::facts::{Confidence, SecretFact};
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule, secrets};
use crate::secret::Scanner;
use crate::workload::yaml::Place;

/// `literal-secret`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "literal-secret",
        severity: Severity::High,
        summary: "a secret stands in the file",
        why: "Whoever has the file has it, and so has whoever may ask the engine what a container was started with.",
        advice: "revoke it, then use `secrets:` with a file that is not in the repository, or a variable without a value here",
        aliases: &["CL-0020", "CL-0021"],
        sources: &["https://docs.docker.com/compose/how-tos/use-secrets/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let scanner = Scanner::in_use();
    for setting in &subject.container.env {
        let Some((name, value)) = &setting.value else { continue };
        let facts = scanner.scan_variable(name, value);
        // What is put together of variables is doubtful because of them.
        let is_filled_in = |fact: &&SecretFact| fact.confidence == Confidence::Low && value.contains("${");
        facts
            .iter()
            .filter(|fact| !is_filled_in(fact))
            .for_each(|fact| state(subject, problems, &setting.at, name, fact));
        if facts.is_empty() && secrets::is_set_secret(name, value) {
            let message = format!("`{name}` is named like a secret, and its value stands in the file");
            let problem = subject.state(problems, &setting.at, name, message);
            (problem.confidence, problem.is_secret) = (Confidence::Medium, true);
        }
    }
    for setting in &subject.container.commands {
        let Some(text) = &setting.value else { continue };
        for fact in scanner.scan_command(text) {
            state(subject, problems, &setting.at, fact.key.as_deref().unwrap_or("command"), &fact);
        }
    }
}

fn state(subject: &Subject<'_>, problems: &mut Problems, at: &Place, name: &str, fact: &SecretFact) {
    let problem = subject.state(problems, at, format!("{name}\0{}", fact.rule), secrets::message(name, fact));
    secrets::mark(problem, fact);
}
