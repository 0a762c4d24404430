//! USER is a name, which only the image's own passwd resolves.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `non-numeric-user`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "non-numeric-user",
        severity: Severity::Negligible,
        summary: "USER is a name, which only the image's own passwd resolves",
        why: "Kubernetes cannot tell whether a name is root and refuses to start it with `runAsNonRoot`; on a host the number is what counts for files.",
        advice: "write the uid and gid as numbers",
        aliases: &["DL3066"],
        sources: &["https://kubernetes.io/docs/tasks/configure-pod-container/security-context/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some((user, instruction)) = subject.last_user() else { return };
    let name = user.split(':').next().unwrap_or_default();
    // Root is told by another rule, and what the build decides cannot be.
    if name != "root" && !name.is_empty() && !name.contains('$') && name.parse::<i64>().is_err() {
        problems.add(&instruction.span, "user", format!("`{name}` can be resolved only in the image"));
    }
}
