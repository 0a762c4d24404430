//! The rules: tables in `policies/secrets/*.toml`, compiled into the program.
//!
//! The keys are gitleaks' (`id`, `description`, `regex`, `secretGroup`, `entropy`, `keywords`, `path`, `tags`, `allowlists`; see its README,
//! schema of v8.25) and these: `detector` (instead of a regex), `severity`, `confidence`, `validator`, `binary`, `fingerprint`, `rotation`,
//! `remediation`, `source`, `examples`, `counter_examples`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::engine::literals::{Literal, MAX_LITERAL, MIN_LITERAL};
use super::engine::window::Compiled;
use super::key;
use super::validate::{self, Validator};
use crate::facts::Confidence;

/// Changed by hand when validators, parsers or the engine change what they report.
const ENGINE_REVISION: u64 = 2;

/// The shipped rule files, in the order of their names.
const SOURCES: &[&str] = &[
    include_str!("../../policies/secrets/ai.toml"),
    include_str!("../../policies/secrets/cloud.toml"),
    include_str!("../../policies/secrets/code.toml"),
    include_str!("../../policies/secrets/files.toml"),
    include_str!("../../policies/secrets/generic.toml"),
    include_str!("../../policies/secrets/messaging.toml"),
    include_str!("../../policies/secrets/observability.toml"),
    include_str!("../../policies/secrets/payments.toml"),
    include_str!("../../policies/secrets/registries.toml"),
    include_str!("../../policies/secrets/services.toml"),
];

/// Changes whenever the rules or the engine may report something else; part of the key under which facts are cached. Costs nothing to ask.
pub const REVISION: u64 = revision();

/// FNV-1a (Fowler, Noll, Vo) over the rule texts, worked out by the compiler.
const fn revision() -> u64 {
    let mut hash = fnv(0xcbf2_9ce4_8422_2325 ^ ENGINE_REVISION, key::PUBLISHED);
    let mut file = 0;
    while file < SOURCES.len() {
        hash = fnv(hash, SOURCES[file]);
        file += 1;
    }
    hash
}

const fn fnv(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Bytes that may stand before a token whose literal has only three bytes; they are made part of the literal.
const OUTER_LEADS: &[u8] = b"\n\r\t \"'`=:,;(<>[/\\|\0";

/// The same for a literal that stands within a token (or behind a URL's scheme).
const INNER_LEADS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_~.-";

/// Why a rule file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// It is no TOML, or not of this shape.
    #[error("a rule file cannot be read")]
    Format(#[from] toml::de::Error),
    /// Neither a regex nor a detector, or both.
    #[error("the rule `{rule}` needs either a regex or a detector")]
    Matcher {
        /// Its id.
        rule: String,
    },
    /// A literal is too short to be searched for, too long, or missing.
    #[error("the rule `{rule}` needs keywords of 3 to {MAX_LITERAL} bytes")]
    Keyword {
        /// Its id.
        rule: String,
    },
    /// There is no such validator.
    #[error("the rule `{rule}` names the unknown validator `{validator}`")]
    Validator {
        /// Its id.
        rule: String,
        /// What it names.
        validator: String,
    },
    /// More rules than can be numbered.
    #[error("there are more than 65535 rules")]
    TooMany,
}

/// What finds a rule's secrets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Detector {
    /// PEM, OpenPGP and PuTTY private keys; in clear.
    PrivateKey,
    /// The same with a passphrase.
    EncryptedKey,
    /// A password in a URL.
    Url,
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
    /// What to do, beyond [`REMEDIATION`].
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
    confidence: Confidence,
    #[serde(default)]
    fingerprint: bool,
    #[serde(default)]
    regex: Option<String>,
    #[serde(default)]
    detector: Option<Detector>,
    #[serde(default, rename = "secretGroup")]
    secret_group: usize,
    #[serde(default)]
    entropy: Option<f64>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default, rename = "tags")]
    _tags: Vec<String>,
    #[serde(default)]
    validator: Option<String>,
    #[serde(default)]
    allowlists: Vec<Allowlist>,
}

impl RuleInfo {
    /// What surrounds a value makes it a secret, not its own form: a name before it, a URL around it.
    #[must_use]
    pub fn goes_by_context(&self) -> bool {
        self.secret_group > 0 || self.detector == Some(Detector::Url)
    }
}

/// What helps against every leaked secret.
pub const REMEDIATION: &str = "revoke or rotate it first: whoever has the image has it; then rebuild without it (`RUN --mount=type=secret`, or give it when the container starts); deleting the file in a later layer does not help";

fn high() -> String {
    "high".to_owned()
}

fn medium() -> Confidence {
    Confidence::Medium
}

/// What a rule should not report (gitleaks' `[[rules.allowlists]]`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowlist {
    #[serde(default, rename = "description")]
    _description: String,
    /// `AND` or `OR` (the default) over the kinds of conditions.
    #[serde(default)]
    condition: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    regexes: Vec<String>,
    /// What the regexes look at: the `secret` (the default) or the whole `match`.
    #[serde(default, rename = "regexTarget")]
    regex_target: String,
    #[serde(default)]
    stopwords: Vec<String>,
}

