//! A database lets in whoever comes.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `open-database`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "open-database",
        severity: Severity::High,
        summary: "a database lets in whoever comes",
        why: "Whoever reaches its port, from the network or out of another container, reads and changes everything.",
        advice: "remove the setting, and give a password by `secrets:`",
        aliases: &[],
        sources: &[
            "https://hub.docker.com/_/postgres",
            "https://hub.docker.com/_/mysql",
            "https://www.elastic.co/docs/deploy-manage/security",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.env {
        let Some((name, value)) = &setting.value else { continue };
        if is_open(&name.to_ascii_uppercase(), &value.to_ascii_lowercase()) {
            subject.state(problems, &setting.at, name, format!("`{name}={value}` lets everybody in"));
        }
    }
}

/// Settings of images that many databases are started from.
fn is_open(name: &str, value: &str) -> bool {
    let is_set = !matches!(value, "" | "0" | "false" | "no" | "off") && !value.contains("${");
    match name {
        "MYSQL_ALLOW_EMPTY_PASSWORD" | "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" | "MARIADB_ALLOW_EMPTY_PASSWORD" => is_set,
        "ALLOW_EMPTY_PASSWORD" | "DISABLE_SECURITY_PLUGIN" => is_set,
        "POSTGRES_HOST_AUTH_METHOD" => value == "trust",
        "XPACK.SECURITY.ENABLED" => value == "false",
        "NEO4J_AUTH" => value == "none",
        _ => false,
    }
}
