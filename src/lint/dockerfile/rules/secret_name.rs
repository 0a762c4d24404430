//! A build argument or variable is named like a secret.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule, secrets};

/// `secret-name`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "secret-name",
        severity: Severity::Medium,
        summary: "a build argument or variable is named like a secret",
        why: "Both stand in the image's history and configuration for everybody who can pull it, and ARG in the build's provenance, too.",
        advice: "use RUN --mount=type=secret for the build, and pass it when the container starts",
        aliases: &["DL3064", "CIS-4.10", "CIS-DI-0010", "DS-0031", "KICS-c3e1b6ae", "BuildKit:SecretsUsedInArgOrEnv"],
        sources: &[
            "https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/",
            "https://docs.docker.com/build/building/secrets/",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for keyword in [Keyword::Arg, Keyword::Env] {
        for (_, instruction) in subject.instructions(keyword) {
            for pair in instruction.pairs() {
                let name = &pair.name.text;
                let value = pair.value.as_ref().map(|value| value.text.trim_matches(['"', '\'']));
                // An ENV without a value takes one away; a value that is one is another rule's.
                let is_set =
                    value.is_some_and(|value| !value.is_empty()) || (keyword == Keyword::Arg && value.is_none());
                if !is_set || !crate::secret::names_secret(name) {
                    continue;
                }
                let value = value.unwrap_or_default();
                let found = crate::secret::Scanner::in_use().scan_argument(name, value);
                if found.is_empty() && !secrets::is_pointer(value) {
                    let problem = problems.add(
                        &pair.name.span,
                        name,
                        format!("`{name}` is named like a secret and stands in the image's history"),
                    );
                    problem.is_secret = !value.is_empty();
                }
            }
        }
    }
}
