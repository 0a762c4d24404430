//! Something wrong at a place of a file.

use std::ops::Range;

use super::{Meta, Options};
use crate::advisory::model::Severity;
use crate::facts::Confidence;

/// Most problems of one rule in one file. A hostile file is made of nothing else; a real one has one habit, not a thousand problems.
const MAX_OF_RULE: usize = 200;

/// One problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The rule that found it.
    pub meta: &'static Meta,
    /// In which file, where several are looked at together.
    pub file: usize,
    /// Where: a range of bytes of the file.
    pub span: Range<usize>,
    /// One line.
    pub message: String,
    /// What is wrong, for the finding's id: a name that stays when the file is moved about, never a line.
    pub subject: String,
    /// How bad, where that is not what the rule says.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Whether its line may be shown; not where a secret stands in it.
    pub is_secret: bool,
    /// What mends it.
    pub fix: Option<Fix>,
}

/// Changes of the file that mend a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What they do, such as "add --no-install-recommends".
    pub title: &'static str,
    /// They do not overlap.
    pub edits: Vec<Edit>,
}

/// A range of bytes and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty range is an insertion.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}

impl Edit {
    /// An insertion.
    #[must_use]
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { range: at..at, text: text.into() }
    }
}

impl Problem {
    /// With what mends it.
    pub fn fix(&mut self, title: &'static str, edits: impl IntoIterator<Item = Edit>) {
        self.fix = Some(Fix { title, edits: edits.into_iter().collect() });
    }
}

/// What the rules found in one file.
#[derive(Debug)]
pub struct Problems {
    meta: &'static Meta,
    of_rule: usize,
    found: Vec<Problem>,
}

impl Problems {
    /// Runs rules one after the other.
    pub(super) fn collect(
        rules: impl IntoIterator<Item = &'static super::Rule>,
        options: &Options,
        mut run: impl FnMut(&super::Check, &mut Self),
    ) -> Vec<Problem> {
        let mut found = Vec::new();
        for rule in rules.into_iter().filter(|rule| options.runs(&rule.meta)) {
            let mut problems = Self { meta: &rule.meta, of_rule: 0, found };
            run(&rule.check, &mut problems);
            problems.tell_more();
            found = problems.found;
        }
        found.sort_by_key(|problem| (problem.file, problem.span.start, problem.span.end));
        found
    }

    /// That there are more than are kept stands with the last.
    fn tell_more(&mut self) {
        let more = self.of_rule.saturating_sub(MAX_OF_RULE);
        if let Some(last) = self.found.last_mut().filter(|_| more > 0) {
            last.message.push_str(&format!(" (and {more} more like it in this file)"));
        }
    }

    /// States a problem of the rule that runs; it can be added to.
    pub fn add(&mut self, span: &Range<usize>, subject: impl Into<String>, message: impl Into<String>) -> &mut Problem {
        self.of_rule += 1;
        if self.of_rule > MAX_OF_RULE {
            // The newest takes the last place.
            self.found.pop();
        }
        let severity = self.meta.severity;
        let index = self.found.len();
        self.found.push(Problem {
            meta: self.meta,
            file: 0,
            span: span.clone(),
            message: message.into(),
            subject: subject.into(),
            severity,
            confidence: Confidence::High,
            is_secret: false,
            fix: None,
        });
        &mut self.found[index]
    }
}
