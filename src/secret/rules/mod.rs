//! The rules: tables in `policies/secrets/*.toml`, compiled into the program.
//!
//! The keys are gitleaks' (`id`, `description`, `regex`, `secretGroup`, `entropy`, `keywords`, `path`, `tags`, `allowlists`; see its README,
//! schema of v8.25) and these: `detector` (instead of a regex), `severity`, `confidence`, `validator`, `binary`, `fingerprint`, `rotation`,
//! `remediation`, `source`, `examples`, `counter_examples`. Files of users, with the rules of gitleaks or Betterleaks, are read by `user.rs`.

mod allow;
mod build;
mod error;
mod filter;
mod needed;
mod pattern;
mod rule;
mod schema;
mod user;

use std::path::Path;

use serde::Deserialize;

use super::engine::literals::{Literal, MAX_LITERAL};
use super::{key, parse};

pub(super) use allow::{CONTEXT, Seen};
pub use error::{Problem, RuleFileError};
pub use rule::RuleInfo;
pub(super) use rule::{Detector, Requirement, Rule};

/// Changed by hand when validators, parsers or the engine change what they report.
const ENGINE_REVISION: u64 = 3;

/// The shipped rule files, in the order of their names.
const SOURCES: &[&str] = &[
    include_str!("../../../policies/secrets/ai.toml"),
    include_str!("../../../policies/secrets/cloud.toml"),
    include_str!("../../../policies/secrets/code.toml"),
    include_str!("../../../policies/secrets/files.toml"),
    include_str!("../../../policies/secrets/generic.toml"),
    include_str!("../../../policies/secrets/messaging.toml"),
    include_str!("../../../policies/secrets/observability.toml"),
    include_str!("../../../policies/secrets/payments.toml"),
    include_str!("../../../policies/secrets/registries.toml"),
    include_str!("../../../policies/secrets/services.toml"),
];

/// Changes whenever the rules or the engine may report something else; part of the key under which facts are cached. Costs nothing to ask.
pub const REVISION: u64 = revision();

/// FNV-1a (Fowler, Noll, Vo) over the rule texts, worked out by the compiler.
const fn revision() -> u64 {
    let mut hash = fnv(fnv(0xcbf2_9ce4_8422_2325 ^ ENGINE_REVISION, key::PUBLISHED), parse::DEFAULT_PASSWORDS);
    let mut file = 0;
    while file < SOURCES.len() {
        hash = fnv(hash, SOURCES[file]);
        file += 1;
    }
    hash
}

pub(super) const fn fnv(mut hash: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

/// What helps against every leaked secret.
pub const REMEDIATION: &str = "revoke or rotate it first: whoever has the image has it; then rebuild without it (`RUN --mount=type=secret`, or give it when the container starts); deleting the file in a later layer does not help";

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

/// All rules, in the order of the files.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    revision: u64,
    notes: Vec<String>,
}

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
                rules.push(Rule::shipped(info)?);
            }
        }
        if u16::try_from(rules.len()).is_err() {
            return Err(RuleError::TooMany);
        }
        Ok(Self { rules, revision: REVISION, notes: Vec::new() })
    }

    /// The rules of a text in a user's format, without the shipped ones.
    pub(super) fn of_text(path: &Path, text: &str) -> Result<Self, RuleFileError> {
        let mut rules = Self { rules: Vec::new(), revision: REVISION, notes: Vec::new() };
        user::add_text(&mut rules, path, text)?;
        Ok(rules)
    }

    /// The same with the rules of a user's file, which may change shipped ones.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), RuleFileError> {
        user::add(self, path)
    }

    /// The rule with this number.
    pub(super) fn get(&self, index: u16) -> Option<&Rule> {
        self.rules.get(usize::from(index))
    }

    /// The rule with this id and its number.
    pub(super) fn find(&self, id: &str) -> Option<(u16, &Rule)> {
        self.iter().find(|(_, rule)| rule.info.id == id)
    }

    /// All, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &Rule)> {
        (0_u16..).zip(&self.rules)
    }

    /// All literals of all rules.
    pub(super) fn literals(&self) -> Vec<Literal> {
        self.iter().flat_map(|(index, rule)| rule.literals(index)).collect()
    }

    /// How many literals lead to a rule.
    pub(super) fn literals_of(&self, rule: &Rule) -> usize {
        rule.literals(0).len()
    }

    /// As [`REVISION`], of these rules.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// What of users' files is not done as they say.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }
}
