//! One rule: what it says of itself, and what runs.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::RuleError;
use super::allow::{Allowlist, Seen};
use super::needed::Needed;
use super::pattern::Pattern;
use super::user::Shared;
use crate::facts::Confidence;
use crate::secret::engine::literals::{Literal, MAX_LITERAL, MIN_LITERAL};
use crate::secret::engine::window::Compiled;
use crate::secret::validate::{self, Validator};

/// Bytes that may stand before a token whose literal has only three bytes; they are made part of the literal.
const OUTER_LEADS: &[u8] = b"\n\r\t \"'`=:,;(<>[/\\|\0";

/// The same for a literal that stands within a token (or behind a URL's scheme).
const INNER_LEADS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_~.-";

/// What finds a rule's secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::secret) enum Detector {
    /// PEM, OpenPGP and PuTTY private keys; in clear.
    PrivateKey,
    /// The same with a passphrase.
    EncryptedKey,
    /// A password in a URL.
    Url,
    /// A value behind a name, in settings.
    Assignment,
    /// A credential file's parser.
    File,
}

/// What a report says of a rule, and its examples.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleInfo {
    /// Stable id.
    pub id: String,
    /// What was found, in a few words.
    #[serde(rename = "description")]
    pub title: String,
    /// `critical`, `high`, `medium` or `low`.
    #[serde(default = "high")]
    pub severity: String,
    /// What to do, beyond [`REMEDIATION`](super::REMEDIATION).
    #[serde(default)]
    pub remediation: String,
    /// Where the provider lets one revoke or rotate it.
    #[serde(default)]
    pub rotation: String,
    /// The document that describes the format.
    #[serde(default)]
    pub source: String,
    /// Also looked for in binaries.
    #[serde(default)]
    pub binary: bool,
    /// Templates of texts in which the rule finds one secret; never a whole token, so that no scanner takes them for one. `{base62:36}`
    /// stands for so many characters of an alphabet, `{jwt}` and the like for what has a structure or a checksum; `tests/secrets/template.rs`
    /// lists and fills them.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Templates of texts in which it finds none.
    #[serde(default)]
    pub counter_examples: Vec<String>,
    #[serde(default = "medium")]
    pub(super) confidence: Confidence,
    #[serde(default)]
    pub(super) fingerprint: bool,
    #[serde(default)]
    pub(in crate::secret) regex: Option<String>,
    #[serde(default)]
    pub(super) detector: Option<Detector>,
    #[serde(default, rename = "secretGroup")]
    pub(super) secret_group: usize,
    #[serde(default)]
    pub(super) entropy: Option<f64>,
    #[serde(default)]
    pub(in crate::secret) keywords: Vec<String>,
    #[serde(default)]
    pub(super) path: Option<Pattern>,
    #[serde(default, rename = "tags")]
    pub(super) _tags: Vec<String>,
    #[serde(default)]
    pub(super) validator: Option<String>,
    #[serde(default)]
    pub(super) allowlists: Vec<Allowlist>,
}

impl RuleInfo {
    /// How sure it is by itself; a checksum or a placeholder changes that.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// A file in which its examples are found: some rules are about settings alone.
    #[must_use]
    pub fn example_path(&self) -> &'static str {
        if self.detector == Some(Detector::Assignment) { "srv/app.conf" } else { "srv/notes.txt" }
    }

    /// What surrounds a value makes it a secret, not its own form: a name before it, a URL around it.
    #[must_use]
    pub fn goes_by_context(&self) -> bool {
        self.secret_group > 0 || self.detector == Some(Detector::Url)
    }
}

fn high() -> String {
    "high".to_owned()
}

fn medium() -> Confidence {
    Confidence::Medium
}

/// What a rule of a user's file has besides.
#[derive(Debug, Default)]
pub(super) struct Custom {
    /// The literals that lead to its matches; none if the regex has to look at everything.
    pub(super) literals: Vec<Needed>,
    /// Words of which one must stand near a match, where the match itself does not hold one.
    pub(super) context: Vec<String>,
    /// Other rules that must have found something near it.
    pub(super) required: Vec<Requirement>,
    /// It only serves other rules.
    pub(super) is_part: bool,
    /// Where it says that others know better (Betterleaks' `specificity` below 100).
    pub(super) is_vague: bool,
}

