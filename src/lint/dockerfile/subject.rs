//! A Dockerfile with the commands that it runs.

use std::collections::BTreeSet;

use crate::dockerfile::{self, Body, Dockerfile, Environment, Heredoc, Instruction, Joined, Keyword, Pair, Stage};
use crate::lint::{Edit, LabelKind, Problems, Surroundings};
use crate::shell::{self, Call, Command, Script};

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

/// Shells whose language is read.
const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"];

/// What a rule looks at.
pub struct Subject<'a> {
    /// The file.
    pub file: &'a Dockerfile,
    /// What is known besides it.
    pub around: Surroundings<'a>,
    /// What its `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK` instructions call, triggers included.
    pub runs: Vec<Run<'a>>,
}

/// An instruction that calls programs.
pub struct Run<'a> {
    /// It.
    pub instruction: &'a Instruction,
    /// Its number in the file, or that of the `ONBUILD` around it.
    pub index: usize,
    /// Its stage.
    pub stage: Option<&'a Stage>,
    /// What it calls, with places in the file.
    pub script: Script,
    /// Whether a shell reads it, and not an `exec`.
    pub is_shell: bool,
    /// Whether the shell in force fails a pipe of which any part fails.
    pub has_pipefail: bool,
    /// Whether the shell in force is one whose language is read; of others there are no commands.
    pub is_posix: bool,
}

impl<'a> Run<'a> {
    /// Whether it is `RUN`.
    #[must_use]
    pub fn is_run(&self) -> bool {
        self.instruction.keyword == Keyword::Run
    }

    /// Commands with the programs that they call in the end.
    pub fn calls(&self) -> impl Iterator<Item = (&Command, Call<'_>)> {
        self.script.commands.iter().filter_map(|command| Some((command, command.call()?)))
    }

    /// The folder that `--mount=type=cache` or `type=tmpfs` keeps out of the layer, if one of its targets is it or is above it.
    #[must_use]
    pub fn is_mounted(&self, folder: &str) -> bool {
        let mounts = self.instruction.flags.iter().filter(|flag| flag.name == "mount");
        mounts.filter_map(|flag| flag.value.as_deref()).any(|mount| {
            let fields = || mount.split(',').filter_map(|field| field.split_once('='));
            let is_kept_out = fields().any(|(name, value)| name == "type" && matches!(value, "cache" | "tmpfs"));
            let targets = fields().filter(|(name, _)| matches!(*name, "target" | "dst" | "destination"));
            let covers = |target: &str| {
                let target = target.trim_end_matches('/');
                folder == target || folder.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
            };
            is_kept_out && targets.map(|(_, target)| target).any(covers)
        })
    }
}

/// The shell in force, stage by stage.
#[derive(Clone, Copy)]
struct Shell {
    is_posix: bool,
    has_pipefail: bool,
}

impl<'a> Subject<'a> {
    /// Reads the commands of a file.
    #[must_use]
    pub fn new(file: &'a Dockerfile, around: Surroundings<'a>) -> Self {
        // The grave accent escapes where paths have backslashes.
        let default = Shell { is_posix: file.escape == '\\', has_pipefail: false };
        let mut at_end: Vec<Shell> = Vec::new();
        let mut shell = default;
        let mut runs = Vec::new();
        for (index, outer) in file.instructions.iter().enumerate() {
            let stage = file.stage_of(index);
            if outer.keyword == Keyword::From {
                shell = stage
                    .and_then(|stage| stage.base.stage)
                    .and_then(|base| at_end.get(base).copied())
                    .unwrap_or(default);
                shell.is_posix &= !stage.is_some_and(|stage| is_windows(&stage.base.word.text));
                at_end.push(shell);
            }
            for instruction in outer.with_triggers() {
                match instruction.keyword {
                    Keyword::Shell => shell = shell_of(instruction).unwrap_or(shell),
                    Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck => {
                        runs.extend(run(instruction, index, stage, shell));
                    }
                    _ => {}
                }
            }
            if let Some(last) = at_end.last_mut() {
                *last = shell;
            }
        }
        Self { file, around, runs }
    }

    /// Every command of `RUN` instructions, with the program that it calls.
    pub fn calls(&self) -> impl Iterator<Item = (&Run<'a>, &Command, Call<'_>)> {
        let runs = self.runs.iter().filter(|run| run.is_run());
        runs.flat_map(|run| run.calls().map(move |(command, call)| (run, command, call)))
    }

