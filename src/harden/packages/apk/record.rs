//! Records of one letter and a value a line: apk's list of installed packages and its index.
//!
//! Source: apk-package(5); apk-tools 2.14 `src/package.c` (`apk_pkg_write_index_header`) and `src/database.c` (`apk_db_fdb_write`).

use std::cmp::Ordering;

use super::super::relation::{Member, Operator, Order, Relation};
use crate::inspect::control::lines;
use crate::version;

/// Most names of one field.
const MAX_NAMES: usize = 10_000;

/// One record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Record {
    /// Letters and values, in order.
    lines: Vec<(u8, String)>,
}

/// Where `left` stands to `right` in apk's order.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    version::by_name("apk")?.compare(left, right).ok()
}

impl Record {
    /// From its lines; none when one is not `letter:value`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let parsed = lines(text.as_bytes()).map(|line| match line {
            [letter, b':', value @ ..] => Some((*letter, std::str::from_utf8(value).ok()?.to_owned())),
            _ => None,
        });
        Some(Self { lines: parsed.collect::<Option<_>>()? })
    }

    pub(super) fn push(&mut self, letter: u8, value: impl Into<String>) {
        self.lines.push((letter, value.into()));
    }

    /// The first value of a letter, empty where there is none.
    pub(super) fn get(&self, letter: u8) -> &str {
        self.lines.iter().find(|(other, _)| *other == letter).map_or("", |(_, value)| value)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (u8, &str)> {
        self.lines.iter().map(|(letter, value)| (*letter, value.as_str()))
    }

    /// As it is written, without an empty line behind it.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (letter, value) in &self.lines {
            text.extend_from_slice(&[*letter, b':']);
            text.extend_from_slice(value.as_bytes());
            text.push(b'\n');
        }
        text
    }

    /// What it says of itself and of others; none when a field cannot be read.
    pub(super) fn member(&self) -> Option<Member> {
        let (mut needs, mut excludes) = (Vec::new(), Vec::new());
        for word in self.get(b'D').split_ascii_whitespace().take(MAX_NAMES) {
            match word.strip_prefix('!') {
                Some(other) => excludes.push((relation(other)?, format!("conflicts with {other}"))),
                None => needs.push((vec![relation(word)?], word.to_owned())),
            }
        }
        let provides = self.get(b'p').split_ascii_whitespace().take(MAX_NAMES).map(relation).collect::<Option<_>>()?;
        let (name, version) = (self.get(b'P').to_owned(), self.get(b'V').to_owned());
        if name.is_empty() || version.is_empty() {
            return None;
        }
        let arch = self.get(b'A').to_owned();
        Some(Member { name, arch, version, multi_arch: String::new(), provides, needs, excludes, order: ORDER })
    }
}

const ORDER: Order = compare;

/// `name`, `name>=1.2`, `so:libx.so.1=1`, with `@tag` behind it at times.
pub(super) fn relation(text: &str) -> Option<Relation> {
    let text = text.split('@').next().unwrap_or_default();
    let at = text.find(['<', '>', '=', '~']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(at)?;
    let version = rest.trim_start_matches(['<', '>', '=', '~']);
    let operator = match rest.strip_suffix(version)? {
        "" => None,
        "<" => Some(Operator::Earlier),
        "<=" => Some(Operator::EarlierOrEqual),
        "=" | "==" => Some(Operator::Equal),
        ">=" => Some(Operator::LaterOrEqual),
        ">" => Some(Operator::Later),
        "~" | "=~" | "~=" => Some(Operator::Begins),
        _ => return None,
    };
    let version = operator.map(|operator| (operator, version.to_owned()));
    (!name.is_empty()).then(|| Relation { name: name.to_owned(), qualifier: None, version })
}
