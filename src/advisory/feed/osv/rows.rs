//! Affected entries of one record ▸ rows.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Losses, errata, sorted, ubuntu_priority};
use crate::advisory::ecosystem;
use crate::advisory::feed::draft::is_debug_package;
use crate::advisory::feed::{Key, plain_key, plain_version as is_plain_version};
use crate::advisory::model::{Interval, Rating, Row, Severity, Status, Upper, Urgency};
use crate::advisory::osv::{
    Affected, AffectedSpecific, EcosystemSpecific, Event, Package, Range, Record, Text, specific,
};
use crate::advisory::range;
use crate::advisory::severity;
use crate::version::{Scheme, for_osv_ecosystem};

/// The record's rows; entries of one package are joined unless they are builds for different streams of an rpm distribution.
pub(super) fn rows(record: &Record<'_>, title: errata::Title<'_>) -> (Vec<(Key, Row)>, Losses) {
    let mut losses = Losses::default();
    let mut rows: Vec<(Key, Row)> = Vec::with_capacity(record.affected.len());
    for affected in &record.affected {
        match row(affected, &mut losses) {
            Some((key, row)) => rows.push((key, row)),
            None => continue,
        }
    }
    if errata::is_erratum(record.id.as_str()) {
        errata::mark_modules(&mut rows, title);
        errata::add_title_package(&mut rows, title);
    }
    let rows = join(rows);
    losses.unevaluable = rows.iter().filter(|(_, row)| row.unevaluable).count() as u32;
    (rows, losses)
}

fn row(affected: &Affected<'_>, losses: &mut Losses) -> Option<(Key, Row)> {
    let Some(key) = affected.package.as_ref().and_then(key) else {
        losses.without_versions += 1;
        return None;
    };
    if ecosystem::is_rpm(&key.ecosystem) && is_debug_package(&key.name) {
        losses.debug_packages += 1;
        return None;
    }
    let own: EcosystemSpecific<'_> = specific(affected.ecosystem_specific);
    let (urgency, status) = urgency(own.urgency.as_ref().map_or("", Text::as_str));
    let mut row = Row { urgency, status, rating: rating(affected, urgency), ..Row::default() };
    let (ranges, custom) = (usable_ranges(&affected.ranges), usable_ranges(&own.custom_ranges));
    if ranges.is_empty() && custom.is_empty() && affected.versions.is_empty() {
        losses.without_versions += 1;
        return None;
    }
    let scheme = for_osv_ecosystem(&key.ecosystem);
    fill_versions(&mut row, &ranges, &custom, affected, scheme);
    if row.intervals.is_empty() && row.versions.is_empty() && !row.unevaluable {
        if !fixed_since_ever(&ranges) {
            losses.without_versions += 1;
            return None;
        }
        row.status = Status::NotAffected;
    }
    Some((key, row))
}

fn key(package: &Package<'_>) -> Option<Key> {
    plain_key(package.ecosystem.as_str(), package.name.as_str())
}

/// Debian's urgency, and the status that its `end-of-life` really is.
fn urgency(word: &str) -> (Urgency, Status) {
    match word {
        "unimportant" => (Urgency::Unimportant, Status::Affected),
        "low" => (Urgency::Low, Status::Affected),
        "medium" => (Urgency::Medium, Status::Affected),
        "high" => (Urgency::High, Status::Affected),
        "end-of-life" => (Urgency::Unassigned, Status::EndOfLife),
        _ => (Urgency::Unassigned, Status::Affected),
    }
}

fn rating(affected: &Affected<'_>, urgency: Urgency) -> Option<Rating> {
    let word = match urgency {
        Urgency::Unassigned => None,
        Urgency::Unimportant => Some(Severity::Negligible),
        Urgency::Low => Some(Severity::Low),
        Urgency::Medium => Some(Severity::Medium),
        Urgency::High => Some(Severity::High),
    };
    let rating = severity::rate(
        word.or_else(|| ubuntu_priority(&affected.severity)),
        affected.severity.iter().map(|s| s.score.as_str()),
    );
    (rating != Rating::default()).then_some(rating)
}

