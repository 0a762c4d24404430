//! A rule of a user's file to one that runs.

use regex_automata::util::syntax;

use super::allow::Allowlist;
use super::error::Problem;
use super::needed::{self, Set};
use super::pattern::{self, Pattern};
use super::rule::{Custom, Requirement, Rule, RuleInfo};
use super::schema::UserRule;
use crate::facts::Confidence;
use crate::secret::engine::window::Compiled;
use crate::secret::validate;

/// Most literals of all rules together; the search numbers two triples of each with 16 bits.
const MAX_LITERALS: usize = 30_000;

/// Room for the programs of all regexes of a file, in bytes.
const MAX_PROGRAMS: usize = 64 << 20;

/// What the rules of a file may still take.
pub(super) struct Budget {
    literals: usize,
    programs: usize,
}

impl Budget {
    /// With so many literals in use.
    pub(super) fn of(literals: usize) -> Self {
        Self { literals: MAX_LITERALS.saturating_sub(literals), programs: MAX_PROGRAMS }
    }

    fn take_literals(&mut self, count: usize) -> Result<(), Problem> {
        let left = self.literals.checked_sub(count);
        self.literals = left.ok_or(Problem::TooManyLiterals { limit: MAX_LITERALS })?;
        Ok(())
    }

    fn take_program(&mut self, bytes: usize) -> Result<(), Problem> {
        let reason = || format!("the programs of all regexes together are larger than {MAX_PROGRAMS} bytes");
        let left = self.programs.checked_sub(bytes);
        self.programs = left.ok_or_else(|| Problem::Regex { field: "regex", reason: reason() })?;
        Ok(())
    }
}

/// Changes a shipped rule as the user says.
pub(super) fn change(shipped: &mut Rule, user: &UserRule, lists: Vec<Allowlist>) -> Result<(), Problem> {
    let info = &mut shipped.info;
    info.allowlists.extend(lists);
    info.entropy = user.entropy.or(info.entropy);
    if !user.description.is_empty() {
        info.title.clone_from(&user.description);
    }
    if let Some(severity) = severity(user)? {
        info.severity = severity;
    }
    if let Some(confidence) = confidence(user)? {
        info.confidence = confidence;
    }
    Ok(())
}

/// A rule that runs.
pub(super) fn rule(user: UserRule, allowlists: Vec<Allowlist>, budget: &mut Budget) -> Result<Rule, Problem> {
    if user.changes_only() {
        return Err(Problem::NoMatcher);
    }
    let unknown = |name: &String| Problem::Word { field: "validator", word: name.clone() };
    let find = |name: &String| validate::by_name(name).ok_or_else(|| unknown(name));
    let validator = user.validator.as_ref().map(find).transpose()?;
    let path = Some(&user.path).filter(|path| !path.is_empty());
    let path = path.map(|path| Pattern::of_user(path)).transpose();
    let path = path.map_err(|reason| Problem::Regex { field: "path", reason })?;
    let (mut compiled, mut custom) = (None, custom(&user));
    let mut secret_group = user.secret_group;
    let regex = Some(pattern::from_go(&user.regex)).filter(|regex| !regex.is_empty());
    if let Some(regex) = &regex {
        let ready = ready(regex)?;
        secret_group = group(ready.groups, secret_group)?;
        budget.take_program(ready.compiled.memory())?;
        custom.literals = ready.set.map(|set| set.literals).unwrap_or_default();
        custom.context = context(&user.keywords, &custom);
        compiled = Some(ready.compiled);
    }
    budget.take_literals(custom.literals.iter().map(needed::Needed::variants).sum())?;
    let info = RuleInfo {
        severity: severity(&user)?.unwrap_or_else(|| "high".to_owned()),
        confidence: confidence(&user)?.unwrap_or(Confidence::Medium),
        title: if user.description.is_empty() {
            user.id.clone()
        } else {
            user.description.trim_end_matches('.').to_owned()
        },
        id: user.id,
        remediation: user.remediation,
        rotation: user.rotation,
        source: user.source,
        binary: user.binary,
        examples: user.examples,
        counter_examples: user.counter_examples,
        fingerprint: false,
        regex,
        detector: None,
        secret_group,
        entropy: user.entropy,
        keywords: user.keywords,
        path,
        _tags: Vec::new(),
        validator: user.validator,
        allowlists,
    };
    Ok(Rule::of_user(info, validator, compiled, custom))
}

fn custom(user: &UserRule) -> Custom {
    let requirement = |required: &super::schema::UserRequired| Requirement {
        rule: required.id.clone(),
        lines: required.within_lines,
        columns: required.within_columns,
    };
    Custom {
        required: user.required.iter().map(requirement).collect(),
        is_part: user.skip_report,
        is_vague: user.specificity.is_some_and(|specificity| specificity < 100),
        ..Custom::default()
    }
}

/// A regex that can be run, and what leads to its matches.
struct Ready {
    compiled: Compiled,
    set: Option<Set>,
    groups: usize,
}

fn ready(regex: &str) -> Result<Ready, Problem> {
    let refused = |reason| Problem::Regex { field: "regex", reason };
    let (program, unicode) = pattern::program(regex).map_err(refused)?;
    let syntax = syntax::Config::new().unicode(unicode).utf8(false);
    let hir = syntax::parse_with(regex, &syntax).map_err(|error| refused(error.to_string()))?;
    let set = needed::of(&hir);
    let groups = program.captures_len().saturating_sub(1);
    // A match that may begin anywhere before its literal is looked for as far back as the scan keeps what was.
    let before = set.as_ref().map_or(0, |set| set.before.unwrap_or(Compiled::MAX_LOOKBACK));
    let compiled = Compiled::of_program(program, before.min(Compiled::MAX_LOOKBACK), hir.properties().maximum_len());
    Ok(Ready { compiled, set, groups })
}

/// The group with the secret: gitleaks takes the first that took part, unless the rule says which.
fn group(groups: usize, asked: usize) -> Result<usize, Problem> {
    if asked > groups {
        return Err(Problem::Group { group: asked, groups });
    }
    Ok(if asked == 0 { groups.min(1) } else { asked })
}

/// The words that must stand near, unless each literal holds one already.
fn context(keywords: &[String], custom: &Custom) -> Vec<String> {
    let words: Vec<String> =
        keywords.iter().map(|word| word.to_ascii_lowercase()).filter(|word| !word.is_empty()).collect();
    let held = |literal: &needed::Needed| {
        let text = literal.bytes.to_ascii_lowercase();
        words.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
    };
    let implied = !custom.literals.is_empty() && custom.literals.iter().all(held);
    if implied { Vec::new() } else { words }
}

fn severity(user: &UserRule) -> Result<Option<String>, Problem> {
    let Some(word) = &user.severity else { return Ok(None) };
    let known = ["critical", "high", "medium", "low"].into_iter().find(|known| word.eq_ignore_ascii_case(known));
    known.map(|known| Some(known.to_owned())).ok_or_else(|| Problem::Word { field: "severity", word: word.clone() })
}

fn confidence(user: &UserRule) -> Result<Option<Confidence>, Problem> {
    let Some(word) = &user.confidence else { return Ok(None) };
    let known = [("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
    let known = known.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    known.map(|(_, known)| Some(known)).ok_or_else(|| Problem::Word { field: "confidence", word: word.clone() })
}
