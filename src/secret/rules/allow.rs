//! What a rule should not report: gitleaks' `[[rules.allowlists]]` and `[[allowlists]]`.

use serde::Deserialize;

use super::pattern::Pattern;

/// A match and what is around it.
#[derive(Clone, Copy, Debug)]
pub(in crate::secret) struct Seen<'b> {
    /// The file's path.
    pub(in crate::secret) path: &'b [u8],
    /// The secret.
    pub(in crate::secret) secret: &'b [u8],
    /// The whole match.
    pub(in crate::secret) whole: &'b [u8],
    /// The match with at most [`CONTEXT`] bytes before and after it.
    pub(in crate::secret) around: &'b [u8],
    /// Where the match stands in that.
    pub(in crate::secret) at: usize,
}

/// Bytes before and after a match that are looked at for its line and for words near it.
pub(in crate::secret) const CONTEXT: usize = 1024;

impl<'b> Seen<'b> {
    /// A whole file.
    pub(super) fn file(path: &'b [u8]) -> Self {
        Self { path, secret: b"", whole: b"", around: b"", at: 0 }
    }

    /// The line or lines of the match, as far as they are near.
    fn line(&self) -> &'b [u8] {
        let (before, rest) = self.around.split_at(self.at.min(self.around.len()));
        let from = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let end = self.at + self.whole.len().min(rest.len());
        let after = self.around.get(end..).unwrap_or_default();
        let to = end + memchr::memchr(b'\n', after).unwrap_or(after.len());
        self.around.get(from..to).unwrap_or_default()
    }
}

/// What a rule should not report.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowlist {
    #[serde(default, rename = "description")]
    pub(super) _description: String,
    /// `AND` or `OR` (the default) over the kinds of conditions.
    #[serde(default)]
    pub(super) condition: String,
    #[serde(default)]
    pub(super) paths: Vec<Pattern>,
    #[serde(default)]
    pub(super) regexes: Vec<Pattern>,
    /// What the regexes look at: the `secret` (the default), the whole `match` or its `line`.
    #[serde(default, rename = "regexTarget")]
    pub(super) regex_target: String,
    /// Parts of secrets, in any case.
    #[serde(default)]
    pub(super) stopwords: Vec<String>,
}

impl Allowlist {
    pub(super) fn allows(&self, seen: &Seen<'_>) -> bool {
        let target = match self.regex_target.as_str() {
            "match" => seen.whole,
            "line" => seen.line(),
            _ => seen.secret,
        };
        let lower = seen.secret.to_ascii_lowercase();
        let mut outcomes = Vec::with_capacity(3);
        if !self.paths.is_empty() {
            outcomes.push(self.paths.iter().any(|pattern| pattern.is_match(seen.path)));
        }
        if !self.regexes.is_empty() {
            outcomes.push(self.regexes.iter().any(|pattern| pattern.is_match(target)));
        }
        if !self.stopwords.is_empty() {
            let has = |word: &String| memchr::memmem::find(&lower, word.to_ascii_lowercase().as_bytes()).is_some();
            outcomes.push(self.stopwords.iter().any(has));
        }
        if self.condition.eq_ignore_ascii_case("and") || self.condition == "&&" {
            !outcomes.is_empty() && outcomes.iter().all(|allowed| *allowed)
        } else {
            outcomes.contains(&true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_matchs_own() {
        let around = b"first\nkey = TOKEN # example\nlast";
        let seen = Seen { path: b"", secret: b"TOKEN", whole: b"TOKEN", around, at: 12 };
        assert_eq!(seen.line(), b"key = TOKEN # example");
    }
}
