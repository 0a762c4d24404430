//! Who signed without a key of their own: the identity and issuer of a certificate, and what the certificate says of the workflow.

use std::fmt;

use regex_automata::meta::Regex;
use serde::Deserialize;

/// A text that is given exactly or as a regular expression over the whole of it.
#[derive(Clone)]
pub enum Matcher {
    /// This text.
    Exact(String),
    /// Texts that the expression matches from their beginning to their end.
    Pattern(String, Box<Regex>),
}

/// Most bytes of an expression's program; RE2 and Go bound theirs likewise.
const MAX_PATTERN_BYTES: usize = 1 << 20;

impl Matcher {
    /// An expression of RE2's syntax. It must match the whole text: cosign's need not, so that `https://github.com/org/` there also takes `https://evil.example/?https://github.com/org/`.
    ///
    /// # Errors
    /// When it is no expression.
    pub fn pattern(text: &str) -> Result<Self, String> {
        let config = Regex::config().nfa_size_limit(Some(MAX_PATTERN_BYTES));
        let whole = format!(r"\A(?:{text})\z");
        // Alone first: what is wrong must not be hidden, or changed, by what is put around it.
        regex_syntax::parse(text).map_err(|error| error.to_string())?;
        let regex = Regex::builder().configure(config).build(&whole).map_err(|error| error.to_string())?;
        Ok(Self::Pattern(text.to_owned(), Box::new(regex)))
    }

    /// Whether `text` is what is meant.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Pattern(_, regex) => regex.is_match(text),
        }
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "`{text}`"),
            Self::Pattern(text, _) => write!(f, "/{text}/"),
        }
    }
}

/// Who may sign: an identity that an issuer vouches for. One without the other means nothing: anybody can run an issuer that vouches for any name.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate's subject alternative name.
    pub name: Matcher,
    /// The OpenID Connect issuer.
    pub issuer: Matcher,
    /// What the certificate must say of the workflow.
    pub workflow: Workflow,
}

/// A workflow of GitHub Actions, as a certificate names it or as it is demanded. What is not set may be anything.
///
/// Source: `sigstore/fulcio` `docs/oid-info.md`, 1.3.6.1.4.1.57264.1.2 to .6.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// What triggered it, such as `push`.
    #[serde(default)]
    pub trigger: Option<String>,
    /// The commit it ran on.
    #[serde(default)]
    pub sha: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// The repository, `owner/name`.
    #[serde(default)]
    pub repository: Option<String>,
    /// The git reference it ran on, such as `refs/heads/main`.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
}

impl Workflow {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first part in which a certificate's workflow is not the one that is demanded: its name, what is demanded, and what the certificate has.
    #[must_use]
    pub fn differs<'w>(&'w self, found: &'w Self) -> Option<(&'static str, &'w str, Option<&'w str>)> {
        let parts = [
            ("trigger", &self.trigger, &found.trigger),
            ("sha", &self.sha, &found.sha),
            ("name", &self.name, &found.name),
            ("repository", &self.repository, &found.repository),
            ("ref", &self.reference, &found.reference),
        ];
        parts.into_iter().find_map(|(name, wanted, found)| {
            let wanted = wanted.as_deref().filter(|wanted| found.as_deref() != Some(*wanted))?;
            Some((name, wanted, found.as_deref()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_the_whole_text() {
        let matcher = Matcher::pattern("https://github.com/org/.*|me@example[.]com").unwrap();
        assert!(matcher.matches("https://github.com/org/app/.github/workflows/a.yml@refs/heads/main"));
        assert!(matcher.matches("me@example.com"));
        for other in [
            "https://evil.example/?https://github.com/org/x",
            "me@example.com.evil",
            "me@example.com\n",
            "xme@example.com",
        ] {
            assert!(!matcher.matches(other), "{other}");
        }
        assert!(!Matcher::pattern("a").unwrap().matches(""));
        for bad in ["(", "a)|(b", "[", r"(?P<x"] {
            assert!(Matcher::pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn exact_texts_are_no_patterns() {
        assert!(!Matcher::Exact("a.c".into()).matches("abc"));
        assert!(Matcher::Exact("a.c".into()).matches("a.c"));
    }
}
