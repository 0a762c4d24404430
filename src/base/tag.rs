//! Tags as releases: which tags are of one line, and in which order.
//!
//! Registries know no order of tags, so it is read out of their names: `12.5` and `12.7` are of one line, `3.18.4-slim` and `3.18.6-slim` of another, and `bookworm-20240110` is one of a line of
//! days. A tag without a number (`bookworm`, `latest`), or with fewer numbers than others of its kind (`12` beside `12.5`), is one that moves.

use super::catalogue::Repository;

/// Digits of a day, `20240110`.
const DAY_DIGITS: usize = 8;

/// Longest number, in digits, so that it fits 64 bits.
const MAX_DIGITS: usize = 18;

/// A tag with a version in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version's numbers.
    pub numbers: Vec<u64>,
    /// The version as it is written, with what only a finer one has after it: `12.`.
    finer: String,
    /// Whether the first of them is a day.
    is_day: bool,
    /// The tag's other parts, and where the version stands among them.
    around: (usize, Vec<String>),
}

impl Release {
    /// The release that a tag names; none where it has no number.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let mut around: Vec<String> = tag.split('-').map(str::to_owned).collect();
        let (at, numbers) = around.iter().enumerate().find_map(|(at, part)| Some((at, numbers(part)?)))?;
        let first = around.remove(at);
        let is_day = first.split('.').next().is_some_and(|first| first.len() == DAY_DIGITS);
        Some(Self { numbers, finer: format!("{first}."), is_day, around: (at, around) })
    }

    /// Whether two releases are of one line: `3.18.4` and `3.18.6` are, `3.18.4` and `3.19.0` are not.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        let kept = match (self.is_day, self.numbers.len()) {
            (true, _) => 0,
            (false, 0..=2) => 1,
            (false, _) => 2,
        };
        self.around == other.around
            && self.is_day == other.is_day
            && self.numbers.len() == other.numbers.len()
            && self.numbers.get(..kept) == other.numbers.get(..kept)
    }

    /// Whether it stands for whatever is the newest of its numbers: `12` beside `12.5`.
    #[must_use]
    pub fn moves(&self, repository: &Repository) -> bool {
        if self.is_day {
            return false;
        }
        let finer = |tag: &str| {
            Self::of(tag).is_some_and(|other| self.around == other.around && other.numbers.starts_with(&self.numbers))
        };
        // Repositories have thousands of tags, and hardly one is looked at.
        self.numbers.len() == 1 || repository.tags.keys().any(|tag| tag.contains(&self.finer) && finer(tag))
    }
}

/// `12`, `3.18.4` and `v1.2` as numbers.
fn numbers(part: &str) -> Option<Vec<u64>> {
    let part = part.strip_prefix('v').unwrap_or(part);
    let number = |text: &str| text.parse().ok().filter(|_| text.len() <= MAX_DIGITS && !text.starts_with('+'));
    part.split('.').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(tag: &str) -> Release {
        Release::of(tag).unwrap()
    }

    #[test]
    fn lines() {
        for (one, other, expected) in [
            ("12.5", "12.7", true),
            ("12.5", "13.0", false),
            ("3.18.4", "3.18.6", true),
            ("3.18.4", "3.19.1", false),
            ("12.5-slim", "12.7-slim", true),
            ("12.5-slim", "12.7", false),
            ("3.12.1-slim-bookworm", "3.12.9-slim-bookworm", true),
            ("3.12.1-alpine3.18", "3.12.9-alpine3.19", false),
            ("bookworm-20240110", "bookworm-20250101", true),
            ("bookworm-20240110-slim", "bookworm-20250101", false),
            ("jammy-20240110.1", "jammy-20250101.2", true),
            ("v1.2.3", "v1.2.4", true),
        ] {
            assert_eq!(release(one).is_beside(&release(other)), expected, "{one} {other}");
            assert_eq!(release(other).is_beside(&release(one)), expected, "{other} {one}");
        }
        for tag in ["latest", "bookworm", "slim", "1.x", "a-b", "99999999999999999999", "", "-", "1..2", "+1"] {
            assert_eq!(Release::of(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_tag_moves_where_finer_ones_are() {
        let with = |tags: &[&str]| Repository {
            tags: tags.iter().map(|tag| ((*tag).to_owned(), Vec::new())).collect(),
            ..Repository::default()
        };
        assert!(release("12").moves(&with(&[])), "nobody numbers releases so without ever building one again");
        assert!(release("3.12").moves(&with(&["3.12.4"])));
        assert!(!release("3.12").moves(&with(&["3.13.4", "3.12.4-slim"])));
        assert!(!release("12.5").moves(&with(&["12.5", "12", "12.7"])));
        assert!(!release("bookworm-20240110").moves(&with(&[])));
    }
}