/// The ranges that count, never GIT: those of the schema, and Go's custom ones.
fn usable_ranges<'a, 'r>(ranges: &'a [Range<'r>]) -> Vec<&'a Range<'r>> {
    ranges.iter().filter(|range| range.kind.as_str() != "GIT" && !range.events.is_empty()).collect()
}

/// Joins the intervals of Go's two kinds of ranges. Each kind lists what the other cannot say, and stays open where it does not know the end: an open interval is dropped
/// where the other kind knows an end above its start.
///
/// Commits that no tag precedes (`v0.0.0-20240102150405-abcdefabcdef`) are a number line of their own, below every release: where one kind says which of them has the fix, an
/// interval of the other that begins at nothing begins at `0.0.0`.
fn join_kinds(written: &[Interval], custom: &[Interval], scheme: &Scheme) -> Vec<Interval> {
    let kept = |own: &[Interval], other: &[Interval]| -> Vec<Interval> {
        let is_closed_above =
            |open: &Interval| other.iter().any(|known| ends_above(&known.to, open.from.as_deref(), scheme));
        let knows_commits = other.iter().any(|known| is_untagged(&known.to));
        let from = |from: &Option<String>| from.clone().or_else(|| knows_commits.then(|| "0.0.0".to_owned()));
        own.iter()
            .filter(|interval| interval.to != Upper::Open || !is_closed_above(interval))
            .map(|interval| Interval { from: from(&interval.from), to: interval.to.clone() })
            .collect()
    };
    [kept(written, custom), kept(custom, written)].concat()
}

fn is_untagged(to: &Upper) -> bool {
    let (Upper::Fixed(version) | Upper::Before(version) | Upper::Through(version)) = to else { return false };
    version.trim_start_matches('v').strip_prefix("0.0.0-").is_some_and(|commit| commit.starts_with("20"))
}

fn ends_above(to: &Upper, start: Option<&str>, scheme: &Scheme) -> bool {
    match to {
        Upper::Open => false,
        Upper::Fixed(end) | Upper::Before(end) | Upper::Through(end) => {
            start.is_none_or(|start| scheme.compare(start, end).is_ok_and(std::cmp::Ordering::is_lt))
        }
    }
}

