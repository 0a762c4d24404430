//! OSV events ▸ sorted, disjoint intervals, and the question whether an interval contains a version.
//!
//! Source: OSV schema 1.7.5, section "Evaluation". It leaves open what `introduced` and `fixed` at one version mean; here such a pair is a
//! no-op that keeps the state reached so far, the only reading under which real records come out right (BIT-apache-2021-42013 needs the
//! version affected, RUSTSEC-2022-0012 needs it clean).
//!
//! Sorting is our own, because a comparator of hostile versions can fail and need not be a total order, and `slice::sort_by` may panic then.

use std::cmp::Ordering;

use super::model::{Interval, Upper};
use super::osv::Event;
use crate::version::{Scheme, VersionError};

/// Most events of one range, and most intervals of one package in one record. The largest real range has 118 events; sorting this many
/// by insertion takes some milliseconds.
pub(crate) const MAX_EVENTS: usize = 4096;

/// Why a range cannot be evaluated.
#[derive(Debug)]
pub(crate) enum RangeError {
    /// A version does not parse in the ecosystem's scheme.
    Version,
    /// More than [`MAX_EVENTS`].
    TooMany,
}

impl From<VersionError> for RangeError {
    fn from(_: VersionError) -> Self {
        Self::Version
    }
}

/// What happens at one version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

/// The versions of one range as disjoint intervals in ascending order.
pub(crate) fn compile(events: &[Event<'_>], scheme: &Scheme) -> Result<Vec<Interval>, RangeError> {
    if events.len() > MAX_EVENTS {
        return Err(RangeError::TooMany);
    }
    let mut walk = Walk { open: None, closed: Vec::new() };
    let mut points: Vec<(&str, Kind)> = Vec::with_capacity(events.len());
    for event in events {
        for (version, kind) in kinds(event) {
            if kind == Kind::Introduced && version == "0" {
                walk.open = Some(None);
            } else {
                insert(&mut points, (version, kind), scheme)?;
            }
        }
    }
    let limit = largest_limit(events, scheme)?;
    for same in groups(&points, scheme)? {
        if let (Some(limit), Some((version, _))) = (limit, same.first())
            && scheme.compare(version, limit)? != Ordering::Less
        {
            break;
        }
        walk.step(same);
    }
    Ok(walk.finish(limit))
}

fn kinds<'a>(event: &'a Event<'_>) -> impl Iterator<Item = (&'a str, Kind)> {
    [(&event.introduced, Kind::Introduced), (&event.fixed, Kind::Fixed), (&event.last_affected, Kind::LastAffected)]
        .into_iter()
        .filter_map(|(version, kind)| version.as_ref().map(|version| (version.as_str(), kind)))
}

/// Inserts before the first greater point, so that equal ones stay in order.
fn insert<'a>(points: &mut Vec<(&'a str, Kind)>, point: (&'a str, Kind), scheme: &Scheme) -> Result<(), VersionError> {
    scheme.compare(point.0, point.0)?; // a single version must parse, too
    let at = partition(points, |other| Ok(scheme.compare(other.0, point.0)? != Ordering::Greater))?;
    points.insert(at, point);
    Ok(())
}

/// Number of leading items that satisfy `before`, by bisection; like `partition_point`, but fallible.
fn partition<T>(items: &[T], before: impl Fn(&T) -> Result<bool, VersionError>) -> Result<usize, VersionError> {
    let (mut low, mut high) = (0, items.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match items.get(middle) {
            Some(item) if before(item)? => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The largest limit; `None` when there is none or one is infinite. A version need only lie before some limit.
fn largest_limit<'a>(events: &'a [Event<'_>], scheme: &Scheme) -> Result<Option<&'a str>, VersionError> {
    let mut largest: Option<&str> = None;
    for limit in events.iter().filter_map(|event| event.limit.as_ref()) {
        let limit = limit.as_str();
        if limit == "*" {
            return Ok(None);
        }
        scheme.compare(limit, limit)?;
        if largest.is_none_or(|known| scheme.compare(known, limit).is_ok_and(|order| order == Ordering::Less)) {
            largest = Some(limit);
        }
    }
    Ok(largest)
}

/// Splits sorted points into runs of equal versions.
fn groups<'a, 'v>(points: &'a [(&'v str, Kind)], scheme: &Scheme) -> Result<Vec<&'a [(&'v str, Kind)]>, VersionError> {
    let mut runs = Vec::new();
    let mut rest = points;
    while let Some((first, _)) = rest.first() {
        let mut length = 1;
        while let Some((next, _)) = rest.get(length)
            && scheme.compare(first, next)? == Ordering::Equal
        {
            length += 1;
        }
        let (run, tail) = rest.split_at(length);
        runs.push(run);
        rest = tail;
    }
    Ok(runs)
}

