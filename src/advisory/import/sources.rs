//! The sources of an import: what is known of each, and whether one has too few records to be believed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use super::SourceReport;
use super::inputs::Input;
use crate::advisory::error::AdvisoryError;
use crate::advisory::feed::{Feed, osv};
use crate::advisory::store::{Provenance, Source, SourceTotals};
use crate::digest::{Digest, Hasher};

/// A source may lose one record of so many from one import to the next. Vendors take back single records; Debian's tracker, which drops the
/// flaws of packages that it removes, lost less than 1 % in any month of 2025.
const SHRINK_SHARE: u64 = 10;

/// A release may lose half of its rows: what leaves support is thinned out. Below this many rows nothing is concluded.
const MIN_ROWS: u32 = 100;

/// All sources.
#[derive(Default)]
pub(super) struct Sources {
    numbers: BTreeMap<(&'static str, String), u32>,
    states: Vec<State>,
    /// Sources that the file that is being read belongs to.
    touched: BTreeSet<u32>,
}

/// What is known of a source while it is read.
#[derive(Default)]
pub(super) struct State {
    pub(super) totals: SourceTotals,
    pub(super) report: SourceReport,
    /// Records that the feed says it has; 0 where it does not say.
    pub(super) expected: u64,
    /// Names and digests of its files.
    files: Vec<(String, Digest)>,
    /// When its newest file was last changed, Unix seconds.
    changed: Option<i64>,
}

impl Sources {
    pub(super) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub(super) fn get(&mut self, number: u32) -> Option<&mut State> {
        self.states.get_mut(number as usize)
    }

    /// The number of a feed's source; OSV's are told apart by label.
    pub(super) fn number(&mut self, feed: &'static dyn Feed, label: &str) -> u32 {
        let meta = feed.meta();
        let is_osv = std::ptr::eq(meta, osv::Osv.meta());
        let name = if is_osv { label } else { meta.name };
        let next = self.states.len() as u32; // not more than files, whose number is bounded
        let number = *self.numbers.entry((if is_osv { "OSV" } else { "" }, name.to_owned())).or_insert(next);
        if number == next {
            let licenses = if meta.license.is_empty() { Vec::new() } else { vec![meta.license.to_owned()] };
            let source =
                Source { name: name.to_owned(), url: meta.upstream.base.to_owned(), licenses, ..Source::default() };
            let totals = SourceTotals { source, newest: None, is_native: !is_osv, data: meta.data };
            let report = SourceReport { name: name.to_owned(), ..SourceReport::default() };
            self.states.push(State { totals, report, ..State::default() });
        }
        self.touched.insert(number);
        number
    }

    /// A file was read to its end.
    pub(super) fn close_file(&mut self, input: &Input, digest: &Digest) {
        let changed = std::fs::metadata(&input.path).and_then(|metadata| metadata.modified()).ok();
        let changed = changed
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|duration| i64::try_from(duration.as_secs()).ok());
        for number in std::mem::take(&mut self.touched) {
            if let Some(state) = self.states.get_mut(number as usize) {
                state.files.push((input.name.clone(), digest.clone()));
                state.changed = state.changed.max(changed);
            }
        }
    }

    /// Everything that is known, in the order of numbers.
    pub(super) fn finish(self, accept_fewer: bool) -> Result<(Vec<SourceTotals>, Vec<SourceReport>), AdvisoryError> {
        let mut finished = (Vec::new(), Vec::new());
        for mut state in self.states {
            let source = &mut state.totals.source;
            let read = u64::from(source.records) + u64::from(source.malformed);
            if read < state.expected && !accept_fewer {
                return Err(fewer(&source.name, read, state.expected));
            }
            source.digest = digest(&state.files).to_string();
            // A feed without dates is as old as its file; OSV's records always have some.
            if state.totals.is_native {
                state.totals.newest = state.totals.newest.or(state.changed);
            }
            finished.0.push(state.totals);
            finished.1.push(state.report);
        }
        Ok(finished)
    }
}

/// Of one file its own digest, of several one over all names and digests.
fn digest(files: &[(String, Digest)]) -> Digest {
    if let [(_, only)] = files {
        return only.clone();
    }
    let mut hasher = Hasher::sha256();
    for (name, digest) in files {
        hasher.update(format!("{name}\0{digest}\n").as_bytes());
    }
    hasher.finish()
}

fn fewer(name: &str, now: u64, expected: u64) -> AdvisoryError {
    AdvisoryError::Fewer { source_name: name.to_owned(), now, expected }
}

/// Refuses a store in which a source or a release of the older one has far fewer records, or a source is older than it was: a feed that was cut, or a copy
/// of long ago that somebody sends as today's.
///
/// A source or a release that is not there at all is not refused: its packages are then NOT CHECKED in every report, which nobody overlooks.
///
/// # Errors
/// Which source or release that is.
pub fn refuse_step_back(before: &Provenance, now: &Provenance) -> Result<(), AdvisoryError> {
    for old in &before.sources {
        let Some(new) = now.sources.iter().find(|new| new.name == old.name) else { continue };
        let kept = |source: &Source| u64::from(source.records);
        if kept(new) < kept(old) - kept(old) / SHRINK_SHARE {
            return Err(fewer(&old.name, kept(new), kept(old)));
        }
        // Times of one format compare as texts.
        if let (Some(now), Some(before)) = (&new.modified, &old.modified)
            && now < before
        {
            let (source_name, now, before) = (old.name.clone(), now.clone(), before.clone());
            return Err(AdvisoryError::Older { source_name, now, before });
        }
    }
    for old in before.ecosystems.iter().filter(|old| old.rows >= MIN_ROWS) {
        let Some(new) = now.ecosystem(&old.name) else { continue };
        if new.rows < old.rows / 2 {
            return Err(fewer(&old.name, new.rows.into(), old.rows.into()));
        }
    }
    Ok(())
}
