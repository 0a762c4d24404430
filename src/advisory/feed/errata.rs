//! What errata of RHEL-like distributions (AlmaLinux, Rocky Linux, Red Hat) say only in their title: severity, module stream, package.
//!
//! `Important: ruby:2.5 security update`, `Red Hat Security Advisory: git-lfs security update`.

use std::collections::BTreeMap;

use super::Key;
use crate::advisory::model::{Interval, Row, Severity, Upper};
use crate::advisory::severity;

/// Id prefixes of such errata. The third letter tells the kind: security, bug fix, enhancement.
const PREFIXES: [&str; 10] = ["ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "RHSA-", "RHBA-", "RHEA-"];

/// Whether `id` is one of an RHEL-like erratum.
pub(crate) fn is_erratum(id: &str) -> bool {
    PREFIXES.iter().any(|prefix| id.starts_with(prefix))
}

/// Whether the id says that the erratum fixes bugs or adds features, not security.
pub(crate) fn is_not_security(id: &str) -> bool {
    is_erratum(id) && matches!(id.as_bytes().get(2), Some(b'B' | b'E'))
}

/// The parts of a title.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Title<'a> {
    /// The severity word, if it leads the title.
    pub(crate) severity: Option<Severity>,
    /// Source package or module (`ruby:2.5`) that the title names.
    pub(crate) subject: Option<&'a str>,
}

/// Reads a title. The subject is the first word after the last `: `, unless the title names several things.
pub(crate) fn title(summary: &str) -> Title<'_> {
    let (lead, rest) = summary.rsplit_once(": ").unwrap_or(("", summary));
    let severity = severity::from_word(lead.rsplit(' ').next().unwrap_or(lead));
    let mut words = rest.split_whitespace();
    let subject = words.next().filter(|word| !word.ends_with(',') && is_subject(word));
    let single = words
        .next()
        .is_some_and(|next| matches!(next.trim_end_matches(','), "security" | "bug" | "enhancement" | "update"));
    Title { severity, subject: subject.filter(|_| single) }
}

fn is_subject(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte))
}

/// Marks rows whose fix is a module build with the stream that the title names (empty when it names none).
pub(crate) fn mark_modules(rows: &mut [(Key, Row)], title: Title<'_>) {
    for (_, row) in rows {
        if row.intervals.iter().any(is_module_build) {
            row.module = Some(title.subject.unwrap_or_default().to_owned());
        }
    }
}

fn is_module_build(interval: &Interval) -> bool {
    matches!(&interval.to, Upper::Fixed(version) if version.contains(".module"))
}

/// Adds the package that the title names where the record forgot it.
///
/// AlmaLinux's records omit it in about one of seven single-package errata (`glibc`, `kernel`, …), though it is built from the same source
/// and so has the same fix. Only where all other rows of that release agree on one fixed version.
pub(crate) fn add_title_package(rows: &mut Vec<(Key, Row)>, title: Title<'_>) {
    let Some(name) = title.subject.filter(|subject| !subject.contains(':')) else {
        return;
    };
    /// What the rows of one release have in common.
    struct Release {
        first: Row,
        agree: bool,
        named: bool,
    }
    let mut releases: BTreeMap<String, Release> = BTreeMap::new();
    for (key, row) in rows.iter().filter(|(key, _)| key.ecosystem.starts_with("AlmaLinux:")) {
        let known = releases.entry(key.ecosystem.clone()).or_insert_with(|| Release {
            first: row.clone(),
            agree: true,
            named: false,
        });
        known.agree &= known.first.intervals == row.intervals;
        known.named |= key.name == name;
    }
    let silent = releases.into_iter().filter(|(_, release)| release.agree && !release.named);
    rows.extend(silent.map(|(ecosystem, release)| {
        let key = Key { ecosystem, name: name.to_owned() };
        (key, Row { inferred: true, ..release.first })
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_severity_and_subject() {
        for (summary, severity, subject) in [
            ("Important: ruby:2.5 security update", Some(Severity::High), Some("ruby:2.5")),
            ("Moderate: glibc security, bug fix, and enhancement update", Some(Severity::Medium), Some("glibc")),
            ("Critical: firefox update", Some(Severity::Critical), Some("firefox")),
            ("Red Hat Security Advisory: git-lfs security update", None, Some("git-lfs")),
            ("Low: bind and dhcp security update", Some(Severity::Low), None),
            ("nodejs:10 bug fix update", None, Some("nodejs:10")),
            ("", None, None),
        ] {
            assert_eq!(title(summary), Title { severity, subject }, "{summary}");
        }
        assert!(is_not_security("ALBA-2019:3373") && is_not_security("ALEA-2021:4239"));
        assert!(!is_not_security("ALSA-2022:8250") && !is_not_security("GHSA-8qxg-mff5-j3wc"));
    }

    #[test]
    fn the_title_package_gets_the_fix_all_others_share() {
        let row = |fix: &str| Row {
            intervals: vec![Interval { from: None, to: Upper::Fixed(fix.to_owned()) }],
            ..Row::default()
        };
        let key = |name: &str| Key { ecosystem: "AlmaLinux:9".to_owned(), name: name.to_owned() };
        let mut rows = vec![(key("glibc-common"), row("2.34-1.el9")), (key("glibc-devel"), row("2.34-1.el9"))];
        add_title_package(&mut rows, title("Important: glibc security update"));
        assert_eq!(rows.last().map(|(key, row)| (key.name.as_str(), row.inferred)), Some(("glibc", true)));

        let mut differing = vec![(key("a"), row("1-1.el9")), (key("b"), row("2-1.el9"))];
        add_title_package(&mut differing, title("Important: c security update"));
        assert_eq!(differing.len(), 2);
    }
}