/// The state while walking events upwards.
struct Walk {
    /// Lower end of the interval being built.
    open: Option<Option<String>>,
    closed: Vec<Interval>,
}

impl Walk {
    /// All events at one version.
    fn step(&mut self, events: &[(&str, Kind)]) {
        let Some((version, _)) = events.first() else {
            return;
        };
        let has = |kind| events.iter().any(|(_, other)| *other == kind);
        match (has(Kind::Introduced), has(Kind::Fixed)) {
            (true, false) if self.open.is_none() => self.open = Some(Some((*version).to_owned())),
            (false, true) => self.close(Upper::Fixed((*version).to_owned())),
            _ => {} // both: a no-op, see the module's header
        }
        if has(Kind::LastAffected) {
            self.close(Upper::Through((*version).to_owned()));
        }
    }

    fn close(&mut self, to: Upper) {
        if let Some(from) = self.open.take() {
            self.closed.push(Interval { from, to });
        }
    }

    fn finish(mut self, limit: Option<&str>) -> Vec<Interval> {
        self.close(limit.map_or(Upper::Open, |limit| Upper::Before(limit.to_owned())));
        self.closed
    }
}

/// Joins overlapping and touching intervals of any number of ranges.
///
/// Touching ones are joined because a version that is affected again right away is no fix.
pub(crate) fn union(intervals: Vec<Interval>, scheme: &Scheme) -> Result<Vec<Interval>, RangeError> {
    if intervals.len() > MAX_EVENTS {
        return Err(RangeError::TooMany);
    }
    let mut sorted: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        let at = partition(&sorted, |other| Ok(compare_from(other, &interval, scheme)? != Ordering::Greater))?;
        sorted.insert(at, interval);
    }
    let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
    for interval in sorted {
        match joined.last_mut() {
            Some(last) if reaches(&last.to, interval.from.as_deref(), scheme)? => {
                if compare_upper(&last.to, &interval.to, scheme)? == Ordering::Less {
                    last.to = interval.to;
                }
            }
            _ => joined.push(interval),
        }
    }
    Ok(joined)
}

/// The interval that contains `version`, found by bisection: `intervals` are disjoint and ascending, as [`union`] makes them.
pub(crate) fn containing<'a>(
    intervals: &'a [Interval],
    version: &str,
    scheme: &Scheme,
) -> Result<Option<&'a Interval>, VersionError> {
    let starts_below = |interval: &Interval| match &interval.from {
        None => Ok(true),
        Some(from) => Ok(scheme.compare(from, version)? != Ordering::Greater),
    };
    let last = partition(intervals, starts_below)?.checked_sub(1).and_then(|last| intervals.get(last));
    match last {
        Some(interval) if interval.contains(version, scheme)? => Ok(Some(interval)),
        _ => Ok(None),
    }
}

fn compare_from(left: &Interval, right: &Interval, scheme: &Scheme) -> Result<Ordering, VersionError> {
    match (&left.from, &right.from) {
        (None, None) => Ok(Ordering::Equal),
        (None, Some(_)) => Ok(Ordering::Less),
        (Some(_), None) => Ok(Ordering::Greater),
        (Some(left), Some(right)) => scheme.compare(left, right),
    }
}

/// Whether an interval that ends at `to` overlaps or touches one that begins at `from`.
fn reaches(to: &Upper, from: Option<&str>, scheme: &Scheme) -> Result<bool, VersionError> {
    let Some(from) = from else { return Ok(true) };
    match to {
        Upper::Open => Ok(true),
        Upper::Fixed(end) | Upper::Before(end) | Upper::Through(end) => {
            Ok(scheme.compare(from, end)? != Ordering::Greater)
        }
    }
}

fn compare_upper(left: &Upper, right: &Upper, scheme: &Scheme) -> Result<Ordering, VersionError> {
    let rank = |upper: &Upper| match upper {
        Upper::Before(_) => 0,
        Upper::Fixed(_) => 1, // the same set as `Before`, but it knows more
        Upper::Through(_) => 2,
        Upper::Open => 3,
    };
    match (version_of(left), version_of(right)) {
        (Some(a), Some(b)) => Ok(scheme.compare(a, b)?.then(rank(left).cmp(&rank(right)))),
        _ => Ok(rank(left).cmp(&rank(right))),
    }
}

fn version_of(upper: &Upper) -> Option<&str> {
    match upper {
        Upper::Open => None,
        Upper::Fixed(version) | Upper::Before(version) | Upper::Through(version) => Some(version),
    }
}

