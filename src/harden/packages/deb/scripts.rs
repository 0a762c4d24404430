//! Whether a maintainer script would do anything, found out without running it.
//!
//! Most scripts are made by debhelper and do nothing at an upgrade: they ask `[ "$1" = purge ]`, or call helpers that only act when an old enough version is left. Here a script is read as a
//! shell would read it, with the arguments that dpkg would give it, and the first command that cannot be shown to do nothing is the answer. What is not understood counts as doing something.
//!
//! Sources: Debian Policy 6.5 and 6.6 (who is called with what); dpkg-maintscript-helper(1); POSIX.1-2024 "Shell Command Language".

use super::super::Found;
use super::super::stage::Stage;
use super::alternatives;
use super::fields::compare;
use super::shell::{Node, Script, Word, parse};
use crate::inspect::control::lines;

/// Longest script that is read; the longest of Debian has 60 KiB.
const MAX_SCRIPT_BYTES: usize = 1 << 18;

/// Largest of the image's tables that are looked into.
const MAX_TABLE_BYTES: u64 = 8 << 20;

/// Most words of a `test`; longer ones are not worked out.
const MAX_TEST_WORDS: usize = 32;

/// How much of a command is shown.
const MAX_SHOWN: usize = 80;

/// Commands whose meaning is known here; a function of such a name would be another.
const KNOWN: &[&str] = &[
    "set",
    ":",
    "true",
    "false",
    "echo",
    "printf",
    "unset",
    "export",
    "local",
    "exit",
    "return",
    "[",
    "test",
    "command",
    "which",
    "dpkg-maintscript-helper",
    "getent",
    "umask",
    "update-alternatives",
];

/// One call of a script.
pub(super) struct Call<'c> {
    /// `postinst`.
    pub(super) script: &'c str,
    /// `configure`, `1.2-3`.
    pub(super) arguments: Vec<&'c str>,
    /// The version that is installed, where one is.
    pub(super) installed: Option<&'c str>,
    /// `name` or `name:arch`.
    pub(super) package: &'c str,
}

/// What a call does that nobody can leave out; none when it does nothing.
pub(super) fn effect(text: &[u8], call: &Call<'_>, stage: &Stage<'_>) -> Option<String> {
    let says = |what: &str| Some(format!("its {} {what}", call.script));
    if text.len() > MAX_SCRIPT_BYTES {
        return says("is too long to be looked through");
    }
    let Ok(text) = std::str::from_utf8(text) else { return says("is not UTF-8") };
    let first = text.lines().next().unwrap_or_default();
    let is_shell = first.strip_prefix("#!").is_some_and(|line| {
        matches!(line.split_whitespace().next(), Some("/bin/sh" | "/bin/bash" | "/usr/bin/sh" | "/usr/bin/bash"))
    });
    if !is_shell {
        return says("is no shell script");
    }
    let Some(script) = parse(text) else { return says("is more than can be looked through") };
    let mut reading = Reading { call, stage, variables: Vec::new() };
    match reading.list(&script) {
        Ok(_) => None,
        Err(what) => says(&format!("runs `{what}`")),
    }
}

/// What a command or a list of them ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    True,
    False,
    /// Either.
    Unknown,
    /// The script ends here.
    Exit,
}

struct Reading<'r> {
    call: &'r Call<'r>,
    stage: &'r Stage<'r>,
    /// Variables with a known value, newest last.
    variables: Vec<(String, String)>,
}