impl Allowlist {
    fn allows(&self, path: &[u8], secret: &[u8], whole: &[u8]) -> bool {
        let target = if self.regex_target == "match" { whole } else { secret };
        let lower = secret.to_ascii_lowercase();
        let mut outcomes = Vec::with_capacity(3);
        if !self.paths.is_empty() {
            outcomes.push(self.paths.iter().any(|regex| Compiled::is_match(regex, path)));
        }
        if !self.regexes.is_empty() {
            outcomes.push(self.regexes.iter().any(|regex| Compiled::is_match(regex, target)));
        }
        if !self.stopwords.is_empty() {
            let has = |word: &String| memchr::memmem::find(&lower, word.to_ascii_lowercase().as_bytes()).is_some();
            outcomes.push(self.stopwords.iter().any(has));
        }
        if self.condition.eq_ignore_ascii_case("and") {
            !outcomes.is_empty() && outcomes.iter().all(|allowed| *allowed)
        } else {
            outcomes.contains(&true)
        }
    }
}

/// A rule that can be run.
#[derive(Debug)]
pub(super) struct Rule {
    /// What a report says of it.
    pub(super) info: RuleInfo,
    /// Its validator.
    pub(super) validator: Option<Validator>,
    compiled: OnceLock<Option<Compiled>>,
}

impl Rule {
    fn new(info: RuleInfo) -> Result<Self, RuleError> {
        let rule = || info.id.clone();
        if info.regex.is_some() == info.detector.is_some() {
            return Err(RuleError::Matcher { rule: rule() });
        }
        let sized = |keyword: &String| (3..=MAX_LITERAL).contains(&keyword.len());
        if !info.keywords.iter().all(sized) || (info.keywords.is_empty() && info.regex.is_some()) {
            return Err(RuleError::Keyword { rule: rule() });
        }
        let validator = match &info.validator {
            None => None,
            Some(name) => Some(
                validate::by_name(name)
                    .ok_or_else(|| RuleError::Validator { rule: rule(), validator: name.clone() })?,
            ),
        };
        Ok(Self { info, validator, compiled: OnceLock::new() })
    }

    /// Its regex, compiled when first needed; none for a detector.
    pub(super) fn compiled(&self) -> Option<&Compiled> {
        let compile = || self.info.regex.as_ref().and_then(|regex| Compiled::new(regex, &self.info.keywords));
        self.compiled.get_or_init(compile).as_ref()
    }

    /// What finds it, where that is no regex.
    pub(super) fn detector(&self) -> Option<Detector> {
        self.info.detector
    }

    /// The group of its regex that holds the secret; 0 is the whole match.
    pub(super) fn secret_group(&self) -> usize {
        self.info.secret_group
    }

    /// How sure it is by itself.
    pub(super) fn confidence(&self) -> Confidence {
        self.info.confidence
    }

    /// A hash of its secrets tells nothing about them.
    pub(super) fn has_fingerprint(&self) -> bool {
        self.info.fingerprint
    }

    /// Least Shannon entropy of a secret, bits per byte.
    pub(super) fn entropy(&self) -> Option<f64> {
        self.info.entropy
    }

    /// Its `path` and its allowlists let this be reported.
    pub(super) fn admits(&self, path: &[u8], secret: &[u8], whole: &[u8]) -> bool {
        let in_path = self.info.path.as_ref().is_none_or(|regex| Compiled::is_match(regex, path));
        in_path && !self.info.allowlists.iter().any(|list| list.allows(path, secret, whole))
    }

    /// The literals that lead to it. Short ones get every byte that may stand before them.
    fn literals(&self, index: u16) -> impl Iterator<Item = Literal> + '_ {
        let caseless = self.info.regex.as_ref().is_some_and(|regex| regex.starts_with("(?i)"));
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

/// All rules, in the order of the files.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rules: Vec<RuleInfo>,
}

impl Rules {
    /// The shipped rules.
    pub(super) fn builtin() -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        for source in SOURCES {
            let file: RuleFile = toml::from_str(source)?;
            for info in file.rules {
                rules.push(Rule::new(info)?);
            }
        }
        if u16::try_from(rules.len()).is_err() {
            return Err(RuleError::TooMany);
        }
        Ok(Self(rules))
    }

    /// The rule with this number.
    pub(super) fn get(&self, index: u16) -> Option<&Rule> {
        self.0.get(usize::from(index))
    }

    /// The rule with this id and its number.
    pub(super) fn find(&self, id: &str) -> Option<(u16, &Rule)> {
        self.iter().find(|(_, rule)| rule.info.id == id)
    }

    /// All, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &Rule)> {
        (0_u16..).zip(&self.0)
    }

    /// All literals of all rules.
    pub(super) fn literals(&self) -> Vec<Literal> {
        self.iter().flat_map(|(index, rule)| rule.literals(index)).collect()
    }
}
