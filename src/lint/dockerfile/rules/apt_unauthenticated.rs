//! Apt installs packages whose signature is not checked.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `apt-unauthenticated`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt-unauthenticated",
        severity: Severity::High,
        summary: "apt installs packages whose signature is not checked",
        why: "Whoever stands between decides what is installed.",
        advice: "remove the option, and add the archive's key with signed-by",
        aliases: &["CKV2_DOCKER_8", "CKV2_DOCKER_11", "CIS-4.11"],
        sources: &["https://manpages.debian.org/apt-secure.8"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const OPTIONS: &[&str] = &["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories", "--no-gpg-check"];
const SETTINGS: &[&str] =
    &["apt::get::allowunauthenticated", "acquire::allowinsecurerepositories", "acquire::https::verify-peer=false"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls() {
        if matches!(call.name, "apt-get" | "apt" | "aptitude") {
            for word in call.arguments {
                let text = word.text.to_ascii_lowercase();
                let is_setting = SETTINGS.iter().any(|setting| text.contains(setting))
                    && !["=false", "=0", "=no"].iter().any(|end| text.ends_with(end) && !text.contains("verify"));
                if OPTIONS.iter().any(|option| text == *option || text.starts_with(&format!("{option}="))) || is_setting
                {
                    problems.add(
                        &word.span,
                        &word.text,
                        format!("`{}` takes packages that nobody answers for", word.text),
                    );
                }
            }
        }
        for word in call.arguments.iter().filter(|word| word.text.contains("trusted=yes") && word.text.contains("deb"))
        {
            problems.add(&word.span, "trusted=yes", "this archive's signature is not checked");
        }
    }
}
