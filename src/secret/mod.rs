//! The secret detector: bytes of a file in, [`SecretFact`]s out, masked already. It knows neither tar nor images.
//!
//! ```text
//! policies/secrets/*.toml ─ rules/ ───┐
//!                                     ▼
//! bytes ─ engine/scan.rs ─ blocks ─ engine/literals.rs ─ places ─ engine/window.rs ─ matches ─ validate/ ─┐
//!             │                                        ├ key/ (private keys), url.rs, assign.rs (by name) ──┼─ found.rs ─ facts
//!             └ whole files of known names ─ parse/ (one file a family of formats) ────────────────────────┘
//! ```
//!
//! * A **rule** is a table in TOML: literals (`keywords`), a regex that runs only where one of them stands, a validator, how sure and how
//!   bad. A rule may name a *detector* of this room instead of a regex.
//! * The **engine** is one pass over the bytes with a bitmap of literals; nothing else touches every byte. Results depend neither on the
//!   caller's chunks nor on the engine's blocks.
//! * **Confidence**: a right checksum or structure makes it high, a wrong checksum or a placeholder low; nothing is left out for these.
//! * **Binaries** (a zero in the first 8000 bytes) are searched with the rules that say `binary = true`: fixed prefixes and armoured keys.
//! * **Masking** happens here: a token's documented prefix and last four characters, nothing of a password.
//!
//! Nothing is asked of the network, and no path is skipped: a place like `test/` proves nothing about a key.

mod assign;
mod context;
mod engine;
mod found;
mod inline;
mod key;
mod mask;
mod parse;
mod rules;
mod statement;
pub mod template;
mod trial;
mod url;
mod validate;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) use context::is_illustrative;
pub use engine::scan::{FileScan, Scratch};
pub use mask::HIDDEN;
pub use rules::{Problem, REMEDIATION, REVISION, RuleError, RuleFileError, RuleInfo};
pub use trial::{Remark, Trial};

use crate::facts::{Confidence, SecretFact, SecretValue};
use engine::literals::Literals;
use rules::{Rule, Rules};

/// What helps against a secret in a checkout, in place of [`REMEDIATION`].
pub const CHECKOUT_REMEDIATION: &str = "revoke or rotate it first, if it was ever pushed or copied: whoever has the repository has it; then take it out of the file, and have it read from the environment or a secret store; a later commit that removes it does not help";

/// Longest value of a variable or label that is looked at; the kernel passes no longer one to a process (`MAX_ARG_STRLEN`).
const MAX_VALUE: usize = 128 << 10;

/// The rule for what only the name of a build argument tells.
const ARGUMENT_RULE: &str = "build-argument";

/// The same for labels and annotations.
const METADATA_RULE: &str = "metadata-credential";

/// The rule for what a command is given as a password.
const COMMAND_RULE: &str = "command-credential";

/// The rules, ready to search.
#[derive(Debug)]
pub struct Scanner {
    rules: Rules,
    literals: Literals,
    /// Rules of a user that no literal leads to.
    everywhere: Vec<u16>,
    /// Rules of a user about files of a name.
    of_files: Vec<u16>,
}

/// The scanner of this process, if it is not the shipped one.
static IN_USE: OnceLock<Scanner> = OnceLock::new();

