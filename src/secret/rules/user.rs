//! A user's rule file: gitleaks' configuration (README, "Configuration"; schema of v8.25) or Betterleaks' (docs/config.md), with our own keys
//! besides. Keys are read in any case, as gitleaks does.
//!
//! A rule adds to the shipped ones; one with a shipped rule's id replaces it, or, without a regex and with `extend.useDefault`, changes it. The file's own
//! allowlists are for its own rules, and with `extend.useDefault` for the shipped ones, too.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::allow::Allowlist;
use super::build::{self, Budget};
use super::error::{Problem, RuleFileError};
use super::filter::{self, Part};
use super::pattern::Pattern;
use super::schema::{File, UserAllowlist, UserRule};
use super::{Rules, fnv};

/// Largest file; gitleaks' own has 100 KB.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Most rules of one file.
const MAX_RULES: usize = 10_000;

/// Most files that extend each other.
const MAX_EXTENDS: usize = 4;

/// Most names that a note lists.
const MAX_NAMED: usize = 5;

/// Adds the rules of a file.
///
/// # Errors
/// When the file or one that it extends cannot be read or used; nothing is left out silently.
pub(super) fn add(rules: &mut Rules, path: &Path) -> Result<(), RuleFileError> {
    let text = text_of(path).map_err(|problem| RuleFileError { file: path.to_owned(), rule: None, problem })?;
    add_text(rules, path, &text)
}

/// Adds the rules of a text that was read from a file.
pub(super) fn add_text(rules: &mut Rules, path: &Path, text: &str) -> Result<(), RuleFileError> {
    let mut loaded = Loaded::default();
    loaded.read(path, text, 0)?;
    let limit = MAX_RULES;
    let file = |rule: Option<String>, problem| RuleFileError { file: path.to_owned(), rule, problem };
    if loaded.rules.len() > limit || rules.rules.len() + loaded.rules.len() > usize::from(u16::MAX) {
        return Err(file(None, Problem::TooManyRules { limit }));
    }
    rules.revision = fnv(rules.revision, &loaded.texts);
    disable(rules, &mut loaded);
    let shared = loaded.shared().map_err(|problem| file(None, problem))?;
    if loaded.uses_default {
        rules.rules.iter_mut().for_each(|rule| rule.share(&shared));
    }
    let mut budget = Budget::of(rules.literals().len());
    for user in std::mem::take(&mut loaded.rules) {
        let id = user.id.clone();
        loaded.add(rules, user, &shared, &mut budget).map_err(|problem| file(Some(id), problem))?;
    }
    rules.notes.extend(loaded.notes(path));
    Ok(())
}

/// Takes away the shipped rules that the file does not want.
fn disable(rules: &mut Rules, loaded: &mut Loaded) {
    for id in std::mem::take(&mut loaded.disabled) {
        let before = rules.rules.len();
        rules.rules.retain(|rule| rule.info.id != id);
        let own = loaded.rules.len();
        loaded.rules.retain(|rule| rule.id != id);
        if before == rules.rules.len() && own == loaded.rules.len() {
            loaded.note("`disabledRules` names what is no rule here", &id);
        }
    }
}

/// An allowlist for several rules; all of them if it names none.
pub(super) struct Shared {
    pub(super) targets: Vec<String>,
    pub(super) list: Arc<Allowlist>,
}

/// A file and those that it extends.
#[derive(Default)]
struct Loaded {
    rules: Vec<UserRule>,
    allowlists: Vec<UserAllowlist>,
    disabled: Vec<String>,
    uses_default: bool,
    texts: String,
    /// What is not done, and of which rules.
    notes: BTreeMap<String, Vec<String>>,
}

impl Loaded {
    fn note(&mut self, what: &str, rule: &str) {
        self.notes.entry(what.to_owned()).or_default().push(rule.to_owned());
    }

    /// Reads a file's text, the files that it extends first.
    fn read(&mut self, path: &Path, text: &str, depth: usize) -> Result<(), RuleFileError> {
        let fail = |problem| RuleFileError { file: path.to_owned(), rule: None, problem };
        if depth > MAX_EXTENDS {
            return Err(fail(Problem::Extends { limit: MAX_EXTENDS }));
        }
        let file = File::parse(text).map_err(|reason| fail(Problem::Format { reason }))?;
        if let Some(base) = file.extend.path.as_deref().filter(|base| !base.is_empty()) {
            let base = found_from(path, base);
            let text = text_of(&base).map_err(|problem| RuleFileError { file: base.clone(), rule: None, problem })?;
            self.read(&base, &text, depth + 1)?;
        }
        self.texts.push_str(text);
        self.texts.push('\0');
        self.take(file).map_err(|place| RuleFileError { rule: Some(place), ..fail(Problem::NoId) })
    }

