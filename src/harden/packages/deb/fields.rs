//! What dpkg's fields say about other packages.
//!
//! Source: deb-control(5); Debian Policy 7; the multiarch specification of Ubuntu's wiki, which dpkg follows.

use std::cmp::Ordering;

use super::super::relation::{Member, Operator, Relation};
use super::control::Paragraph;
use crate::version;

/// Most names of one field. The longest of Debian has some 1500 (a metapackage of games).
const MAX_NAMES: usize = 10_000;

/// Where `left` stands to `right` in dpkg's order; none when one is no version.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    version::by_name("deb")?.compare(left, right).ok()
}

fn operator(text: &str) -> Option<Operator> {
    Some(match text {
        "<<" => Operator::Earlier,
        // The bare signs mean this in old packages (deb-control(5)).
        "<=" | "<" => Operator::EarlierOrEqual,
        "=" => Operator::Equal,
        ">=" | ">" => Operator::LaterOrEqual,
        ">>" => Operator::Later,
        _ => return None,
    })
}

/// `libc6:any (>= 2.36)`.
fn relation(text: &str) -> Option<Relation> {
    let text = text.trim();
    let (name, version) = match text.split_once('(') {
        Some((name, rest)) => {
            let rest = rest.trim_end().strip_suffix(')')?.trim();
            let at = rest.find(|c: char| !matches!(c, '<' | '=' | '>'))?;
            let (operator, version) = rest.split_at_checked(at)?;
            (name.trim(), Some((self::operator(operator)?, version.trim().to_owned())))
        }
        None => (text, None),
    };
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier.to_owned())),
        None => (name, None),
    };
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_name.then(|| Relation { name: name.to_owned(), qualifier, version })
}

/// `a | b, c`: all of the list, any of each.
pub(super) fn parse_list(text: &str) -> Option<Vec<Vec<Relation>>> {
    if text.bytes().filter(|byte| matches!(byte, b',' | b'|')).count() > MAX_NAMES {
        return None;
    }
    let groups = text.split(',').filter(|group| !group.trim().is_empty());
    groups.map(|group| group.split('|').map(relation).collect()).collect()
}

/// From its paragraph; the name of a field that cannot be read otherwise.
pub(super) fn member(paragraph: &Paragraph) -> Result<Member, &'static str> {
    let list = |name: &'static str| parse_list(paragraph.text(name)).ok_or(name);
    let provides = list("Provides")?.into_iter().flatten().collect();
    let (mut needs, mut excludes) = (Vec::new(), Vec::new());
    for field in ["Pre-Depends", "Depends"] {
        let texts = paragraph.text(field).split(',').map(str::trim).filter(|text| !text.is_empty());
        needs.extend(list(field)?.into_iter().zip(texts.map(str::to_owned)));
    }
    for field in ["Breaks", "Conflicts"] {
        let verb = if field == "Breaks" { "breaks" } else { "conflicts with" };
        let texts = paragraph.text(field).split(',').map(str::trim).filter(|text| !text.is_empty());
        let relations = list(field)?.into_iter().map(|group| group.into_iter().next());
        excludes.extend(relations.zip(texts).filter_map(|(one, text)| Some((one?, format!("{verb} {text}")))));
    }
    let field = |name| paragraph.text(name).to_owned();
    Ok(Member {
        name: field("Package"),
        arch: field("Architecture"),
        version: field("Version"),
        multi_arch: field("Multi-Arch"),
        provides,
        needs,
        excludes,
        order: compare,
    })
}
