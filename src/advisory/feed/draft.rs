//! What vendors' feeds share on their way into the model: names that can be shown, rows of the usual statements, ids of derived records.

use super::{Draft, Key, Losses, Meta};
use crate::advisory::ecosystem;
use crate::advisory::model::{Advisory, Interval, Row, Status, Upper};
use crate::advisory::osv::is_plain_id;
use crate::version::for_osv_ecosystem;

/// Longest package name or version accepted, in bytes; the longest in the data we tested with have 92 and 69.
const MAX_TEXT_BYTES: usize = 1024;

/// The key of a package, in normal form; `None` when a name cannot be shown safely.
pub(crate) fn plain_key(ecosystem: &str, name: &str) -> Option<Key> {
    let (written, name) = (ecosystem.trim(), name.trim());
    if !plain_version(written) || !plain_version(name) {
        return None;
    }
    let ecosystem = ecosystem::normal_form(written);
    let name = ecosystem::normal_name(&ecosystem, name);
    Some(Key { ecosystem, name })
}

/// Whether a text is short and has no control characters.
pub(crate) fn plain_version(version: &str) -> bool {
    !version.is_empty() && version.len() <= MAX_TEXT_BYTES && !version.chars().any(char::is_control)
}

/// The CVE that an id is or, in the form `DEBIAN-CVE-…`, `ALPINE-CVE-…`, `UBUNTU-CVE-…`, is derived from.
pub(super) fn cve_of(id: &str) -> Option<&str> {
    let at = if id.starts_with("CVE-") { 0 } else { id.find("-CVE-")? + 1 };
    let cve = id.get(at..)?;
    let (year, number) = cve.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str| text.len() >= 4 && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(year) && digits(number)).then_some(cve)
}

/// Sorted, each once.
pub(super) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts.shrink_to_fit(); // they stay in memory for the whole import
    texts
}

/// Unix seconds of an RFC 3339 time or a date; placeholders (git copies of Go's database carry year 1) and garbage are no time.
pub(super) fn unix_seconds(text: &str) -> Option<i64> {
    /// 1990-01-01.
    const EARLIEST: i64 = 631_152_000;
    let text = text.trim();
    let seconds = match text.parse::<jiff::Timestamp>() {
        Ok(timestamp) => timestamp.as_second(),
        Err(_) => i64::from(crate::advisory::exploitation::days(text)?) * 86_400,
    };
    (seconds >= EARLIEST).then_some(seconds)
}

impl Draft {
    /// A record of a feed about some flaws. `None` when the id cannot be shown safely.
    ///
    /// Ids that are no CVEs go into `upstream` when they lead to the record, but do not join it with others.
    pub(super) fn new<'a>(meta: &Meta, id: &str, flaws: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        if !is_plain_id(id) {
            return None;
        }
        let upstream: Vec<String> = flaws
            .into_iter()
            .map(str::trim)
            .filter(|flaw| is_plain_id(flaw) && *flaw != id)
            .map(str::to_owned)
            .collect();
        let cves = std::iter::once(id).chain(upstream.iter().map(String::as_str)).filter_map(cve_of);
        let cves = sorted(cves.map(str::to_owned).collect());
        let advisory = Advisory {
            id: id.to_owned(),
            upstream: sorted(upstream),
            cves,
            license: meta.license.to_owned(),
            restricted: !meta.redistributable,
            ..Advisory::default()
        };
        Some(Self { advisory, rows: Vec::new(), losses: Losses::default() })
    }

    /// Adds what the record states about a package.
    pub(super) fn state(&mut self, ecosystem: &str, name: &str, statement: Row) {
        let Some(key) = plain_key(ecosystem, name) else {
            self.losses.without_versions += 1;
            return;
        };
        if ecosystem::is_rpm(&key.ecosystem) && is_debug_package(&key.name) {
            self.losses.debug_packages += 1;
            return;
        }
        let row = evaluable(statement, &key.ecosystem);
        self.losses.unevaluable += u32::from(row.unevaluable);
        self.rows.push((key, row));
    }

    /// Sorts the rows, and keeps each once.
    pub(super) fn settled(mut self) -> Self {
        self.rows.sort();
        self.rows.dedup();
        self
    }
}

/// Debug packages hold no code that runs.
pub(super) fn is_debug_package(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.ends_with("-debugsource") || name.ends_with("-debuginfo-common")
}

/// A row whose versions do not parse in its ecosystem says so.
fn evaluable(mut row: Row, ecosystem: &str) -> Row {
    let Some(scheme) = for_osv_ecosystem(ecosystem) else {
        row.unevaluable = !row.intervals.is_empty() && row.intervals != everything();
        return row;
    };
    let parses = |version: &str| plain_version(version) && scheme.compare(version, version).is_ok();
    let good = |interval: &Interval| {
        let to = match &interval.to {
            Upper::Open => None,
            Upper::Fixed(version) | Upper::Before(version) | Upper::Through(version) => Some(version),
        };
        interval.from.iter().chain(to).all(|version| parses(version))
    };
    if !row.intervals.iter().all(good) {
        row.intervals.clear();
        row.unevaluable = true;
    }
    row
}

fn everything() -> Vec<Interval> {
    vec![Interval { from: None, to: Upper::Open }]
}

impl Row {
    /// Every version below `fix` is affected.
    pub(super) fn fixed_in(fix: &str) -> Self {
        Self::below(Upper::Fixed(fix.trim().to_owned()))
    }

    /// Every version up to an end is affected.
    pub(super) fn below(to: Upper) -> Self {
        Self { intervals: vec![Interval { from: None, to }], ..Self::default() }
    }

    /// Every version is affected, and a status says what the vendor does about it.
    pub(super) fn unfixed(status: Status) -> Self {
        Self { status, intervals: everything(), ..Self::default() }
    }

    /// A negative statement about every version.
    pub(super) fn not_affected() -> Self {
        Self { status: Status::NotAffected, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_lead_to_their_cve() {
        assert_eq!(cve_of("DEBIAN-CVE-2024-1234"), Some("CVE-2024-1234"));
        assert_eq!(cve_of("CVE-2024-1234"), Some("CVE-2024-1234"));
        for other in ["CVE-2024-XXXX", "CVE-2019-3828-0001", "TEMP-0000000-ABCDEF", "RHSA-2024:1", "CVE-2024-", ""] {
            assert_eq!(cve_of(other), None, "{other}");
        }
    }

    #[test]
    fn dates_of_every_spelling_are_read() {
        assert_eq!(unix_seconds("2011-09-27 22:46"), Some(1_317_081_600));
        assert_eq!(unix_seconds("2025-08-25T17:04:19.9796Z"), Some(1_756_141_459));
        assert_eq!(unix_seconds("2026-05-07T13:49:43+00:00"), Some(1_778_161_783));
        assert_eq!((unix_seconds("0001-01-01T00:00:00Z"), unix_seconds("yesterday")), (None, None));
    }
}
