//! A Dockerfile with the commands that it runs.

use crate::dockerfile::{Body, Dockerfile, Heredoc, Instruction, Joined, Keyword, Stage};
use crate::lint::{Edit, Surroundings};
use crate::shell::{self, Call, Command, Script};

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