    /// The instructions of a keyword, triggered ones included, with the number in the file.
    pub fn instructions(&self, keyword: Keyword) -> impl Iterator<Item = (usize, &'a Instruction)> {
        let all = self.file.instructions.iter().enumerate();
        all.flat_map(move |(index, outer)| {
            outer.with_triggers().filter(move |inner| inner.keyword == keyword).map(move |inner| (index, inner))
        })
    }

    /// The stage that is built when no other is asked for: the last.
    #[must_use]
    pub fn final_stage(&self) -> Option<&'a Stage> {
        self.file.stages.last()
    }

    /// The instructions of a keyword that a later one of the same stage replaces, with their numbers.
    pub fn repeated(&self, keyword: Keyword) -> impl Iterator<Item = (&'a Instruction, usize)> {
        let file = self.file;
        file.stages.iter().flat_map(move |stage| {
            let of_keyword = |(_, instruction): &(usize, &Instruction)| instruction.keyword == keyword;
            let all: Vec<(usize, &Instruction)> = file.body(stage).enumerate().filter(of_keyword).collect();
            let replaced = all.len().saturating_sub(1);
            all.into_iter().take(replaced).map(move |(at, instruction)| (instruction, stage.from + 1 + at))
        })
    }

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

    /// The stage that `--from` names, by its name or number.
    #[must_use]
    pub fn stage_named(&self, name: &str) -> Option<&'a Stage> {
        let is_named = |stage: &&Stage| stage.name.as_ref().is_some_and(|own| own.text.eq_ignore_ascii_case(name));
        let by_number = name.parse().ok().and_then(|number: usize| self.file.stages.get(number));
        self.file.stages.iter().rev().find(is_named).or(by_number)
    }

    /// Whether `WORKDIR` is set before an instruction, in its stage or one below.
    #[must_use]
    pub fn has_workdir(&self, stage: &'a Stage, index: usize) -> bool {
        let sets = |from: usize, end: usize| {
            let instructions = self.file.instructions.get(from..end).unwrap_or_default();
            instructions.iter().any(|instruction| instruction.keyword == Keyword::Workdir)
        };
        sets(stage.from, index) || self.chain(stage).skip(1).any(|below| sets(below.from, below.end))
    }

    /// Whether a stage becomes an image: it is the last, or one that nothing in the file uses and so is there to be asked for, or such a one is built on it.
    #[must_use]
    pub fn is_shipped(&self, stage: &Stage) -> bool {
        let is_used = |stage: &Stage| {
            self.file.stages.iter().any(|other| other.base.stage == Some(stage.index)) || self.is_copied_from(stage)
        };
        let ends = self.file.stages.iter().filter(|end| end.index + 1 == self.file.stages.len() || !is_used(end));
        ends.into_iter().any(|end| self.chain(end).any(|below| below.index == stage.index))
    }

    fn is_copied_from(&self, stage: &Stage) -> bool {
        let is_named = |name: &str| {
            name.parse() == Ok(stage.index)
                || stage.name.as_ref().is_some_and(|own| own.text.eq_ignore_ascii_case(name))
        };
        let flags = self
            .file
            .instructions
            .iter()
            .flat_map(Instruction::with_triggers)
            .flat_map(|instruction| &instruction.flags);
        flags.filter_map(|flag| Some((flag.name.as_str(), flag.value.as_deref()?))).any(|(name, value)| match name {
            "from" => is_named(value),
            "mount" => value.split(',').filter_map(|field| field.strip_prefix("from=")).any(is_named),
            _ => false,
        })
    }

    /// Whether a word of a command stands in the file as it is, and can be edited there; that of a script in quotes does not.
    #[must_use]
    pub fn is_verbatim(&self, word: &shell::Word) -> bool {
        self.file.source.get(&word.span) == word.text
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

    /// Whether the file writes something of this name into a configuration, in a `RUN` or a heredoc: letters count as the same in both cases.
    #[must_use]
    pub fn configures(&self, name: &str) -> bool {
        let instructions = self
            .file
            .instructions
            .iter()
            .filter(|instruction| matches!(instruction.keyword, Keyword::Run | Keyword::Copy | Keyword::Add));
        let texts = instructions.map(|instruction| self.file.source.get(&instruction.span).to_ascii_lowercase());
        // An option of one command is not meant here.
        texts
            .into_iter()
            .any(|text| text.replace("--no-install-recommends", "").contains(name) && text.contains("/etc/"))
    }

    /// A command more at the end of a `RUN`, in the layout of its lines; none where its end is not plain to see.
    #[must_use]
    pub fn append(&self, run: &Run<'_>, command: &str) -> Option<Edit> {
        let Body::Shell(text) = &run.instruction.body else { return None };
        let shell = text.text();
        let is_open = shell.ends_with([';', '&', '|', '\\']) || shell.contains(" #") || shell.contains("<<");
        if is_open
            || !run.instruction.heredocs.is_empty()
            || run.script.fault.is_some()
            || run.instruction.span.is_empty()
        {
            return None;
        }
        let at = text.span(&(0..shell.len())).end;
        let lines: Vec<&str> = self.file.source.get(&(run.instruction.span.start..at)).lines().collect();
        let indent = |line: &str| line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect::<String>();
        let leading = lines.iter().skip(1).find(|line| line.trim_start().starts_with("&&"));
        let text = match (leading, lines.get(1)) {
            (Some(line), _) => {
                let gap = if line.trim_start().starts_with("&& ") { " " } else { "" };
                format!(" {}\n{}&&{gap}{command}", self.file.escape, indent(line))
            }
            (None, Some(_)) => format!(" && {}\n{}{command}", self.file.escape, indent(lines.last().unwrap_or(&""))),
            (None, None) => format!(" && {command}"),
        };
        Some(Edit::insert(at, text))
    }

    /// The stages that a stage is built on, itself first.
    pub fn chain(&self, stage: &'a Stage) -> Stages<'a> {
        Stages { file: self.file, next: Some(stage) }
    }
}

/// Stages, each built on the next.
pub struct Stages<'a> {
    file: &'a Dockerfile,
    next: Option<&'a Stage>,
}

