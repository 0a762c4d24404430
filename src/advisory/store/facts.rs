//! Facts that go with advisories ▸ the store's tables: exploited CVEs, scores, lifecycles, repositories.
//!
//! A score needs 5 bytes when CVEs are filed by the thousand with their columns apart, and 20 when each is a pair of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::Pair;
use crate::advisory::error::AdvisoryError;
use crate::advisory::exploitation::{Exploited, Score};
use crate::advisory::feed::Item;
use crate::advisory::lifecycle::Lifecycle;

/// CVEs filed together: the last three digits of their numbers.
const CHUNK: u64 = 1000;

/// Collected facts.
#[derive(Default)]
pub(super) struct Facts {
    exploited: BTreeMap<String, Exploited>,
    scores: BTreeMap<[u8; 6], BTreeMap<u16, Score>>,
    lifecycles: BTreeMap<String, Lifecycle>,
    repositories: BTreeMap<String, Vec<String>>,
}

/// The scores of some CVEs of one year and thousand, by columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Scores {
    /// Ascending.
    numbers: Vec<u16>,
    probabilities: Vec<u32>,
    percentiles: Vec<u32>,
}

impl Scores {
    /// The score of a CVE by its number in the thousand.
    pub(super) fn of(&self, number: u16) -> Option<Score> {
        let at = self.numbers.binary_search(&number).ok()?;
        Some(Score { probability: *self.probabilities.get(at)?, percentile: *self.percentiles.get(at)? })
    }
}

/// Where a CVE's score is filed: year and thousand as big-endian bytes, and its number there.
pub(super) fn score_key(cve: &str) -> Option<([u8; 6], u16)> {
    let (year, number) = cve.strip_prefix("CVE-")?.split_once('-')?;
    let (year, number): (u16, u64) = (year.parse().ok()?, number.parse().ok()?);
    let thousand = u32::try_from(number / CHUNK).ok()?;
    let [a, b] = year.to_be_bytes();
    let [c, d, e, f] = thousand.to_be_bytes();
    Some(([a, b, c, d, e, f], (number % CHUNK) as u16))
}

impl Facts {
    /// Takes a fact; `false` for an item that is none. Of two scores of one CVE the last one stays.
    pub(super) fn take(&mut self, item: Item) -> bool {
        match item {
            Item::Exploited(cve, entry) => drop(self.exploited.insert(cve, entry)),
            Item::Score(cve, score) => {
                if let Some((key, number)) = score_key(&cve) {
                    self.scores.entry(key).or_default().insert(number, score);
                }
            }
            Item::Lifecycle(lifecycle) => drop(self.lifecycles.insert(lifecycle.product.clone(), lifecycle)),
            Item::Repository(id, cpes) => drop(self.repositories.insert(id, cpes)),
            Item::Record(_) | Item::Malformed { .. } | Item::Made(_) | Item::Expected(_) => return false,
        }
        true
    }

    /// Exploited CVEs, scores, lifecycles, repositories.
    pub(super) fn counts(&self) -> [u32; 4] {
        let scores: usize = self.scores.values().map(BTreeMap::len).sum();
        [self.exploited.len(), scores, self.lifecycles.len(), self.repositories.len()].map(|count| count as u32)
    }

    /// The pairs of the four tables, in the order of [`Self::counts`].
    pub(super) fn pairs(&self) -> Result<[Vec<Pair>; 4], AdvisoryError> {
        let scores = self.scores.iter().map(|(key, scores)| (key.to_vec(), columns(scores)));
        Ok([texts(&self.exploited)?, encoded(scores)?, texts(&self.lifecycles)?, texts(&self.repositories)?])
    }
}

fn columns(scores: &BTreeMap<u16, Score>) -> Scores {
    Scores {
        numbers: scores.keys().copied().collect(),
        probabilities: scores.values().map(|score| score.probability).collect(),
        percentiles: scores.values().map(|score| score.percentile).collect(),
    }
}

fn texts<T: Serialize>(map: &BTreeMap<String, T>) -> Result<Vec<Pair>, AdvisoryError> {
    encoded(map.iter().map(|(key, value)| (key.as_bytes().to_vec(), value)))
}

fn encoded<T: Serialize>(pairs: impl Iterator<Item = (Vec<u8>, T)>) -> Result<Vec<Pair>, AdvisoryError> {
    pairs.map(|(key, value)| Ok((key, postcard::to_allocvec(&value).map_err(AdvisoryError::Encode)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cve_has_its_place() {
        assert_eq!(score_key("CVE-1999-0001"), Some(([7, 207, 0, 0, 0, 0], 1)));
        assert_eq!(score_key("CVE-2024-123456"), Some(([7, 232, 0, 0, 0, 123], 456)));
        assert_eq!((score_key("CVE-2024-99999999999999999999"), score_key("GHSA-1")), (None, None));
    }
}
