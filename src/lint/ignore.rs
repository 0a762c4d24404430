//! Comments that set problems aside: ours and hadolint's.
//!
//! ```dockerfile
//! # imgguard ignore=apt-get-unpinned reason="the base is pinned by digest" expires=2027-03-01
//! # hadolint ignore=DL3008,DL3015
//! # hadolint global ignore=DL3003
//! ```
//!
//! A comment counts for the instruction after it, with `global` for the whole file. Ours must say why; one without a reason, or past its day, counts for nothing, and
//! that is told. hadolint's know neither.

use std::ops::Range;

use jiff::civil::Date;

use super::{Meta, Problem};
use crate::finding::SetAside;

/// One such comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// Ids, ours or aliases.
    pub rules: Vec<String>,
    /// What it counts for.
    pub scope: Range<usize>,
    /// `imgguard` or `hadolint`.
    pub tool: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// Last day.
    pub expires: Option<String>,
    /// Where the comment stands.
    pub span: Range<usize>,
}

/// Reads a comment; `scope` is what it counts for if it does not say `global`.
#[must_use]
pub fn parse(text: &str, span: &Range<usize>, scope: Range<usize>) -> Option<Ignore> {
    let (tool, rest) = [("imgguard", "imgguard"), ("hadolint", "hadolint")].iter().find_map(|(tool, prefix)| {
        let rest = text.strip_prefix(prefix)?;
        rest.starts_with([' ', '\t', ':']).then(|| (*tool, rest.trim_start_matches([' ', '\t', ':'])))
    })?;
    let (is_global, rest) = rest.strip_prefix("global").map_or((false, rest), |rest| (true, rest.trim_start()));
    let list = rest.strip_prefix("ignore")?.trim_start().strip_prefix('=')?.trim_start();
    let (mut rules, mut rest) = (Vec::new(), list);
    loop {
        let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rules.extend(Some(name.to_owned()).filter(|name| !name.is_empty()));
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break rest = after,
        }
    }
    let scope = if is_global { 0..usize::MAX } else { scope };
    let (reason, expires) = (setting(rest, "reason"), setting(rest, "expires"));
    (!rules.is_empty()).then(|| Ignore { rules, scope, tool, reason, expires, span: span.clone() })
}

/// The value of `name=value` or `name="some value"`.
fn setting(text: &str, name: &str) -> Option<String> {
    let start = text.match_indices(name).map(|(at, _)| at).find(|at| {
        text.get(at + name.len()..).is_some_and(|rest| rest.starts_with('='))
            && text.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    })?;
    let value = text.get(start + name.len() + 1..)?;
    let quoted = value.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(value, _)| value);
    let value = quoted.unwrap_or_else(|| value.split_whitespace().next().unwrap_or_default());
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

impl Ignore {
    /// Why it counts for nothing on a day, if it does.
    #[must_use]
    pub fn defect(&self, today: Date) -> Option<String> {
        if self.tool == "imgguard" && self.reason.is_none() {
            return Some("it has no reason=\"…\"".to_owned());
        }
        match self.expires.as_deref().map(str::parse::<Date>) {
            Some(Err(_)) => Some("its expires= is no date of the form 2027-03-01".to_owned()),
            Some(Ok(day)) if day < today => Some(format!("it expired on {day}")),
            _ => None,
        }
    }

    /// Whether it is about a problem.
    #[must_use]
    pub fn covers(&self, meta: &Meta, at: usize) -> bool {
        self.scope.contains(&at) && self.rules.iter().any(|name| meta.is_named(name))
    }

    /// Whether it sets a problem aside on a day.
    #[must_use]
    pub fn sets_aside(&self, problem: &Problem, today: Date) -> bool {
        self.covers(problem.meta, problem.span.start) && self.defect(today).is_none()
    }

    /// What it says of a finding.
    #[must_use]
    pub fn decision(&self) -> SetAside {
        SetAside {
            state: "suppressed",
            by: format!("a {} comment in the file", self.tool),
            reason: self.reason.clone().unwrap_or_else(|| "it gives no reason".to_owned()),
            expires: self.expires.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_both_tools_are_read() {
        let read = |text: &str| parse(text, &(0..1), 5..9);
        let ours = read("imgguard ignore=a-b, c reason=\"x y\" expires=2027-01-02").unwrap();
        assert_eq!(
            (ours.rules.join("|"), ours.reason.as_deref(), ours.scope.clone()),
            ("a-b|c".into(), Some("x y"), 5..9)
        );
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!((ours.defect(day("2027-01-02")), ours.defect(day("2027-01-03")).is_some()), (None, true));
        let theirs = read("hadolint ignore=DL3008,DL3015").unwrap();
        assert_eq!((theirs.rules.len(), theirs.defect(day("2027-01-02"))), (2, None));
        assert_eq!(read("hadolint global ignore=DL3008").unwrap().scope.end, usize::MAX);
        assert!(read("imgguard: ignore = a").unwrap().defect(day("2027-01-02")).is_some(), "no reason");
        assert_eq!(
            (read("hadolinted ignore=x"), read("imgguard ignore="), read("see imgguard ignore=x")),
            (None, None, None)
        );
    }
}
