//! CMD or ENTRYPOINT is run by a shell.

use crate::advisory::model::Severity;
use crate::dockerfile::{Body, Keyword};
use crate::lint::dockerfile::{Run, Subject};
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `shell-form`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "shell-form",
        severity: Severity::Low,
        summary: "CMD or ENTRYPOINT is run by a shell",
        why: "The shell becomes the first process and passes no signals on: the service is killed after ten seconds instead of ending in order. It also needs a shell in the image.",
        advice: "write it as a JSON array: CMD [\"program\", \"argument\"]",
        aliases: &["DL3025", "KICS-b86987e1", "BuildKit:JSONArgsRecommended", "Slim-20012"],
        sources: &["https://docs.docker.com/reference/build-checks/json-args-recommended/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_shell && run.is_posix) {
        let instruction = run.instruction;
        if !matches!(instruction.keyword, Keyword::Cmd | Keyword::Entrypoint) {
            continue;
        }
        let Body::Shell(text) = &instruction.body else { continue };
        let name = instruction.name.text.to_ascii_uppercase();
        let problem = problems.add(
            &text.span(&(0..text.text().len())),
            &name,
            format!("{name} is run by a shell, which passes no signals on"),
        );
        if let Some(json) = as_json(run) {
            problem.fix("write it as JSON", [Edit { range: text.span(&(0..text.text().len())), text: json }]);
        }
    }
}

/// A single command whose words are what they say, as a JSON array; nothing where a shell is needed.
fn as_json(run: &Run<'_>) -> Option<String> {
    let [command] = run.script.commands.as_slice() else { return None };
    let is_plain = command.assignments.is_empty() && command.redirects.is_empty() && run.script.fault.is_none();
    let is_word = |word: &crate::shell::Word| word.is_literal && !word.text.contains(['*', '?', '[', '~', '{', '!']);
    if !is_plain || !command.words.iter().all(is_word) {
        return None;
    }
    let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
    // `exec program` is how a shell is told to step aside.
    let words = words.strip_prefix(&["exec"]).unwrap_or(&words);
    let builtin = ["cd", ".", "source", "set", "export", "eval", "trap", "ulimit", "umask"];
    let first = words.first().filter(|first| !builtin.contains(*first))?;
    let quoted = words.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().ok()?;
    (!first.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
}
