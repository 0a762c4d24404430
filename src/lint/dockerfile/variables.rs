//! What is known of variables, labels and users of a Dockerfile without a build.

use std::collections::BTreeSet;

use super::Subject;
use crate::dockerfile::{self, Environment, Instruction, Keyword, Pair, Stage};
use crate::lint::{LabelKind, Problems};

/// Longest values of one instruction, in bytes, that others may refer to.
const MAX_VALUES: usize = 16 << 10;

/// What the OCI image specification says of the values of its own labels ("Pre-Defined Annotation Keys"). A version may be one of any kind, and so may a revision.
const OCI_LABELS: &[(&str, LabelKind)] = &[
    ("org.opencontainers.image.url", LabelKind::Url),
    ("org.opencontainers.image.source", LabelKind::Url),
    ("org.opencontainers.image.documentation", LabelKind::Url),
    ("org.opencontainers.image.created", LabelKind::Time),
    ("org.opencontainers.image.licenses", LabelKind::Licence),
];

impl<'a> Subject<'a> {
    /// The `USER` that the final stage ends with, build arguments with a default replaced; none where neither it nor a stage below sets one.
    #[must_use]
    pub fn last_user(&self) -> Option<(String, &'a Instruction)> {
        let stage = self.final_stage()?;
        let last = |stage: &Stage| {
            let is_user = |(_, instruction): &(usize, &Instruction)| instruction.keyword == Keyword::User;
            let (at, instruction) = self.file.body(stage).enumerate().filter(is_user).last()?;
            Some((stage.from + 1 + at, instruction))
        };
        let (index, instruction) = self.chain(stage).find_map(last)?;
        let environment = self.variables_before(index);
        let is_known =
            dockerfile::names(instruction.text(), self.file.escape).iter().all(|name| environment.contains_key(name));
        let user = dockerfile::expand(instruction.text(), &environment, self.file.escape).ok().filter(|_| is_known);
        Some((user.unwrap_or_else(|| instruction.text().to_owned()), instruction))
    }

    /// What `ENV` and `ARG` have set before an instruction, in its stage and those below; of an `ARG` its default.
    #[must_use]
    pub fn variables_before(&self, index: usize) -> Environment {
        let Some(stage) = self.file.stage_of(index) else { return Environment::new() };
        let below: Vec<&Stage> = self.chain(stage).collect();
        let mut environment = Environment::new();
        for part in below.into_iter().rev() {
            let end = if part == stage { index } else { part.end };
            for instruction in self.file.instructions.get(part.from + 1..end).unwrap_or_default() {
                // Build arguments end with their stage.
                if instruction.keyword == Keyword::Env || (instruction.keyword == Keyword::Arg && part == stage) {
                    set(&mut environment, instruction, self.file.escape);
                }
            }
        }
        environment
    }

    /// The names that `ENV` and `ARG` have declared before an instruction, with a value or without, in its stage and those below.
    #[must_use]
    pub fn names_before(&self, index: usize) -> BTreeSet<String> {
        let Some(stage) = self.file.stage_of(index) else { return BTreeSet::new() };
        let parts = self.chain(stage).map(|part| (part.from + 1, if part == stage { index } else { part.end }));
        let instructions = parts.flat_map(|(from, end)| self.file.instructions.get(from..end).unwrap_or_default());
        let declaring = instructions.filter(|instruction| matches!(instruction.keyword, Keyword::Env | Keyword::Arg));
        declaring.flat_map(Instruction::pairs).map(|pair| pair.name.text.clone()).collect()
    }

    /// The pairs of `ENV` with name and value, what is known of it replaced.
    pub fn variables(&self) -> impl Iterator<Item = (&'a Pair, String, String)> {
        self.known_pairs(Keyword::Env)
    }

    /// The same of `LABEL`.
    pub fn labels(&self) -> impl Iterator<Item = (&'a Pair, String, String)> {
        self.known_pairs(Keyword::Label)
    }

    /// Pairs of a keyword whose values depend on nothing that is known only in a build.
    fn known_pairs(&self, keyword: Keyword) -> impl Iterator<Item = (&'a Pair, String, String)> {
        let escape = self.file.escape;
        let mut found = Vec::new();
        // What is known at the end of each stage, for those that are built on it.
        let mut at_end: Vec<Environment> = Vec::new();
        let mut known = Environment::new();
        for (index, outer) in self.file.instructions.iter().enumerate() {
            if outer.keyword == Keyword::From {
                let base = self.file.stage_of(index).and_then(|stage| stage.base.stage);
                at_end.extend(
                    (index > 0).then(|| std::mem::take(&mut known)).filter(|_| self.file.stage_of(index - 1).is_some()),
                );
                known = base.and_then(|base| at_end.get(base).cloned()).unwrap_or_default();
            }
            for instruction in outer.with_triggers().filter(|instruction| instruction.keyword == keyword) {
                for pair in instruction.pairs() {
                    let Some(value) = &pair.value else { continue };
                    let is_known = dockerfile::names(&value.text, escape).iter().all(|name| known.contains_key(name));
                    let Some(value) = dockerfile::expand(&value.text, &known, escape).ok().filter(|_| is_known) else {
                        continue;
                    };
                    found.push((pair, pair.name.text.trim_matches(['"', '\'']).to_owned(), value));
                }
            }
            if matches!(outer.keyword, Keyword::Env | Keyword::Arg) {
                set(&mut known, outer, escape);
            }
        }
        found.into_iter()
    }

    /// States each label of a kind whose value is not what it should be; empty ones are another rule's.
    pub fn labels_of(&self, kind: LabelKind, problems: &mut Problems, what: &str, fits: fn(&str) -> bool) {
        let own = &self.around.options.labels;
        let of_user = |name: &str| own.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        let of_oci = |name: &str| OCI_LABELS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        for (pair, name, value) in self.labels() {
            let is_kind = of_user(&name).or_else(|| of_oci(&name)) == Some(kind);
            if is_kind && !value.trim().is_empty() && !fits(&value) {
                problems.add(&pair.name.span, &name, format!("the label `{name}` is not {what}"));
            }
        }
    }
}

/// Puts the pairs of an `ENV` or `ARG` into an environment; the values of one instruction do not see each other.
fn set(environment: &mut Environment, instruction: &Instruction, escape: char) {
    let value = |pair: &Pair| dockerfile::expand(&pair.value.as_ref()?.text, environment, escape).ok();
    let pairs = instruction.pairs().iter();
    let new: Vec<(String, String)> = pairs.filter_map(|pair| Some((pair.name.text.clone(), value(pair)?))).collect();
    let size: usize = new.iter().map(|(_, value)| value.len()).sum();
    // Values that hold each other grow at every step.
    if size <= MAX_VALUES {
        environment.extend(new);
    }
}
