//! A variable switches the check of certificates off.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `tls-check-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "tls-check-off",
        severity: Severity::High,
        summary: "a variable switches the check of certificates off",
        why: "It holds for every connection of every program of that language in the image, at run time, too: whoever stands between reads and changes what is sent.",
        advice: "remove it; add the certificate authority to the image if it is your own",
        aliases: &["CKV2_DOCKER_5", "CKV2_DOCKER_6", "CKV2_DOCKER_12", "CKV2_DOCKER_14", "CIS-4.11"],
        sources: &[
            "https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",
            "https://git-scm.com/docs/git-config",
        ],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// Variables with the values that switch it off; without any, every value does.
const SWITCHES: &[(&str, &[&str])] = &[
    ("NODE_TLS_REJECT_UNAUTHORIZED", &["0"]),
    ("PYTHONHTTPSVERIFY", &["0"]),
    ("NPM_CONFIG_STRICT_SSL", &["false", "0"]),
    ("YARN_STRICT_SSL", &["false", "0"]),
    ("YARN_ENABLE_STRICT_SSL", &["false", "0"]),
    ("GIT_SSL_NO_VERIFY", &["true", "1", "yes", "on"]),
    ("GOINSECURE", &[]),
    ("GONOSUMDB", &["*"]),
    ("GONOSUMCHECK", &["1"]),
    ("GOFLAGS", &["-insecure"]),
    ("GOSUMDB", &["off"]),
    ("UV_INSECURE_HOST", &[]),
    ("CARGO_HTTP_CHECK_REVOKE", &["false"]),
    ("CARGO_NET_SSL_VERIFY", &["false"]),
    ("BUNDLE_SSL_VERIFY_MODE", &["0"]),
    ("CURL_SSL_NO_VERIFY", &["1", "true"]),
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (pair, name, value) in subject.variables() {
        if is_off(&name, &value) {
            problems.add(
                &pair.name.span,
                &name,
                format!("`{name}={value}` switches the check of certificates or checksums off"),
            );
        }
    }
    for (_, command, _) in subject.calls() {
        for word in &command.assignments {
            let Some((name, value)) = word.text.split_once('=') else { continue };
            if is_off(name, value) {
                problems.add(
                    &word.span,
                    name,
                    format!("`{name}={value}` switches the check of certificates or checksums off"),
                );
            }
        }
    }
}

fn is_off(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let value = value.to_ascii_lowercase();
    SWITCHES.iter().any(|(known, values)| {
        *known == name && !value.is_empty() && (values.is_empty() || values.contains(&value.as_str()))
    })
}
