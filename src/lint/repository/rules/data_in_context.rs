//! A copy of a database, or a log, goes into the image.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::repository::context::Class;
use crate::lint::{Check, Meta, Problems, Rule};

/// `data-in-context`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "data-in-context",
        severity: Severity::Medium,
        summary: "a copy of a database, or a log, goes into the image with its folder",
        why: "It holds what the people who use the service gave to it, and goes to everybody who can pull the image.",
        advice: "add it to `.dockerignore`",
        aliases: &[],
        sources: &[
            "https://www.postgresql.org/docs/current/app-pgdump.html",
            "https://dev.mysql.com/doc/refman/8.4/en/mysqldump.html",
        ],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for context in &subject.contexts {
        for (path, class, copied) in context.copied() {
            let what = match class {
                Class::Log => Some("a log"),
                Class::Dump => subject.read(path).and_then(|bytes| dump(&bytes)),
                _ => None,
            };
            let Some(what) = what.filter(|_| !subject.is_illustrative(path) && copied.is_shipped) else { continue };
            let inner = context.inner(path).unwrap_or(path);
            let message = format!("`{path}` is {what}, and is copied into the image ({})", copied.at);
            let edits = subject.leave_out(&context.ignore_path, inner).filter(|_| !copied.names(inner));
            let problem = subject.state(problems, &context.ignore_path, 0..0, path, message);
            if class == Class::Log {
                problem.severity = Severity::Low;
            }
            if let Some(edits) = edits {
                problem.fix("leave it out", edits);
            }
        }
    }
}

/// What a dump is of, as its first bytes tell; one without rows is a schema, which is no secret.
///
/// Sources: `pg_dump` (`PGDMP` of its custom format, the comment of the plain one), `mysqldump` and `mariadb-dump` (their comments), Redis (`REDIS` and a version).
fn dump(bytes: &[u8]) -> Option<&'static str> {
    let has = |text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    let begins = |text: &str| memchr::memmem::find(bytes.get(..512).unwrap_or(bytes), text.as_bytes()).is_some();
    if bytes.starts_with(b"PGDMP") {
        return Some("a dump of PostgreSQL");
    }
    if bytes.starts_with(b"REDIS0") {
        return Some("a dump of Redis");
    }
    let has_rows = has("\nINSERT INTO ") || (has("\nCOPY ") && has(" FROM stdin;"));
    let by = [
        ("PostgreSQL database dump", "a dump of PostgreSQL"),
        ("-- MySQL dump", "a dump of MySQL"),
        ("-- MariaDB dump", "a dump of MariaDB"),
        ("-- Dump completed", "a dump of MySQL"),
    ];
    by.into_iter().find(|(text, _)| has_rows && begins(text)).map(|(_, what)| what)
}
