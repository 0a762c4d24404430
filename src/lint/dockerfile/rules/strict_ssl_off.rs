//! A tool is set not to check certificates.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `strict-ssl-off`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "strict-ssl-off",
        severity: Severity::High,
        summary: "a tool is set not to check certificates",
        why: "It holds for all that the tool fetches from then on: whoever stands between decides what is installed.",
        advice: "remove the setting; add the certificate authority to the image if it is your own",
        aliases: &["CKV2_DOCKER_13", "CKV2_DOCKER_14", "CKV2_DOCKER_15", "CIS-4.11"],
        sources: &["https://docs.npmjs.com/cli/using-npm/config#strict-ssl", "https://git-scm.com/docs/git-config"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let text: String = call.arguments.iter().map(|word| format!("{} ", word.text.to_ascii_lowercase())).collect();
        let off = |names: &[&str]| {
            let values = ["false", "0", "off", "no"];
            names.iter().any(|name| {
                values.iter().any(|value| {
                    text.contains(&format!("{name} {value} ")) || text.contains(&format!("{name}={value} "))
                })
            })
        };
        let is_off = match call.name {
            "npm" | "yarn" | "pnpm" => off(&["strict-ssl", "--strict-ssl"]),
            "git" => off(&["http.sslverify"]),
            "yum" | "dnf" | "microdnf" | "tdnf" | "yum-config-manager" => off(&["sslverify"]),
            "composer" => off(&["disable-tls true", "secure-http"]) || text.contains("disable-tls true"),
            "gem" | "bundle" | "bundler" => text.contains("ssl_verify_mode 0") || text.contains("ssl_verify_mode: 0"),
            "conda" | "mamba" => off(&["ssl_verify"]),
            _ => false,
        };
        if is_off {
            problems.add(&command.span, call.name, format!("{} is set not to check certificates", call.name));
        }
    }
}
