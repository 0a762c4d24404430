//! The check of certificates is switched off.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `certificate-check-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "certificate-check-off",
        severity: Severity::Medium,
        summary: "the check of certificates is switched off",
        why: "Whoever stands between can read and change what is sent: without that check TLS proves nothing.",
        advice: "remove the setting; give the authority’s certificate to a program that must trust one of your own",
        aliases: &["CKV2_DOCKER_5", "CKV2_DOCKER_6"],
        sources: &[
            "https://nodejs.org/api/cli.html#node_tls_reject_unauthorizedvalue",
            "https://www.postgresql.org/docs/current/libpq-ssl.html",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.env {
        let Some((name, value)) = &setting.value else { continue };
        if let Some(what) = switched_off(name, value) {
            subject.state(problems, &setting.at, name, format!("`{name}` {what}"));
        }
    }
}

/// What a variable switches off.
fn switched_off(name: &str, value: &str) -> Option<&'static str> {
    let (name, value) = (name.to_ascii_uppercase(), value.to_ascii_lowercase());
    let is_set = !matches!(value.as_str(), "" | "0" | "false" | "no" | "off");
    match name.as_str() {
        "NODE_TLS_REJECT_UNAUTHORIZED" | "PYTHONHTTPSVERIFY" if value == "0" => Some("accepts every certificate"),
        "GIT_SSL_NO_VERIFY" | "DENO_TLS_NO_VERIFY" | "COMPOSER_DISABLE_TLS" if is_set => {
            Some("accepts every certificate")
        }
        "NPM_CONFIG_STRICT_SSL" | "YARN_STRICT_SSL" | "VERIFY_SSL" | "SSL_VERIFY" | "TLS_VERIFY"
            if !is_set && !value.is_empty() =>
        {
            Some("accepts every certificate")
        }
        "PGSSLMODE" if matches!(value.as_str(), "disable" | "allow" | "prefer") => Some("does without TLS"),
        // A database in the same project is reached over the project's own network, so that only another host counts.
        _ if has_option(&value) && is_remote(&value) => Some("has a connection without TLS, or without its check"),
        _ => None,
    }
}

fn has_option(value: &str) -> bool {
    [
        "sslmode=disable",
        "tls=skip-verify",
        "ssl=false",
        "usessl=false",
        "tls=false",
        "tlsinsecure=true",
        "tlsallowinvalidcertificates=true",
        "encrypt=false",
    ]
    .iter()
    .any(|option| value.contains(option))
}

/// Whether the host of an address is a name with a domain or a public address, and not that of another container.
fn is_remote(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    host.contains('.') && !host.starts_with("127.")
}
