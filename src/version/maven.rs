//! Maven's order, as `ComparableVersion` of Maven 3.9 has it.
//!
//! A version is a list of numbers and qualifiers. `-`, and every change between digits and letters, opens a list inside of the current one, as its last item; so a version
//! is a chain of lists. Nulls (`0`, `ga`, `final`, `release`) at the end of a list do not count.
//!
//! Source: Maven's POM reference, "Version Order Specification"; `org.apache.maven.artifact.versioning.ComparableVersion` 3.9.9.

use std::cmp::Ordering;

use super::{Scheme, VersionError, digits};

pub(super) static SCHEME: Scheme = Scheme { name: "maven", ecosystems: &["Maven"], order };

/// Qualifiers that have a place; others come after them, in the order of their letters.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

/// Place of a version without a qualifier.
const RELEASE: usize = 5;

fn order(left: &str, right: &str) -> Result<Ordering, VersionError> {
    let (left, right) = (left.trim().to_lowercase(), right.trim().to_lowercase());
    Ok(compare(&parse(&left), &parse(&right)))
}

/// What stands between two separators.
#[derive(Clone, Copy, Debug)]
enum Atom<'a> {
    Number(&'a [u8]),
    /// Its place among [`QUALIFIERS`], then its letters if it has none.
    Qualifier(usize, &'a str),
}

impl<'a> Atom<'a> {
    fn number(text: &'a str) -> Self {
        Self::Number(text.as_bytes())
    }

    fn qualifier(text: &'a str, before_digit: bool) -> Self {
        let long = match text {
            "a" if before_digit => "alpha",
            "b" if before_digit => "beta",
            "m" if before_digit => "milestone",
            "ga" | "final" | "release" => "",
            "cr" => "rc",
            other => other,
        };
        match QUALIFIERS.iter().position(|known| *known == long) {
            Some(place) => Self::Qualifier(place, ""),
            None => Self::Qualifier(QUALIFIERS.len(), long),
        }
    }

    /// Where it stands to nothing at all: `1-rc` is below `1`, `1.0` equals it.
    fn to_nothing(self) -> Ordering {
        match self {
            Self::Number(number) => digits::compare(number, b""),
            Self::Qualifier(place, _) => place.cmp(&RELEASE),
        }
    }

    fn to_atom(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => digits::compare(a, b),
            (Self::Number(_), Self::Qualifier(..)) => Ordering::Greater,
            (Self::Qualifier(..), Self::Number(_)) => Ordering::Less,
            (Self::Qualifier(a, x), Self::Qualifier(b, y)) => a.cmp(&b).then_with(|| x.cmp(y)),
        }
    }

    /// Where it stands to a list: between qualifiers and numbers.
    fn to_list(self) -> Ordering {
        match self {
            Self::Number(_) => Ordering::Greater,
            Self::Qualifier(..) => Ordering::Less,
        }
    }
}

/// The chain of lists while it is read.
#[derive(Default)]
struct Chain<'a> {
    lists: Vec<Vec<Atom<'a>>>,
}

impl<'a> Chain<'a> {
    fn push(&mut self, atom: Atom<'a>) {
        match self.lists.last_mut() {
            Some(list) => list.push(atom),
            None => self.lists.push(vec![atom]),
        }
    }

    fn descend(&mut self) {
        if self.lists.is_empty() {
            self.lists.push(Vec::new());
        }
        self.lists.push(Vec::new());
    }

    /// A qualifier stands in a list of its own, whatever separates it: `1.0.x` is `1.0-x`.
    fn descend_for_qualifier(&mut self) {
        if self.lists.last().is_some_and(|list| !list.is_empty()) {
            self.descend();
        }
    }

    /// Without the nulls at the end of each list.
    fn normalized(mut self) -> Vec<Vec<Atom<'a>>> {
        for list in &mut self.lists {
            while list.last().is_some_and(|atom| atom.to_nothing().is_eq()) {
                list.pop();
            }
        }
        while self.lists.last().is_some_and(Vec::is_empty) {
            self.lists.pop();
        }
        self.lists
    }
}

fn parse(version: &str) -> Vec<Vec<Atom<'_>>> {
    let mut chain = Chain::default();
    let (mut rest, mut start_of_item) = (version, true);
    while let Some(first) = rest.chars().next() {
        if matches!(first, '.' | '-') {
            if start_of_item {
                chain.push(Atom::number(""));
            }
            if first == '-' {
                chain.descend();
            }
            (rest, start_of_item) = (rest.get(1..).unwrap_or_default(), true);
            continue;
        }
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| matches!(c, '.' | '-') || c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (item, after) = rest.split_at(end);
        let next = after.chars().next();
        if is_number {
            chain.push(Atom::number(item));
            if next.is_some_and(|c| !matches!(c, '.' | '-')) {
                chain.descend();
            }
        } else {
            let before_digit = next.is_some_and(|c| c.is_ascii_digit());
            if before_digit || next.is_none() {
                chain.descend_for_qualifier();
            }
            chain.push(Atom::qualifier(item, before_digit));
            if before_digit {
                chain.descend();
            }
        }
        (rest, start_of_item) = (after, false);
    }
    chain.normalized()
}

/// What stands at one place of a list.
enum Item<'c, 'a> {
    Atom(Atom<'a>),
    /// The list inside, with those that are inside of it.
    List(&'c [Vec<Atom<'a>>]),
    Nothing,
}

fn item<'c, 'a>(chain: &'c [Vec<Atom<'a>>], depth: usize, at: usize) -> Item<'c, 'a> {
    let list = chain.get(depth).map(Vec::as_slice).unwrap_or_default();
    match (list.get(at), chain.get(depth + 1..)) {
        (Some(atom), _) => Item::Atom(*atom),
        (None, Some(inside)) if at == list.len() && !inside.is_empty() => Item::List(inside),
        _ => Item::Nothing,
    }
}

fn compare(left: &[Vec<Atom<'_>>], right: &[Vec<Atom<'_>>]) -> Ordering {
    let (mut depth, mut at) = (0, 0);
    loop {
        let order = match (item(left, depth, at), item(right, depth, at)) {
            (Item::Nothing, Item::Nothing) => return Ordering::Equal,
            (Item::List(_), Item::List(_)) => {
                (depth, at) = (depth + 1, 0);
                continue;
            }
            (Item::Atom(a), Item::Atom(b)) => a.to_atom(b),
            (Item::Atom(a), Item::List(_)) => a.to_list(),
            (Item::List(_), Item::Atom(b)) => b.to_list().reverse(),
            (Item::Atom(a), Item::Nothing) => a.to_nothing(),
            (Item::Nothing, Item::Atom(b)) => b.to_nothing().reverse(),
            (Item::List(a), Item::Nothing) => to_nothing(a),
            (Item::Nothing, Item::List(b)) => to_nothing(b).reverse(),
        };
        if order != Ordering::Equal {
            return order;
        }
        at += 1;
    }
}

/// Where a chain stands to nothing: its first item that is not null decides.
fn to_nothing(chain: &[Vec<Atom<'_>>]) -> Ordering {
    chain.iter().flatten().map(|atom| atom.to_nothing()).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
