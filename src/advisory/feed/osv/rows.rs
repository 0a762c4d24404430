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
    let ranges = effective_ranges(affected, &own);
    if ranges.is_empty() && affected.versions.is_empty() {
        losses.without_versions += 1;
        return None;
    }
    let scheme = for_osv_ecosystem(&key.ecosystem);
    fill_versions(&mut row, &ranges, affected, scheme);
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

/// The ranges that count: never GIT; Go's custom ranges in place of one that only says "everything".
fn effective_ranges<'a, 'r>(affected: &'a Affected<'r>, own: &'a EcosystemSpecific<'r>) -> Vec<&'a Range<'r>> {
    let usable = |range: &&Range<'r>| range.kind.as_str() != "GIT" && !range.events.is_empty();
    let written: Vec<&Range<'r>> = affected.ranges.iter().filter(usable).collect();
    let custom: Vec<&Range<'r>> = own.custom_ranges.iter().filter(usable).collect();
    if custom.is_empty() {
        return written;
    }
    let scheme = for_osv_ecosystem("Go");
    let readable = |range: &&Range<'r>| scheme.is_some_and(|scheme| range::compile(&range.events, scheme).is_ok());
    if !custom.iter().all(readable) {
        return written; // better too much than a bound that cannot be read
    }
    written.into_iter().filter(|range| !says_everything(range)).chain(custom).collect()
}

fn says_everything(range: &Range<'_>) -> bool {
    let starts_at_zero = |event: &Event<'_>| event.introduced.as_ref().is_some_and(|version| version.as_str() == "0");
    range.events.iter().all(|event| {
        starts_at_zero(event) && event.fixed.is_none() && event.last_affected.is_none() && event.limit.is_none()
    })
}

/// `introduced 0, fixed 0`: the database says that no version was ever affected.
fn fixed_since_ever(ranges: &[&Range<'_>]) -> bool {
    ranges
        .iter()
        .flat_map(|range| &range.events)
        .any(|event| event.fixed.as_ref().is_some_and(|version| version.as_str() == "0"))
}

/// Compiles ranges into the row, and keeps of the listed versions only those that no range contains.
fn fill_versions(row: &mut Row, ranges: &[&Range<'_>], affected: &Affected<'_>, scheme: Option<&Scheme>) {
    let listed = affected.versions.iter().map(Text::as_str).filter(|version| is_plain_version(version));
    let Some(scheme) = scheme else {
        row.unevaluable = !ranges.is_empty();
        row.versions = sorted(listed.map(str::to_owned).collect());
        return;
    };
    let last_known = specific::<AffectedSpecific<'_>>(affected.database_specific).last_known_affected_version_range;
    let last_known = last_known.as_ref().and_then(|text| upper_bound(text.as_str()));
    let mut intervals = Vec::new();
    for range in ranges {
        match compile_range(range, last_known.as_ref(), scheme) {
            Some(compiled) => intervals.extend(compiled),
            None => row.unevaluable = true,
        }
    }
    row.intervals = intervals;
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