impl Interval {
    /// Whether `version` lies in the interval.
    ///
    /// # Errors
    /// When a version does not parse in the given scheme.
    pub fn contains(&self, version: &str, scheme: &Scheme) -> Result<bool, VersionError> {
        if let Some(from) = &self.from
            && scheme.compare(version, from)? == Ordering::Less
        {
            return Ok(false);
        }
        match &self.to {
            Upper::Open => Ok(true),
            Upper::Fixed(end) | Upper::Before(end) => Ok(scheme.compare(version, end)? == Ordering::Less),
            Upper::Through(end) => Ok(scheme.compare(version, end)? != Ordering::Greater),
        }
    }
}

impl std::fmt::Display for Interval {
    /// `>= 1.2, < 1.3`, the form in which GitHub writes ranges; `all versions` without ends.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let upper = match &self.to {
            Upper::Open => None,
            Upper::Fixed(end) | Upper::Before(end) => Some(format!("< {end}")),
            Upper::Through(end) => Some(format!("<= {end}")),
        };
        match (&self.from, upper) {
            (None, None) => f.write_str("all versions"),
            (None, Some(upper)) => f.write_str(&upper),
            (Some(from), None) => write!(f, ">= {from}"),
            (Some(from), Some(upper)) => write!(f, ">= {from}, {upper}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::for_osv_ecosystem;

    fn semver() -> &'static Scheme {
        for_osv_ecosystem("crates.io").expect("crates.io has a scheme")
    }

    /// `i1.0 f2.0 l3.0 x4.0`: introduced, fixed, last affected, limit.
    fn ranges(text: &str) -> String {
        let json: Vec<String> = text
            .split_whitespace()
            .map(|word| {
                let (kind, version) = word.split_at(1);
                let key = match kind {
                    "i" => "introduced",
                    "f" => "fixed",
                    "l" => "last_affected",
                    _ => "limit",
                };
                format!("{{\"{key}\":\"{version}\"}}")
            })
            .collect();
        let json = format!("[{}]", json.join(","));
        let events: Vec<Event<'_>> = serde_json::from_str(&json).expect("events");
        let intervals = compile(&events, semver()).expect("versions parse");
        let shown: Vec<String> = intervals.iter().map(ToString::to_string).collect();
        shown.join(" | ")
    }

    #[test]
    fn events_become_intervals() {
        for (events, expected) in [
            ("i0", "all versions"),
            ("i0 f1.0.0", "< 1.0.0"),
            ("f1.0.0 i0", "< 1.0.0"), // events are not sorted
            ("i1.0.0 l1.2.0", ">= 1.0.0, <= 1.2.0"),
            ("i1.0.0 l1.0.0", ">= 1.0.0, <= 1.0.0"), // exactly that version
            ("i1.0.0 f1.1.0 i2.0.0 f2.1.0", ">= 1.0.0, < 1.1.0 | >= 2.0.0, < 2.1.0"),
            ("f1.0.0", ""),
            ("i0 i1.0.0 f2.0.0 f3.0.0", "< 2.0.0"),
            // The tie: keeps the state reached before it.
            ("i2.4.49 f2.4.50 i2.4.50 f2.4.51", ">= 2.4.49, < 2.4.51"),
            ("i0.10.0 f0.10.0", ""),
            ("i0.1.0 f0.1.0 i0.2.0 f0.3.0", ">= 0.2.0, < 0.3.0"),
            // A version is before some limit.
            ("i0 x2.0.0", "< 2.0.0"),
            ("i0 x2.0.0 x3.0.0", "< 3.0.0"),
            ("i0 x2.0.0 x*", "all versions"),
            ("i3.0.0 x2.0.0", ""),
            ("i1.0.0 f1.5.0 i3.0.0 x2.0.0", ">= 1.0.0, < 1.5.0"),
        ] {
            assert_eq!(ranges(events), expected, "{events}");
        }
    }

    #[test]
    fn unions_are_disjoint_and_keep_the_later_fix() {
        let interval = |from: &str, to: Upper| Interval { from: (from != "0").then(|| from.to_owned()), to };
        let fixed = |version: &str| Upper::Fixed(version.to_owned());
        let joined = union(
            vec![
                interval("2.0.0", fixed("2.1.0")),
                interval("0", fixed("1.0.0")),
                interval("0", fixed("0.5.0")),
                interval("2.1.0", Upper::Through("2.2.0".to_owned())),
                interval("2.2.0", Upper::Before("2.2.0".to_owned())),
            ],
            semver(),
        )
        .expect("versions parse");
        let shown: Vec<String> = joined.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["< 1.0.0", ">= 2.0.0, <= 2.2.0"]);
    }
}