/// What must be found near a match (gitleaks' `[[rules.required]]`).
#[derive(Clone, Debug)]
pub(in crate::secret) struct Requirement {
    /// Id of the other rule.
    pub(in crate::secret) rule: String,
    /// Furthest number of lines between the beginnings of both.
    pub(in crate::secret) lines: Option<u32>,
    /// The same of columns.
    pub(in crate::secret) columns: Option<u32>,
}

/// A rule that can be run.
#[derive(Debug)]
pub(in crate::secret) struct Rule {
    /// What a report says of it.
    pub(in crate::secret) info: RuleInfo,
    /// Its validator.
    pub(in crate::secret) validator: Option<Validator>,
    compiled: OnceLock<Option<Compiled>>,
    custom: Option<Custom>,
    /// Allowlists that it has in common with others.
    shared: Vec<Arc<Allowlist>>,
}

impl Rule {
    /// A shipped rule.
    pub(super) fn shipped(info: RuleInfo) -> Result<Self, RuleError> {
        let rule = || info.id.clone();
        if info.regex.is_some() == info.detector.is_some() {
            return Err(RuleError::Matcher { rule: rule() });
        }
        let sized = |keyword: &String| (3..=MAX_LITERAL).contains(&keyword.len());
        if !info.keywords.iter().all(sized) || (info.keywords.is_empty() && info.regex.is_some()) {
            return Err(RuleError::Keyword { rule: rule() });
        }
        let unknown = |name: &String| RuleError::Validator { rule: rule(), validator: name.clone() };
        let find = |name: &String| validate::by_name(name).ok_or_else(|| unknown(name));
        let validator = info.validator.as_ref().map(find).transpose()?;
        Ok(Self { info, validator, compiled: OnceLock::new(), custom: None, shared: Vec::new() })
    }

    /// A rule of a user's file, compiled already; without a regex it is about files of a name.
    pub(super) fn of_user(
        info: RuleInfo,
        validator: Option<Validator>,
        compiled: Option<Compiled>,
        custom: Custom,
    ) -> Self {
        Self { info, validator, compiled: OnceLock::from(compiled), custom: Some(custom), shared: Vec::new() }
    }

    /// Its regex, compiled when first needed; none for a detector.
    pub(in crate::secret) fn compiled(&self) -> Option<&Compiled> {
        let compile = || self.info.regex.as_ref().and_then(|regex| Compiled::new(regex, &self.info.keywords));
        self.compiled.get_or_init(compile).as_ref()
    }

    /// What finds it, where that is no regex.
    pub(in crate::secret) fn detector(&self) -> Option<Detector> {
        self.info.detector
    }

    /// The group of its regex that holds the secret; 0 is the whole match.
    pub(in crate::secret) fn secret_group(&self) -> usize {
        self.info.secret_group
    }

    /// How sure it is by itself.
    pub(in crate::secret) fn confidence(&self) -> Confidence {
        self.info.confidence
    }

    /// A hash of its secrets tells nothing about them.
    pub(in crate::secret) fn has_fingerprint(&self) -> bool {
        self.info.fingerprint
    }

    /// Least Shannon entropy of a secret, bits per byte.
    pub(in crate::secret) fn entropy(&self) -> Option<f64> {
        self.info.entropy
    }

    /// A user wrote it. What may stand beside a match is then the regex's own business.
    pub(in crate::secret) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// No literal leads to its matches: its regex looks at all of a file.
    pub(in crate::secret) fn looks_everywhere(&self) -> bool {
        self.custom.as_ref().is_some_and(|custom| custom.literals.is_empty()) && self.compiled().is_some()
    }

    /// It is about files of a name, whatever is in them; only users have such rules.
    pub(in crate::secret) fn is_of_files(&self) -> bool {
        self.custom.is_some() && self.info.regex.is_none() && self.info.detector.is_none()
    }

