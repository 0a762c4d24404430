//! A program uses its database as the account that may do everything.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `database-superuser`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "database-superuser",
        severity: Severity::Low,
        summary: "a program uses its database as the account that may do everything",
        why: "One injected statement then reads files of the database’s host, runs programs there, and changes every other database.",
        advice: "make an account that owns one database, and use that",
        aliases: &[],
        sources: &[
            "https://www.postgresql.org/docs/current/role-attributes.html",
            "https://cheatsheetseries.owasp.org/cheatsheets/Database_Security_Cheat_Sheet.html",
        ],
        default: true,
    },
    check: Check::Container(check),
};

/// Databases with the accounts that may do everything, by the schemes of their addresses.
const SUPERUSERS: &[(&str, &[&str])] = &[
    ("postgres", &["postgres"]),
    ("postgresql", &["postgres"]),
    ("mysql", &["root"]),
    ("mariadb", &["root"]),
    ("mongodb", &["root", "admin"]),
    ("mssql", &["sa"]),
    ("sqlserver", &["sa"]),
];

/// Ends of the names that programs give to their account.
const NAMES: &[&str] =
    &["DB_USER", "DB_USERNAME", "DB_USER_NAME", "DATABASE_USER", "DATABASE_USERNAME", "DATASOURCE_USERNAME", "PGUSER"];

/// Images that are databases, or tools that look after them.
const DATABASES: &[&str] = &[
    "postgres",
    "postgis",
    "mysql",
    "mariadb",
    "mongo",
    "mssql",
    "percona",
    "adminer",
    "phpmyadmin",
    "pgadmin",
    "backup",
    "exporter",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let image = subject.container.image.as_ref().and_then(|setting| setting.value.as_deref()).unwrap_or_default();
    if DATABASES.iter().any(|name| ImageName::parse(image).repository.contains(name)) {
        return;
    }
    for setting in &subject.container.env {
        let Some((name, value)) = &setting.value else { continue };
        if let Some(user) = superuser(name, value) {
            let problem = subject.state(problems, &setting.at, name, format!("`{name}` names the account `{user}`"));
            // The password stands beside it.
            problem.is_secret = value.contains("://");
        }
    }
}

/// The account of a connection string, or of a variable of its own.
fn superuser<'v>(name: &str, value: &'v str) -> Option<&'v str> {
    let upper = name.to_ascii_uppercase();
    if let Some((scheme, rest)) = value.split_once("://") {
        let scheme = scheme.rsplit(':').next().unwrap_or_default().split('+').next().unwrap_or_default();
        let (user, _) = rest.split('/').next()?.rsplit_once('@')?;
        let user = user.split(':').next()?;
        let (_, superusers) = SUPERUSERS.iter().find(|(known, _)| *known == scheme)?;
        return superusers.contains(&user).then_some(user);
    }
    let is_account = NAMES.iter().any(|end| upper.ends_with(end));
    (is_account && matches!(value, "postgres" | "root" | "sa")).then_some(value)
}
