//! `.gitleaksignore` of a checkout: one fingerprint a line, `file:rule:line` or `commit:file:rule:line`, `#` begins a comment
//! (gitleaks README, ".gitleaksignore"; `detect/utils.go` for the form).
//!
//! The rules must have the same id in both tools; where they have not, the line fits nothing.

use std::collections::BTreeSet;

use crate::finding::{Finding, Kind, Location};

/// Largest such file, in bytes.
pub const MAX_IGNORE_BYTES: u64 = 4 << 20;

/// The fingerprints of a `.gitleaksignore`.
#[derive(Clone, Debug, Default)]
pub struct GitleaksIgnore {
    fingerprints: BTreeSet<String>,
}

impl GitleaksIgnore {
    /// Reads such a file. It has no other form than lines, so there is nothing that could be wrong with it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        // gitleaks takes a backslash as a slash, since some were written on Windows.
        Self { fingerprints: lines.map(|line| line.replace('\\', "/")).collect() }
    }

    /// Whether it names every place of this secret.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        let names = |location: &Location| {
            let Some((path, line, commit)) = location.in_checkout() else { return false };
            let everywhere = format!("{path}:{}:{line}", finding.rule);
            let here = commit.map(|commit| format!("{commit}:{everywhere}"));
            self.fingerprints.contains(&everywhere) || here.is_some_and(|here| self.fingerprints.contains(&here))
        };
        finding.kind == Kind::Secret && !finding.locations.is_empty() && finding.locations.keys().all(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Severity;
    use crate::finding::Commit;

    fn secret(line: u32, commit: Option<&str>) -> Finding {
        let commit = commit.map(|id| Commit { id: id.into(), author: String::new(), date: String::new() });
        let place = match commit {
            Some(commit) => Location::Commit { path: "/a/b.py".into(), line: Some(line), state: "present", commit },
            None => Location::File {
                path: "/a/b.py".into(),
                layer: None,
                layer_index: None,
                line: Some(line),
                state: "present",
                instruction: None,
            },
        };
        Finding::new(Kind::Secret, "github-pat", Severity::High, "", "x").at(place)
    }

    #[test]
    fn fingerprints_of_both_forms_count() {
        let ignore = GitleaksIgnore::parse("# known\n\na/b.py:github-pat:3\r\nc0ffee:a\\b.py:github-pat:7\n");
        assert!(ignore.covers(&secret(3, None)));
        assert!(ignore.covers(&secret(3, Some("c0ffee"))), "without a commit it counts for all");
        assert!(ignore.covers(&secret(7, Some("c0ffee"))));
        assert!(!ignore.covers(&secret(7, Some("beef"))));
        assert!(!ignore.covers(&secret(7, None)));
        assert!(!ignore.covers(&secret(4, None)));
        let twice = secret(3, None).at(Location::Config("env:A".into()));
        assert!(!ignore.covers(&twice), "a place that it does not name is told");
    }
}