impl<'a> Iterator for Stages<'a> {
    type Item = &'a Stage;

    fn next(&mut self) -> Option<&'a Stage> {
        let stage = self.next?;
        // A stage's base stands before it, so this ends.
        self.next = stage.base.stage.and_then(|base| self.file.stages.get(base));
        Some(stage)
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

fn is_windows(base: &str) -> bool {
    let base = base.to_ascii_lowercase();
    base.contains("windows") || base.contains("nanoserver")
}

fn shell_of(instruction: &Instruction) -> Option<Shell> {
    let words = instruction.words();
    let program = words.first()?.text.rsplit('/').next()?;
    let has_pipefail = words.iter().any(|word| word.text == "pipefail" || word.text.ends_with("pipefail"));
    Some(Shell { is_posix: SHELLS.contains(&program), has_pipefail })
}

fn run<'a>(instruction: &'a Instruction, index: usize, stage: Option<&'a Stage>, shell: Shell) -> Option<Run<'a>> {
    let body = match &instruction.body {
        Body::Health(_, inner) => inner,
        body => body,
    };
    let (script, is_shell) = match body {
        Body::Exec(words) => {
            let words = words.iter().map(|word| (word.text.as_str(), word.span.clone()));
            (shell::of_words(words), false)
        }
        Body::Shell(text) if shell.is_posix => (shell_script(text, &instruction.heredocs), true),
        Body::Shell(_) => (Script::default(), true),
        _ => return None,
    };
    Some(Run {
        instruction,
        index,
        stage,
        script,
        is_shell,
        has_pipefail: shell.has_pipefail,
        is_posix: shell.is_posix,
    })
}

/// The commands of a shell form, and of the heredoc that is its script.
fn shell_script(text: &Joined, heredocs: &[Heredoc]) -> Script {
    let mut script = placed(shell::parse(text.text()), text);
    let Some(heredoc) = heredocs.first() else { return script };
    // `RUN <<EOF` gives its lines to the shell, or to what their first line names; so does `RUN bash -e <<EOF`.
    let reader = script.commands.first().and_then(Command::call).map(|call| call.name.to_owned());
    let body = heredoc.body.text();
    let is_script = match reader {
        None => {
            !body.starts_with("#!")
                || SHELLS.iter().any(|shell| body.lines().next().is_some_and(|line| line.ends_with(shell)))
        }
        Some(name) => SHELLS.contains(&name.as_str()),
    };
    if is_script {
        let inner = placed(shell::parse(body), &heredoc.body);
        script.commands.extend(inner.commands);
        script.fault = script.fault.or(inner.fault);
    }
    script
}

/// A script with its places in the file.
fn placed(mut script: Script, text: &Joined) -> Script {
    for command in &mut script.commands {
        command.span = text.span(&command.span);
        let targets = command.redirects.iter_mut().map(|redirect| &mut redirect.target);
        for word in command.assignments.iter_mut().chain(&mut command.words).chain(targets) {
            word.span = text.span(&word.span);
        }
    }
    if let Some(fault) = &mut script.fault {
        fault.at = text.place(fault.at);
    }
    script
}
