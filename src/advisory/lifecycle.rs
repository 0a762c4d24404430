//! End-of-life dates of distributions and runtimes, as endoflife.date collects them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::exploitation::date;

/// One product and its release cycles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifecycle {
    /// endoflife.date's name, `debian`, `nodejs`.
    pub product: String,
    /// Package URLs and CPEs that stand for the product, sorted.
    pub identifiers: Vec<String>,
    /// Its cycles, newest first as the source lists them.
    pub cycles: Vec<Cycle>,
}

/// One release cycle: `12`, `22.04`, `3.12`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cycle {
    /// Its name, as versions begin.
    pub name: String,
    /// First release, in days since 1970-01-01.
    pub released: Option<i32>,
    /// Whether it has long-term support.
    pub long_term: bool,
    /// End of active support: from then on only security fixes.
    pub active: End,
    /// End of security support: the end of life.
    pub security: End,
    /// End of support that must be paid for or asked for (Ubuntu Pro, Debian LTS).
    pub extended: End,
}

/// When something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum End {
    /// The source does not say.
    #[default]
    Unstated,
    /// No end is announced.
    Open,
    /// It has ended, on a day that is not known.
    Ended,
    /// On this day, in days since 1970-01-01.
    On(i32),
}

impl End {
    /// Whether it is over at a date; `None` where the source does not say.
    #[must_use]
    pub fn is_over(self, at: Date) -> Option<bool> {
        match self {
            Self::Unstated => None,
            Self::Open => Some(false),
            Self::Ended => Some(true),
            Self::On(day) => date(day).map(|end| end <= at),
        }
    }
}

impl Lifecycle {
    /// The cycle that a version belongs to: the longest name that is the version or is followed by `.` in it.
    #[must_use]
    pub fn cycle(&self, version: &str) -> Option<&Cycle> {
        let fits = |cycle: &&Cycle| {
            version
                .strip_prefix(cycle.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        self.cycles.iter().filter(fits).max_by_key(|cycle| cycle.name.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_belong_to_the_longest_cycle() {
        let cycle = |name: &str| Cycle { name: name.to_owned(), ..Cycle::default() };
        let python = Lifecycle { cycles: vec![cycle("3.12"), cycle("3.1"), cycle("3")], ..Lifecycle::default() };
        let name = |version: &str| python.cycle(version).map(|cycle| cycle.name.as_str());
        assert_eq!(
            (name("3.12.4"), name("3.1"), name("3.11.2"), name("4.0")),
            (Some("3.12"), Some("3.1"), Some("3"), None)
        );
    }

    #[test]
    fn an_end_is_over_from_its_day_on() {
        let at = jiff::civil::date(1970, 1, 11);
        assert_eq!(End::On(10).is_over(at), Some(true));
        assert_eq!(End::On(11).is_over(at), Some(false));
        assert_eq!(
            (End::Open.is_over(at), End::Ended.is_over(at), End::Unstated.is_over(at)),
            (Some(false), Some(true), None)
        );
    }
}
