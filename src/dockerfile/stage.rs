//! Stages, what they are built from, and which build arguments they see.
//!
//! Source: Dockerfile reference, "Understand how ARG and FROM interact": an `ARG` before the first `FROM` counts in `FROM` lines alone, and in a stage only
//! after that stage names it again.

use super::expand::{self, Environment};
use super::instruction::{Instruction, Keyword};
use super::text::Word;

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// The instruction that begins it.
    pub from: usize,
    /// The instruction after its last.
    pub end: usize,
    /// Its name.
    pub name: Option<Word>,
    /// What it is built from.
    pub base: Base,
}

/// What a stage is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// As it is written.
    pub word: Word,
    /// With build arguments replaced by their defaults; none where one has no default, or it cannot be expanded.
    pub resolved: Option<String>,
    /// The earlier stage that it names.
    pub stage: Option<usize>,
}

impl Base {
    /// Whether it is nothing at all.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        self.resolved.as_deref() == Some("scratch")
    }

    /// The image; none of a stage, of nothing, and of what is not known.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        let is_image = self.stage.is_none() && !self.is_scratch();
        self.resolved.as_deref().filter(|name| is_image && !name.is_empty())
    }
}

/// The stages of a file.
pub(super) fn stages(instructions: &[Instruction]) -> Vec<Stage> {
    let is_from = |instruction: &&Instruction| instruction.keyword == Keyword::From;
    let first = instructions.iter().position(|instruction| is_from(&instruction)).unwrap_or(instructions.len());
    let arguments = global_arguments(instructions.get(..first).unwrap_or_default());
    let mut stages: Vec<Stage> = Vec::new();
    for (from, instruction) in instructions.iter().enumerate().filter(|(_, instruction)| is_from(instruction)) {
        if let Some(last) = stages.last_mut() {
            last.end = from;
        }
        let words = instruction.words();
        let name = match words {
            [_, keyword, name, ..] if keyword.text.eq_ignore_ascii_case("AS") => Some(name.clone()),
            _ => None,
        };
        let base = base(words.first(), &arguments, &stages);
        stages.push(Stage { index: stages.len(), from, end: instructions.len(), name, base });
    }
    stages
}

fn base(word: Option<&Word>, arguments: &Environment, earlier: &[Stage]) -> Base {
    let word = word.cloned().unwrap_or_default();
    let unknown = expand::names(&word.text, '\\').into_iter().any(|name| !arguments.contains_key(&name));
    let has_fallback = word.text.contains(":-") || word.text.contains(":+");
    let resolved = expand::expand(&word.text, arguments, '\\').ok().filter(|_| !unknown || has_fallback);
    let is_named = |stage: &&Stage| {
        stage
            .name
            .as_ref()
            .is_some_and(|name| resolved.as_deref().is_some_and(|base| name.text.eq_ignore_ascii_case(base)))
    };
    let stage = earlier.iter().rev().find(is_named).map(|stage| stage.index);
    Base { word, resolved, stage }
}

/// The build arguments before the first `FROM` that have a default.
fn global_arguments(instructions: &[Instruction]) -> Environment {
    let mut environment = Environment::new();
    for pair in instructions.iter().filter(|known| known.keyword == Keyword::Arg).flat_map(Instruction::pairs) {
        let Some(value) = &pair.value else { continue };
        if let Ok(value) = expand::expand(&value.text, &environment, '\\') {
            environment.insert(pair.name.text.clone(), value);
        }
    }
    environment
}