impl Scanner {
    /// The scanner with the shipped rules, built at the first call; regexes are compiled when a literal of theirs is met.
    ///
    /// # Panics
    /// If the shipped rules are broken, which a test rules out.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the rules are part of the program; tests/secrets.rs loads them")]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Scanner> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::load().expect("the shipped secret rules are sound"))
    }

    /// Builds a scanner with the shipped rules.
    ///
    /// # Errors
    /// When a shipped rule is broken.
    pub fn load() -> Result<Self, RuleError> {
        Ok(Self::of(Rules::builtin()?))
    }

    /// A scanner with the shipped rules and those of users' files (gitleaks' format, Betterleaks', or ours).
    ///
    /// # Errors
    /// When a file cannot be used; it says which rule is wrong, and how.
    ///
    /// # Panics
    /// As [`builtin`](Self::builtin).
    #[expect(clippy::expect_used, reason = "the rules are part of the program; tests/secrets.rs loads them")]
    pub fn with_files(files: &[PathBuf]) -> Result<Self, RuleFileError> {
        let mut rules = Rules::builtin().expect("the shipped secret rules are sound");
        for file in files {
            rules.add_file(file)?;
        }
        Ok(Self::of(rules))
    }

    /// A scanner with nothing but the rules of a text, which stands for the file at `path`.
    ///
    /// # Errors
    /// As [`with_files`](Self::with_files).
    pub fn with_text(path: &Path, text: &str) -> Result<Self, RuleFileError> {
        Ok(Self::of(Rules::of_text(path, text)?))
    }

    fn of(rules: Rules) -> Self {
        let literals = Literals::new(rules.literals());
        let that = |is: fn(&Rule) -> bool| rules.iter().filter(|(_, rule)| is(rule)).map(|(index, _)| index).collect();
        let (everywhere, of_files) = (that(Rule::looks_everywhere), that(Rule::is_of_files));
        Self { rules, literals, everywhere, of_files }
    }

    /// The scanner that this process uses: the shipped one, unless [`put_to_use`](Self::put_to_use) was called. Which rules there are is asked
    /// in several rooms (a policy may name one, a report describes them), and is the same for a whole run, as the shipped ones are.
    #[must_use]
    pub fn in_use() -> &'static Self {
        IN_USE.get().unwrap_or_else(|| Self::builtin())
    }

    /// Builds the scanner on a thread of its own, so that it is there when the first asks.
    pub fn prepare() {
        // Without a thread, whoever asks first builds it.
        let _ = std::thread::Builder::new().name("rules".to_owned()).spawn(Self::in_use);
    }

    /// The revision of the scanner in use, without building the shipped one.
    #[must_use]
    pub fn revision_in_use() -> u64 {
        IN_USE.get().map_or(REVISION, Self::revision)
    }

    /// Makes this the scanner of the process; only the first call counts, before anything is read.
    pub fn put_to_use(self) -> &'static Self {
        IN_USE.get_or_init(|| self)
    }

    /// What of users' rule files is not done as they say: keys that are not known, filters that are not applied.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.rules.notes()
    }

    /// Changes whenever the rules or the engine may report something else; part of the key under which facts are cached.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.rules.revision()
    }

    /// Starts to scan files, one after the other.
    pub fn scan<'s>(&'s self, scratch: &'s mut Scratch) -> FileScan<'s> {
        FileScan::new(self, scratch)
    }

    /// The secrets in the value of a variable, label or build argument; `offset` counts from the value's start. They come in clear, too, as the
    /// caller has them anyway.
    #[must_use]
    pub fn scan_value(&self, name: &str, value: &str) -> Vec<SecretFact> {
        let (name_bytes, value) = (name.as_bytes(), value.as_bytes());
        let value = value.get(..value.len().min(MAX_VALUE)).unwrap_or_default();
        let mut scratch = Scratch::default();
        let mut scan = self.scan(&mut scratch).revealing(true);
        scan.feed(name_bytes);
        scan.feed(b"=");
        scan.feed(value);
        let lead = name_bytes.len() as u64 + 1;
        let facts = scan.finish().into_iter().filter(|fact| fact.offset >= lead);
        facts
            .map(|fact| SecretFact { key: Some(name.to_owned()), line: None, offset: fact.offset - lead, ..fact })
            .collect()
    }

    /// As [`scan_value`](Self::scan_value), of a variable: a password that everybody knows is one there, too.
    #[must_use]
    pub fn scan_variable(&self, name: &str, value: &str) -> Vec<SecretFact> {
        let mut facts = self.scan_value(name, value);
        if facts.is_empty() && parse::is_default_password(name.as_bytes(), value.as_bytes()) {
            facts.push(hidden(parse::DEFAULT_PASSWORD, name, value.as_bytes(), Confidence::Medium));
        }
        facts
    }

    /// As [`scan_variable`](Self::scan_variable), of a build argument: a name that says secret makes a value one that no rule knows.
    #[must_use]
    pub fn scan_argument(&self, name: &str, value: &str) -> Vec<SecretFact> {
        self.scan_named(name, value, ARGUMENT_RULE)
    }

    /// The same of a label or an annotation.
    #[must_use]
    pub fn scan_metadata(&self, name: &str, value: &str) -> Vec<SecretFact> {
        self.scan_named(name, value, METADATA_RULE)
    }

    fn scan_named(&self, name: &str, value: &str, rule: &str) -> Vec<SecretFact> {
        let mut facts = self.scan_variable(name, value);
        if facts.is_empty() && parse::is_secrets(name.as_bytes(), value.as_bytes()) {
            facts.push(hidden(rule, name, value.as_bytes(), Confidence::Medium));
        }
        facts
    }

    /// The secrets of a command: what a rule finds in it, and what it is given as a password.
    #[must_use]
    pub fn scan_command(&self, command: &str) -> Vec<SecretFact> {
        let mut facts = self.scan_value("", command);
        let bytes = command.get(..command.floor_char_boundary(MAX_VALUE)).unwrap_or_default().as_bytes();
        parse::command_secrets(bytes, &mut |name, value| {
            let Some(range) = range_in(bytes, value) else { return };
            let at = range.start as u64;
            let known = facts.iter().any(|fact| (at..range.end as u64).contains(&fact.offset));
            let Some(credential) = parse::judge(COMMAND_RULE, name, value).filter(|_| !known) else { return };
            let fact = hidden(credential.rule, &String::from_utf8_lossy(name), value, credential.confidence);
            facts.push(SecretFact { offset: at, ..fact });
        });
        facts
    }

    /// The secrets of an attestation: what a rule finds in it, and the build's arguments as [`scan_argument`](Self::scan_argument) judges them.
    #[must_use]
    pub fn scan_statement(&self, document: &[u8]) -> Vec<SecretFact> {
        let statement = &*statement::unwrap(document);
        let arguments = statement::arguments(statement);
        let named: Vec<SecretFact> =
            arguments.iter().flat_map(|(name, value)| self.scan_argument(name, value)).collect();
        let mut scratch = Scratch::default();
        let mut scan = self.scan(&mut scratch);
        scan.begin(b"statement", statement.len() as u64);
        scan.feed(statement);
        let mut facts = scan.finish();
        // Found with its name already.
        facts.retain(|fact| !named.iter().any(|other| (&fact.rule, &fact.masked) == (&other.rule, &other.masked)));
        facts.extend(named);
        facts
    }

    /// A text of the image's author with every secret in it masked, so that it can be shown: what a rule finds, and the value of each
    /// `NAME=value` whose name says secret.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut scratch = Scratch::default();
        let mut scan = self.scan(&mut scratch);
        scan.feed(text.as_bytes());
        let mut hidden = scan.finish_ranges();
        hidden.extend(named_values(text));
        parse::command_secrets(text.as_bytes(), &mut |name, value| {
            if parse::judge(COMMAND_RULE, name, value).is_some() {
                hidden.extend(range_in(text.as_bytes(), value));
            }
        });
        hidden.sort_by_key(|range| range.start);
        let mut shown = Vec::with_capacity(text.len());
        let mut at = 0;
        for range in hidden {
            if range.start >= at {
                shown.extend_from_slice(text.as_bytes().get(at..range.start).unwrap_or_default());
                shown.extend_from_slice(mask::HIDDEN.as_bytes());
            }
            at = at.max(range.end);
        }
        shown.extend_from_slice(text.as_bytes().get(at..).unwrap_or_default());
        String::from_utf8_lossy(&shown).into_owned()
    }

    /// All rules, in the order of the files.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.iter().map(|(_, rule)| &rule.info)
    }
}

/// Whether a name says that its value is a secret.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    parse::names_secret(name.as_bytes())
}

/// A secret of which nothing is shown but its name.
fn hidden(rule: &str, name: &str, value: &[u8], confidence: Confidence) -> SecretFact {
    SecretFact {
        rule: rule.to_owned(),
        confidence,
        masked: mask::HIDDEN.to_owned(),
        key: Some(name.to_owned()),
        line: None,
        offset: 0,
        fingerprint: None,
        encoding: None,
        allowed_inline: false,
        value: Some(SecretValue::new(value)),
    }
}

/// Where a part of a text stands in it.
fn range_in(text: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    Some(start..start + part.len()).filter(|range| range.end <= text.len())
}

/// The values of `NAME=value` words whose name says secret.
fn named_values(text: &str) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut at = 0;
    for word in text.split(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'')) {
        if let Some((name, value)) = word.split_once('=')
            && parse::is_secrets(name.as_bytes(), value.as_bytes())
        {
            values.push(at + name.len() + 1..at + word.len());
        }
        at += word.len() + 1;
    }
    values
}

/// What a report says of the rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static RuleInfo> {
    Scanner::in_use().rules.find(id).map(|(_, rule)| &rule.info)
}