impl Reading<'_> {
    /// Walks through a list; the error is the command that does something.
    fn list(&mut self, script: &Script) -> Result<Outcome, String> {
        let mut last = Outcome::True;
        for node in script {
            last = self.node(node)?;
            if last == Outcome::Exit {
                break;
            }
        }
        Ok(last)
    }

    fn node(&mut self, node: &Node) -> Result<Outcome, String> {
        match node {
            Node::Command { assignments, words } => self.command(assignments, words),
            Node::Not(inner) => Ok(match self.node(inner)? {
                Outcome::True => Outcome::False,
                Outcome::False => Outcome::True,
                other => other,
            }),
            Node::And(left, right) => self.joined(left, right, Outcome::True),
            Node::Or(left, right) => self.joined(left, right, Outcome::False),
            Node::Group(list) => self.list(list),
            Node::If { branches, otherwise } => self.branches(branches, otherwise),
            Node::Case { word, arms } => self.case(word, arms),
            // Only a call of it would do something, and no call of an unknown name is taken.
            Node::Function(name) if !KNOWN.contains(&name.as_str()) => Ok(Outcome::True),
            Node::Function(name) => Err(format!("{name}()")),
            Node::Unread(text) => Err(text.chars().take(MAX_SHOWN).collect()),
        }
    }

    /// `left && right`, `left || right`: the right side runs when the left one ended with `when`.
    fn joined(&mut self, left: &Node, right: &Node, when: Outcome) -> Result<Outcome, String> {
        match self.node(left)? {
            Outcome::Unknown => {
                let known = self.variables.clone();
                self.node(right)?;
                self.forget(&known);
                Ok(Outcome::Unknown)
            }
            outcome if outcome == when => self.node(right),
            outcome => Ok(outcome),
        }
    }

    /// After a branch that may or may not be taken only what it left alone is known.
    fn forget(&mut self, known: &[(String, String)]) {
        if self.variables != known {
            self.variables.clear();
        }
    }

    fn branches(&mut self, branches: &[(Script, Script)], otherwise: &Script) -> Result<Outcome, String> {
        for (condition, body) in branches {
            match self.list(condition)? {
                Outcome::True => return self.list(body),
                Outcome::False => {}
                Outcome::Exit => return Ok(Outcome::Exit),
                Outcome::Unknown => {
                    let known = self.variables.clone();
                    self.list(body)?;
                    self.forget(&known);
                    return self.rest_unknown(branches, otherwise);
                }
            }
        }
        self.list(otherwise)
    }

    /// Any of the branches may be taken: none of them may do anything. (Some are looked at twice, which is no harm.)
    fn rest_unknown(&mut self, branches: &[(Script, Script)], otherwise: &Script) -> Result<Outcome, String> {
        let lists = branches.iter().flat_map(|(condition, body)| [condition, body]).chain([otherwise]);
        for list in lists {
            let known = self.variables.clone();
            self.list(list)?;
            self.forget(&known);
        }
        Ok(Outcome::Unknown)
    }

    fn case(&mut self, word: &Word, arms: &[(Vec<Word>, Script)]) -> Result<Outcome, String> {
        if let Some(runs) = word.runs() {
            return Err(runs.to_owned());
        }
        let Some(value) = self.value(word) else {
            let all: Vec<(Script, Script)> = arms.iter().map(|(_, body)| (Script::new(), body.clone())).collect();
            return self.rest_unknown(&all, &Script::new());
        };
        for (patterns, body) in arms {
            for pattern in patterns {
                let Some(pattern) = self.value(pattern) else { return Err("case".to_owned()) };
                let is_glob = pattern.contains(['?', '[']) || (pattern.contains('*') && pattern != "*");
                if is_glob {
                    return Err(format!("case … {pattern})"));
                }
                if pattern == "*" || pattern == value {
                    return self.list(body);
                }
            }
        }
        Ok(Outcome::True)
    }

    fn command(&mut self, assignments: &[(String, Word)], words: &[Word]) -> Result<Outcome, String> {
        let mut all = assignments.iter().map(|(_, value)| value).chain(words);
        if let Some(runs) = all.find_map(Word::runs) {
            return Err(runs.chars().take(MAX_SHOWN).collect());
        }
        for (name, value) in assignments {
            self.variables.retain(|(other, _)| other != name);
            if let Some(value) = self.value(value) {
                self.variables.push((name.clone(), value));
            }
        }
        let Some(name) = words.first() else { return Ok(Outcome::True) };
        let shown =
            || words.iter().map(Word::shown).collect::<Vec<_>>().join(" ").chars().take(MAX_SHOWN).collect::<String>();
        let name = self.value(name).ok_or_else(shown)?;
        let arguments: Vec<Option<String>> = words.iter().skip(1).map(|word| self.value(word)).collect();
        match name.as_str() {
            // With words it replaces the arguments.
            "set"
                if arguments
                    .iter()
                    .any(|word| word.as_deref().is_none_or(|word| !word.starts_with(['-', '+']) || word == "--")) =>
            {
                Err(shown())
            }
            "set" | ":" | "umask" | "true" | "echo" | "printf" | "unset" | "export" | "local" => Ok(Outcome::True),
            "false" => Ok(Outcome::False),
            "exit" | "return" => match arguments.first() {
                None => Ok(Outcome::Exit),
                Some(Some(code)) if code == "0" => Ok(Outcome::Exit),
                _ => Err(shown()),
            },
            "[" => match arguments.split_last() {
                Some((Some(end), rest)) if end == "]" => Ok(self.test(rest)),
                _ => Err(shown()),
            },
            "test" => Ok(self.test(&arguments)),
            // They only look where a program is.
            "command" if arguments.first() == Some(&Some("-v".to_owned())) => Ok(Outcome::Unknown),
            "which" => Ok(Outcome::Unknown),
            "dpkg-maintscript-helper" => self.helper(&arguments).ok_or_else(shown),
            "getent" => self.account(&arguments).ok_or_else(shown),
            "update-alternatives" if alternatives::has(self.stage, &arguments) => Ok(Outcome::True),
            _ => Err(shown()),
        }
    }

    /// `test`, as far as it is used: comparisons of texts, files of the image, `-a`, `-o`, `!`.
    fn test(&self, arguments: &[Option<String>]) -> Outcome {
        if arguments.len() > MAX_TEST_WORDS {
            return Outcome::Unknown;
        }
        let is = |argument: &Option<String>, text: &str| argument.as_deref() == Some(text);
        for (joint, when) in [("-o", Outcome::True), ("-a", Outcome::False)] {
            let Some(at) = arguments.iter().position(|argument| is(argument, joint)) else { continue };
            let (left, right) = arguments.split_at(at);
            return match (self.test(left), self.test(right.get(1..).unwrap_or_default())) {
                (left, right) if left == when || right == when => when,
                (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
                (left, _) => left,
            };
        }
        let truth = |value: bool| if value { Outcome::True } else { Outcome::False };
        match arguments {
            [not, rest @ ..] if is(not, "!") => match self.test(rest) {
                Outcome::True => Outcome::False,
                Outcome::False => Outcome::True,
                other => other,
            },
            [Some(left), Some(operator), Some(right)] => match operator.as_str() {
                "=" | "==" => truth(left == right),
                "!=" => truth(left != right),
                _ => Outcome::Unknown,
            },
            [Some(operator), Some(value)] => match operator.as_str() {
                "-n" => truth(!value.is_empty()),
                "-z" => truth(value.is_empty()),
                "-e" | "-f" | "-d" | "-L" | "-h" => self.look(operator, value),
                // Whether it can be run is a question of modes; what is not there cannot be.
                "-x" | "-r" | "-s" | "-w" if self.look("-e", value) == Outcome::False => Outcome::False,
                _ => Outcome::Unknown,
            },
            _ => Outcome::Unknown,
        }
    }

    /// What is at a path of the image, as the script would see it.
    fn look(&self, operator: &str, path: &str) -> Outcome {
        let mut normal = Vec::new();
        if !path.starts_with('/') || crate::layer::path::normalise(path.as_bytes(), &mut normal).is_err() {
            return Outcome::Unknown;
        }
        // What the engine puts there when the container runs is not known here.
        if [&b"dev/"[..], b"proc/", b"sys/"].iter().any(|mount| normal.starts_with(mount)) {
            return Outcome::Unknown;
        }
        let link = || self.stage.landing(&normal).and_then(|place| self.stage.at(&place));
        let found = || self.stage.follow(&normal).and_then(|place| self.stage.at(&place));
        let holds = match operator {
            "-e" => found().is_some(),
            "-f" => found() == Some(Found::File),
            "-d" => found() == Some(Found::Directory),
            _ => matches!(link(), Some(Found::Symlink(_))),
        };
        if holds { Outcome::True } else { Outcome::False }
    }

    /// `dpkg-maintscript-helper rm_conffile FILE PRIOR-VERSION [PACKAGE] -- "$@"`: it acts only on versions up to the prior one. None where it would act, or cannot be read.
    fn helper(&self, arguments: &[Option<String>]) -> Option<Outcome> {
        let end = arguments.iter().position(|argument| argument.as_deref() == Some("--"))?;
        let words: Option<Vec<&str>> = arguments.get(..end)?.iter().map(|word| word.as_deref()).collect();
        let words = words?;
        let prior = match words.as_slice() {
            ["supports", ..] => return Some(Outcome::True),
            ["rm_conffile" | "dir_to_symlink" | "symlink_to_dir", _, rest @ ..] => match words.first() {
                Some(&"rm_conffile") => rest.first()?,
                _ => rest.get(1)?,
            },
            ["mv_conffile", _, _, prior, ..] => prior,
            _ => return None,
        };
        match self.call.installed {
            // A new package has nothing to be moved away, but a link in the place of a folder may be made.
            None => (words.first() == Some(&"rm_conffile")).then_some(Outcome::True),
            // Without a prior version it acts at every version.
            Some(installed) => (!prior.is_empty() && compare(installed, prior)?.is_gt()).then_some(Outcome::True),
        }
    }

    /// `getent passwd NAME`, `getent group NAME`: whether the image has the account.
    fn account(&self, arguments: &[Option<String>]) -> Option<Outcome> {
        let [Some(table), Some(name)] = arguments else { return None };
        let file = match table.as_str() {
            "passwd" => &b"etc/passwd"[..],
            "group" => b"etc/group",
            _ => return None,
        };
        let text = self.stage.read(file, MAX_TABLE_BYTES).and_then(Result::ok).unwrap_or_default();
        let names = |line: &[u8]| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":"));
        Some(if lines(&text).any(names) { Outcome::True } else { Outcome::False })
    }

    /// The value of a word, where it is known.
    fn value(&self, word: &Word) -> Option<String> {
        word.value(&mut |name, default| {
            let value = match name {
                "0" => return None,
                "@" | "*" => return None,
                "#" => Some(self.call.arguments.len().to_string()),
                "DPKG_ROOT" => Some(String::new()),
                "DPKG_MAINTSCRIPT_NAME" => Some(self.call.script.to_owned()),
                "DPKG_MAINTSCRIPT_PACKAGE" => Some(self.call.package.split(':').next().unwrap_or_default().to_owned()),
                _ => match name.parse::<usize>() {
                    Ok(number) => {
                        let argument = self.call.arguments.get(number.wrapping_sub(1));
                        Some(argument.map(|text| (*text).to_owned()).unwrap_or_default())
                    }
                    Err(_) => {
                        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
                    }
                },
            };
            value.map(|value| if value.is_empty() { default.unwrap_or_default().to_owned() } else { value })
        })
    }
}
