//! What a command calls: the program behind `sudo`, `env` and the like, and its arguments.

use super::parse::{Parser, Stop};
use super::{Command, MAX_DEPTH, Script, Word};

/// Programs that run another one, with the options of theirs that take a value.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "--user", "--group"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "-S", "--unset", "--chdir"]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("time", &["-f", "-o"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n"]),
    ("nohup", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"]),
    ("xargs", &["-I", "-n", "-P", "-L", "-d", "-a", "-E", "-s"]),
    ("gosu", &[]),
    ("su-exec", &[]),
    ("chroot", &[]),
    ("eatmydata", &[]),
];

/// Those of them whose first operand is not the program.
const TAKES_OPERAND: &[&str] = &["timeout", "gosu", "su-exec", "chroot"];

/// Shells.
const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "ksh"];

/// A program with its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The program, without its folder.
    pub name: &'a str,
    /// Its word.
    pub word: &'a Word,
    /// Its arguments.
    pub arguments: &'a [Word],
}

impl Command {
    /// The program as it stands there; none of a command without words.
    #[must_use]
    pub fn written(&self) -> Option<Call<'_>> {
        Call::of(&self.words)
    }

    /// The program that is run in the end, behind wrappers such as `sudo` and `env`.
    #[must_use]
    pub fn call(&self) -> Option<Call<'_>> {
        let mut call = self.written()?;
        while let Some((_, with_value)) = WRAPPERS.iter().find(|(name, _)| *name == call.name) {
            match Call::of(wrapped(call.name, call.arguments, with_value)) {
                Some(inner) => call = inner,
                None => break,
            }
        }
        Some(call)
    }
}

/// The words of the command that a wrapper runs.
fn wrapped<'a>(wrapper: &str, arguments: &'a [Word], with_value: &[&str]) -> &'a [Word] {
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        let is_value = at > 0 && arguments.get(at - 1).is_some_and(|last| with_value.contains(&last.text.as_str()));
        let is_option = word.text.starts_with('-') || (matches!(wrapper, "env" | "sudo") && word.text.contains('='));
        if !is_value && !is_option {
            break;
        }
        at += 1;
    }
    let at = at + usize::from(TAKES_OPERAND.contains(&wrapper));
    arguments.get(at..).unwrap_or_default()
}

impl<'a> Call<'a> {
    fn of(words: &'a [Word]) -> Option<Self> {
        let (word, arguments) = words.split_first()?;
        Some(Self { name: word.text.rsplit('/').next().unwrap_or_default(), word, arguments })
    }

    /// Whether an option is given: `-y` alone or among other letters (`-qy`), a long one alone or with a value.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.option(option).is_some()
    }

    /// Whether one of them is given.
    #[must_use]
    pub fn has_any(&self, options: &[&str]) -> bool {
        options.iter().any(|option| self.has(option))
    }

    /// The word of an option.
    #[must_use]
    pub fn option(&self, option: &str) -> Option<&'a Word> {
        let letter = option.strip_prefix('-').filter(|rest| rest.chars().count() == 1);
        self.arguments.iter().take_while(|word| word.text != "--").find(|word| {
            let is_cluster = word.text.starts_with('-') && !word.text.starts_with("--");
            let has_value = word.text.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
            word.text == option || has_value || letter.is_some_and(|letter| is_cluster && word.text.contains(letter))
        })
    }

    /// Arguments that are no options, without the values of the options that take one.
    pub fn operands(&self, with_value: &'a [&'a str]) -> impl Iterator<Item = &'a Word> {
        let mut skip = false;
        let mut only_operands = false;
        self.arguments.iter().filter(move |word| {
            if std::mem::take(&mut skip) {
                return false;
            }
            if only_operands || !word.text.starts_with('-') || word.text == "-" {
                return true;
            }
            only_operands = word.text == "--";
            skip = with_value.contains(&word.text.as_str());
            false
        })
    }

    /// Whether it is a program, called with this first operand.
    #[must_use]
    pub fn is(&self, name: &str, subcommand: &str) -> bool {
        self.name == name && self.operands(&[]).next().is_some_and(|word| word.text == subcommand)
    }
}

/// Adds the commands of `sh -c '…'`, whose places are that of the argument.
pub(super) fn open_shells(script: &mut Script) {
    let mut at = 0;
    while let Some(command) = script.commands.get(at) {
        at += 1;
        let Some(text) = shell_text(command).filter(|_| command.depth < MAX_DEPTH) else { continue };
        let (span, inner_text, depth) = (text.span.clone(), text.text.clone(), command.depth + 1);
        let mut inner = Parser::new(&inner_text, 0, depth);
        inner.words = script.commands.len();
        inner.list(Stop::End);
        script.is_cut |= inner.script.is_cut;
        for mut command in inner.script.commands {
            command.span = span.clone();
            command.assignments.iter_mut().chain(&mut command.words).for_each(|word| word.span = span.clone());
            command.redirects.iter_mut().for_each(|redirect| redirect.target.span = span.clone());
            script.commands.push(command);
        }
    }
}

/// The script of `sh -c`.
fn shell_text(command: &Command) -> Option<&Word> {
    let call = command.call().filter(|call| SHELLS.contains(&call.name))?;
    let is_flag = |word: &Word| word.text.starts_with('-') && !word.text.starts_with("--") && word.text.ends_with('c');
    let flag = call.arguments.iter().position(is_flag)?;
    call.arguments.get(flag + 1)
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn wrappers_are_looked_through() {
        for (text, name, first) in [
            ("sudo -E -u root apt-get install x", "apt-get", "install"),
            ("env -i A=1 /usr/bin/pip install x", "pip", "install"),
            ("xargs -0 -n 1 rm -f", "rm", "-f"),
            ("timeout -k 5 10 curl x", "curl", "x"),
            ("sudo", "sudo", ""),
        ] {
            let script = parse(text);
            let call = script.commands[0].call().unwrap();
            let argument = call.arguments.first().map_or("", |word| word.text.as_str());
            assert_eq!((call.name, argument), (name, first), "{text}");
        }
    }

    #[test]
    fn options_are_told_from_operands() {
        let script = parse("apt-get -qq install -yt stable --no-install-recommends=true a -- -b");
        let call = script.commands[0].call().unwrap();
        assert!(call.has("-y") && call.has("-q") && call.has("--no-install-recommends") && !call.has("-b"));
        let operands: Vec<_> = call.operands(&["-yt"]).map(|word| word.text.as_str()).collect();
        assert_eq!(operands, ["install", "a", "-b"]);
        assert!(call.is("apt-get", "install"));
    }
}