    /// Takes what a file says over what is there; the place of a rule without an id is the error.
    fn take(&mut self, file: File) -> Result<(), String> {
        for key in file.unknown_keys() {
            self.note(&format!("`{key}` is not known here"), "");
        }
        if !file.extend.url.is_empty() {
            self.note("`extend.url` is not fetched", "");
        }
        if let Some(prefilter) = file.filter {
            self.filter_all(&prefilter);
        }
        self.uses_default |= file.extend.use_default;
        self.disabled.extend(file.extend.disabled_rules);
        self.allowlists.extend(file.allowlists.into_iter().chain(file.allowlist));
        for (index, rule) in file.rules.into_iter().enumerate() {
            if rule.id.is_empty() {
                return Err(format!("number {}", index + 1));
            }
            match self.rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => known.merge(rule),
                None => self.rules.push(rule),
            }
        }
        Ok(())
    }

    /// A filter over all rules, as an allowlist of each of its parts.
    fn filter_all(&mut self, text: &str) {
        let (parts, others) = filter::parse(text);
        for part in parts {
            match allowed_by(part) {
                Ok(list) => self.allowlists.push(list),
                Err(_) => self.note("a filter of all rules for entropy is not applied", ""),
            }
        }
        for other in others {
            self.note(&format!("a part of the filter of all rules is not applied: {}", shortened(&other)), "");
        }
    }

    fn shared(&mut self) -> Result<Vec<Shared>, Problem> {
        let mut shared = Vec::new();
        for list in std::mem::take(&mut self.allowlists) {
            self.note_allowlist(&list, "");
            let (targets, list) = (list.target_rules.clone(), Arc::new(compiled(list)?));
            shared.push(Shared { targets, list });
        }
        Ok(shared)
    }

    fn note_allowlist(&mut self, list: &UserAllowlist, rule: &str) {
        if !list.commits.is_empty() {
            self.note("`commits` of allowlists is not applied: an image has none", rule);
        }
        for key in list.rest.keys() {
            self.note(&format!("`{key}` of allowlists is not known here"), rule);
        }
    }

    /// Adds a rule, or changes a shipped one.
    fn add(
        &mut self,
        rules: &mut Rules,
        mut user: UserRule,
        shared: &[Shared],
        budget: &mut Budget,
    ) -> Result<(), Problem> {
        let id = user.id.clone();
        for key in user.unknown_keys() {
            self.note(&format!("`{key}` is not known here"), &id);
        }
        let mut lists = Vec::new();
        for list in user.take_allowlists() {
            self.note_allowlist(&list, &id);
            lists.push(compiled(list)?);
        }
        if let Some(text) = user.filter.take() {
            self.filter(&mut user, &text, &mut lists)?;
        }
        let known = rules.rules.iter_mut().find(|rule| rule.info.id == id && !rule.is_custom());
        match known {
            Some(shipped) if user.changes_only() && self.uses_default => return build::change(shipped, &user, lists),
            None if user.changes_only() && self.uses_default => {
                self.note("it changes a rule that is not here, and has no regex of its own", &id);
                return Ok(());
            }
            _ => {}
        }
        let mut rule = build::rule(user, lists, budget)?;
        rule.share(shared);
        match known.filter(|shipped| shipped.detector().is_none()) {
            Some(shipped) => *shipped = rule,
            None => rules.rules.push(rule),
        }
        Ok(())
    }

    fn filter(&mut self, user: &mut UserRule, text: &str, lists: &mut Vec<Allowlist>) -> Result<(), Problem> {
        let (parts, others) = filter::parse(text);
        for part in parts {
            match allowed_by(part) {
                Ok(list) => lists.push(compiled(list)?),
                Err(least) => user.entropy = Some(user.entropy.unwrap_or_default().max(least)),
            }
        }
        if !others.is_empty() {
            let others = shortened(&others.join(" || "));
            self.note(&format!("filter not applied: {others}"), &user.id);
        }
        Ok(())
    }

    /// What is not done as the file says, a sentence each.
    fn notes(self, path: &Path) -> impl Iterator<Item = String> {
        let file = path.display().to_string();
        self.notes.into_iter().map(move |(what, mut rules)| {
            rules.retain(|rule| !rule.is_empty());
            let named = rules.iter().take(MAX_NAMED).map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
            match rules.len() {
                0 => format!("{file}: {what}"),
                1 => format!("{file}: rule {named}: {what}"),
                count if count > MAX_NAMED => format!("{file}: {count} rules ({named} and others): {what}"),
                _ => format!("{file}: rules {named}: {what}"),
            }
        })
    }
}

/// What a filter's part allows, or the entropy that it wants more of.
fn allowed_by(part: Part) -> Result<UserAllowlist, f64> {
    Ok(match part {
        Part::Entropy(least) => return Err(least),
        Part::Contains(stopwords) => UserAllowlist { stopwords, ..UserAllowlist::default() },
        Part::Matches { target: "path", regexes: paths } => UserAllowlist { paths, ..UserAllowlist::default() },
        Part::Matches { target, regexes } => {
            UserAllowlist { regexes, regex_target: target.to_owned(), ..UserAllowlist::default() }
        }
    })
}

fn compiled(list: UserAllowlist) -> Result<Allowlist, Problem> {
    let compile = |texts: &[String]| {
        let refused = |reason| Problem::Regex { field: "allowlists", reason };
        texts.iter().map(|text| Pattern::of_user(text).map_err(refused)).collect::<Result<Vec<_>, _>>()
    };
    Ok(Allowlist {
        paths: compile(&list.paths)?,
        regexes: compile(&list.regexes)?,
        condition: list.condition,
        regex_target: list.regex_target,
        stopwords: list.stopwords,
        _description: String::new(),
    })
}

/// At most as much of a filter as a line holds.
fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

fn text_of(path: &Path) -> Result<String, Problem> {
    let file = std::fs::File::open(path).map_err(Problem::Unreadable)?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(Problem::Unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::TooLarge { limit: MAX_FILE_BYTES });
    }
    Ok(text)
}

/// A file that another extends: from the working folder, as gitleaks has it, else beside the other.
fn found_from(file: &Path, base: &str) -> PathBuf {
    let base = Path::new(base);
    if base.is_file() { base.to_owned() } else { file.parent().unwrap_or(Path::new("")).join(base) }
}
