//! A container is started as root.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule, is_root};

/// `root-container`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "root-container",
        severity: Severity::Medium,
        summary: "a container is started as root",
        why: "A process that breaks out of its container is then root on the host, unless user namespaces stand between.",
        advice: "set `user:` to a uid and gid above 0, or leave it to the image’s own user",
        aliases: &["CL-0018"],
        sources: &[
            "https://docs.docker.com/reference/compose-file/services/#user",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let container = subject.container;
    let Some(setting) = &container.user else {
        // Where somebody looked at the image, it says who it is started as.
        let refuses_root = container.non_root.as_ref().is_some_and(|setting| setting.value != Some(false));
        let of_image = container.of_image.as_ref().filter(|image| image.user.is_empty() || is_root(&image.user));
        if of_image.is_some() && !refuses_root {
            subject.state(
                problems,
                &container.at,
                "user",
                "its image runs as root, and nothing here sets another user",
            );
        }
        return;
    };
    let Some(user) = setting.value.as_deref() else { return };
    if is_root(user) {
        subject.state(problems, &setting.at, "user", format!("it is started as `{user}`, which is root"));
    }
}