    /// It finds whole files, by their names.
    pub(in crate::secret) fn finds_file(&self, path: &[u8]) -> bool {
        self.is_of_files()
            && self.info.path.as_ref().is_some_and(|pattern| pattern.is_match(path))
            && self.admits(&Seen::file(path))
    }

    /// It only serves other rules, and is not reported.
    pub(in crate::secret) fn is_part(&self) -> bool {
        self.custom.as_ref().is_some_and(|custom| custom.is_part)
    }

    /// What must be found near a match.
    pub(in crate::secret) fn required(&self) -> &[Requirement] {
        self.custom.as_ref().map_or(&[], |custom| &custom.required)
    }

    /// Which of several rules names a text that all of them match; more is better.
    pub(in crate::secret) fn rank(&self) -> u8 {
        match (self.detector(), &self.custom) {
            (Some(Detector::PrivateKey | Detector::EncryptedKey), _) => 5,
            (Some(Detector::Url), _) => 2,
            (Some(Detector::File), _) => 1,
            (Some(Detector::Assignment), _) => 0,
            (None, Some(custom)) => 3 - u8::from(custom.is_vague),
            (None, None) => 3 + u8::from(self.secret_group() == 0),
        }
    }

    /// Its `path`, its allowlists and the words it wants near let this be reported.
    pub(in crate::secret) fn admits(&self, seen: &Seen<'_>) -> bool {
        let in_path = self.info.path.as_ref().is_none_or(|pattern| pattern.is_match(seen.path));
        let near = self.custom.as_ref().is_none_or(|custom| has_word(seen.around, &custom.context));
        let mut lists = self.info.allowlists.iter().chain(self.shared.iter().map(AsRef::as_ref));
        in_path && near && !lists.any(|list| list.allows(seen))
    }

    /// Takes the allowlists that are for it.
    pub(super) fn share(&mut self, lists: &[Shared]) {
        let own = |shared: &&Shared| shared.targets.is_empty() || shared.targets.contains(&self.info.id);
        self.shared.extend(lists.iter().filter(own).map(|shared| shared.list.clone()));
    }

    /// The literals that lead to it. Short ones get every byte that may stand before them.
    pub(super) fn literals(&self, index: u16) -> Vec<Literal> {
        let Some(custom) = &self.custom else { return self.keywords(index).collect() };
        let literal = |needed: &Needed, lead: &[u8]| Literal {
            bytes: [lead, needed.bytes.as_slice()].concat(),
            caseless: needed.caseless,
            rule: index,
            lead: u8::from(!lead.is_empty()),
        };
        let all = |needed: &Needed| match needed.variants() {
            1 => vec![literal(needed, b"")],
            _ => needed.leads().map(|lead| literal(needed, &[lead])).collect(),
        };
        custom.literals.iter().flat_map(all).collect()
    }

    fn keywords(&self, index: u16) -> impl Iterator<Item = Literal> + '_ {
        let caseless = self.detector() == Some(Detector::Assignment)
            || self.info.regex.as_ref().is_some_and(|regex| regex.starts_with("(?i)"));
        self.info.keywords.iter().flat_map(move |keyword| {
            let plain = |lead: &[u8]| Literal {
                bytes: [lead, if caseless { keyword.to_ascii_lowercase() } else { keyword.clone() }.as_bytes()]
                    .concat(),
                caseless,
                rule: index,
                lead: u8::from(!lead.is_empty()),
            };
            if keyword.len() >= MIN_LITERAL {
                return vec![plain(b"")];
            }
            self.leads(keyword).iter().map(|lead| plain(&[*lead])).collect()
        })
    }

    /// What may stand before a short keyword, which depends on whether matches begin with it.
    fn leads(&self, keyword: &str) -> &'static [u8] {
        let begins = |regex: &String| regex.replace('\\', "").starts_with(keyword);
        if self.info.regex.as_ref().is_some_and(begins) { OUTER_LEADS } else { INNER_LEADS }
    }
}

/// Whether one of the words is in a text, in any case; no words are always there.
fn has_word(text: &[u8], words: &[String]) -> bool {
    let lower = if words.is_empty() { Vec::new() } else { text.to_ascii_lowercase() };
    words.is_empty() || words.iter().any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
}
