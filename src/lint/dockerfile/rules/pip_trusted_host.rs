//! Pip does not check whom packages come from.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `pip-trusted-host`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pip-trusted-host",
        severity: Severity::High,
        summary: "pip does not check whom packages come from",
        why: "With --trusted-host neither encryption nor the certificate of that host is demanded: whoever stands between decides what is installed.",
        advice: "use the index over https, and add its certificate authority with --cert if it is your own",
        aliases: &["CKV2_DOCKER_4", "CKV2_DOCKER_16", "CIS-4.11"],
        sources: &["https://pip.pypa.io/en/stable/cli/pip/#cmdoption-trusted-host"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, _, call) in subject.calls() {
        let call = packages::as_module(call);
        let option = call.option("--trusted-host").filter(|_| call.name.starts_with("pip"));
        let configured = call.arguments.iter().find(|word| {
            call.name.starts_with("pip") && word.text.ends_with("trusted-host") && !word.text.starts_with('-')
        });
        if let Some(word) = option.or(configured) {
            problems.add(&word.span, "--trusted-host", "pip does not check the certificate of this host");
        }
    }
    for (pair, name, value) in subject.variables() {
        if name == "PIP_TRUSTED_HOST" && !value.is_empty() {
            problems.add(&pair.name.span, &name, "pip does not check the certificate of this host");
        }
    }
}