/// `introduced 0, fixed 0`: the database says that no version was ever affected.
fn fixed_since_ever(ranges: &[&Range<'_>]) -> bool {
    ranges
        .iter()
        .flat_map(|range| &range.events)
        .any(|event| event.fixed.as_ref().is_some_and(|version| version.as_str() == "0"))
}

/// Compiles ranges into the row, and keeps of the listed versions only those that no range contains.
fn fill_versions(
    row: &mut Row,
    ranges: &[&Range<'_>],
    custom: &[&Range<'_>],
    affected: &Affected<'_>,
    scheme: Option<&Scheme>,
) {
    let listed = affected.versions.iter().map(Text::as_str).filter(|version| is_plain_version(version));
    let Some(scheme) = scheme else {
        row.unevaluable = !ranges.is_empty() || !custom.is_empty();
        row.versions = sorted(listed.map(str::to_owned).collect());
        return;
    };
    let last_known = specific::<AffectedSpecific<'_>>(affected.database_specific).last_known_affected_version_range;
    let last_known = last_known.as_ref().and_then(|text| upper_bound(text.as_str()));
    let mut written = Vec::new();
    for range in ranges {
        match compile_range(range, last_known.as_ref(), scheme) {
            Some(compiled) => written.extend(compiled),
            None => row.unevaluable = true,
        }
    }
    // A bound that cannot be read is none: better too much than too little.
    let custom: Option<Vec<Vec<Interval>>> =
        custom.iter().map(|range| compile_range(range, last_known.as_ref(), scheme)).collect();
    row.intervals = join_kinds(&written, &custom.unwrap_or_default().concat(), scheme);
    row.versions = listed.map(str::to_owned).collect();
    settle(row, scheme);
    // Every version up to "0" is none: such an interval is a negative statement.
    row.intervals
        .retain(|interval| !matches!(interval, Interval { from: None, to: Upper::Fixed(zero) } if zero == "0"));
}

/// Makes intervals disjoint and ascending, and keeps of the listed versions only those that no interval contains.
fn settle(row: &mut Row, scheme: &Scheme) {
    match range::union(std::mem::take(&mut row.intervals), scheme) {
        Ok(joined) => row.intervals = joined,
        Err(_) => row.unevaluable = true,
    }
    let intervals = &row.intervals;
    let outside = |version: &String| !matches!(range::containing(intervals, version, scheme), Ok(Some(_)));
    let versions = std::mem::take(&mut row.versions);
    row.versions = sorted(versions.into_iter().filter(outside).collect());
}

/// One range's intervals; an open end is closed by the last version that GHSA knows to be affected. `None` when versions do not parse.
fn compile_range(range: &Range<'_>, last_known: Option<&Upper>, scheme: &Scheme) -> Option<Vec<Interval>> {
    let texts = |event: &Event<'_>| {
        let fields = [&event.introduced, &event.fixed, &event.last_affected, &event.limit];
        fields.into_iter().flatten().all(|version| is_plain_version(version.as_str()))
    };
    if !range.events.iter().all(texts) {
        return None;
    }
    let mut intervals = range::compile(&range.events, scheme).ok()?;
    if let (Some(last), Some(bound)) = (intervals.last_mut(), last_known)
        && last.to == Upper::Open
        && closes(last.from.as_deref(), bound, scheme)
    {
        last.to = bound.clone();
    }
    Some(intervals)
}

/// Whether `bound` parses and does not lie below the interval's start.
fn closes(from: Option<&str>, bound: &Upper, scheme: &Scheme) -> bool {
    let (Upper::Before(version) | Upper::Through(version) | Upper::Fixed(version)) = bound else {
        return false;
    };
    scheme.compare(from.unwrap_or(version), version).is_ok_and(|order| order != std::cmp::Ordering::Greater)
}

/// `<= 29.0` or `< 29.0`. Neither names a version that has the fix.
fn upper_bound(text: &str) -> Option<Upper> {
    let text = text.trim();
    let (through, version) = match text.strip_prefix("<=") {
        Some(version) => (true, version.trim()),
        None => (false, text.strip_prefix('<')?.trim()),
    };
    if !is_plain_version(version) || version.contains([' ', ',']) {
        return None;
    }
    Some(if through { Upper::Through(version.to_owned()) } else { Upper::Before(version.to_owned()) })
}

/// What rows must have in common to be joined.
type Class = (Key, Status, Urgency, Option<Rating>);

/// Joins rows of one package that state the same. Rows of rpm distributions stay apart: they are builds for different minor releases or
/// module streams, and an installed build is judged by its own.
fn join(rows: Vec<(Key, Row)>) -> Vec<(Key, Row)> {
    let mut builds: BTreeSet<(Key, Row)> = BTreeSet::new();
    let mut classes: BTreeMap<Class, Row> = BTreeMap::new();
    for (key, row) in rows {
        if ecosystem::is_rpm(&key.ecosystem) {
            builds.insert((key, row));
            continue;
        }
        match classes.entry((key, row.status, row.urgency, row.rating)) {
            Entry::Vacant(place) => drop(place.insert(row)),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.intervals.extend(row.intervals);
                known.versions.extend(row.versions);
                known.unevaluable |= row.unevaluable;
            }
        }
    }
    let mut joined: Vec<(Key, Row)> = builds.into_iter().collect();
    for ((key, ..), mut row) in classes {
        if let Some(scheme) = for_osv_ecosystem(&key.ecosystem) {
            settle(&mut row, scheme);
        }
        joined.push((key, row));
    }
    joined
}
