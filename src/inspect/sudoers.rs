//! Who may run what as somebody else: `sudo`'s rules.
//!
//! Source: sudoers(5), sections "SUDOERS FILE FORMAT" and "Including other files from within sudoers". Aliases stand for themselves here: a rule that names one is known by
//! its name, not by what it stands for.

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, SudoRule, Sudoers};
use crate::layer::{Entry, FileView};

/// A site's rules have a few hundred KiB at most.
const MAX_BYTES: u64 = 1 << 20;

/// Most rules of a file.
const MAX_RULES: usize = 1000;

/// Most users, commands or included files that are kept of one rule or file.
const MAX_NAMES: usize = 100;

/// `etc/sudoers`, and what is in `etc/sudoers.d`; openSUSE has its own below `usr`.
pub(super) struct SudoRules;

static META: Meta = Meta {
    name: "os/sudoers",
    summary: "who may run what as root",
    required: false,
    doc: "**Reads** `etc/sudoers` and the files of `etc/sudoers.d`, below `usr/` too, up to 1 MiB each.\n\n**Reports** users and commands of each rule, which of them ask for no password, and the files that are included.\n\n\
          **Cannot see** rules in a directory service, and what aliases stand for.\n\n**Since** 0.3.0",
};

impl Inspector for SudoRules {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let path = entry.path.strip_prefix(b"usr/").unwrap_or(entry.path);
        path == b"etc/sudoers" || path.starts_with(b"etc/sudoers.d/")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let text = String::from_utf8_lossy(whole(file, MAX_BYTES)?);
        let (sudoers, outcome) = parse(&text);
        facts.push(Fact::Sudoers(sudoers));
        outcome
    }
}

fn parse(text: &str) -> (Sudoers, Result<(), InspectError>) {
    let mut sudoers = Sudoers::default();
    for (number, line) in logical_lines(text) {
        if let Some(included) = include(&line) {
            if sudoers.includes.len() < MAX_NAMES {
                sudoers.includes.push(included.to_owned());
            }
            continue;
        }
        let Some(rule) = rule(number, without_comment(&line)) else { continue };
        if sudoers.rules.len() >= MAX_RULES {
            let reason = "more rules than are read";
            return (sudoers, Err(InspectError::Line { line: usize::try_from(number).unwrap_or_default(), reason }));
        }
        sudoers.rules.push(rule);
    }
    (sudoers, Ok(()))
}

/// Lines with those that they go on with behind a backslash, each with the number of its first.
fn logical_lines(text: &str) -> impl Iterator<Item = (u32, String)> {
    let mut lines = (1u32..).zip(text.lines());
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut whole = first.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, more)) => whole.push_str(more),
                None => break,
            }
        }
        Some((number, whole))
    })
}

/// The file or folder that a line includes.
fn include(line: &str) -> Option<&str> {
    let line = line.trim();
    let words = ["@includedir", "#includedir", "@include", "#include"];
    let rest = words.iter().find_map(|word| line.strip_prefix(word))?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim().trim_matches('"'))
}

/// A `#` begins a comment, but for one before a number, which is a uid, and one that is quoted.
fn without_comment(line: &str) -> &str {
    let is_comment = |(at, _): &(usize, char)| {
        let before = line.get(..*at).unwrap_or_default();
        let is_uid = line.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        !is_uid && !before.ends_with('\\') && before.matches('"').count() % 2 == 0
    };
    let end = line.char_indices().filter(|(_, c)| *c == '#').find(is_comment);
    line.get(..end.map_or(line.len(), |(at, _)| at)).unwrap_or_default().trim()
}

fn rule(line: u32, text: &str) -> Option<SudoRule> {
    let first = text.split_whitespace().next()?;
    if first.starts_with("Defaults") {
        return default_rule(line, text);
    }
    if matches!(first, "User_Alias" | "Runas_Alias" | "Host_Alias" | "Cmnd_Alias" | "Cmd_Alias") {
        return None;
    }
    let (who, what) = text.split_once('=')?;
    // Lists may have blanks around their commas; the last word that is left is the hosts.
    let who = who.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    let users = who.split_whitespace().next()?.split(',').take(MAX_NAMES).map(str::to_owned).collect();
    let mut rule = SudoRule { line, users, commands: Vec::new(), without_password: Vec::new() };
    let mut is_free = false;
    for command in what.split([',', ':']).flat_map(tagged) {
        match command {
            Tagged::Tag("NOPASSWD") => is_free = true,
            Tagged::Tag("PASSWD") => is_free = false,
            Tagged::Tag(_) => {}
            Tagged::Command(command) => {
                let list = if is_free { &mut rule.without_password } else { &mut rule.commands };
                if list.len() < MAX_NAMES {
                    list.push(command.chars().take(MAX_NAMES).collect());
                }
            }
        }
    }
    Some(rule)
}

/// What may stand before a command, with a colon; sudoers(5), "Tag_Spec".
const TAGS: &[&str] = &[
    "EXEC",
    "FOLLOW",
    "INTERCEPT",
    "LOG_INPUT",
    "LOG_OUTPUT",
    "MAIL",
    "NOEXEC",
    "NOFOLLOW",
    "NOINTERCEPT",
    "NOLOG_INPUT",
    "NOLOG_OUTPUT",
    "NOMAIL",
    "NOPASSWD",
    "NOSETENV",
    "PASSWD",
    "SETENV",
];

/// A part of a list of commands.
enum Tagged<'a> {
    Tag(&'a str),
    Command(&'a str),
}

/// `(root) NOPASSWD` before a colon is a tag, `ALL` behind it a command. The users that it is run as stand in parentheses before both.
fn tagged(part: &str) -> Option<Tagged<'_>> {
    let part = part.trim();
    let part = match part.strip_prefix('(') {
        Some(rest) => rest.split_once(')').map_or("", |(_, rest)| rest.trim()),
        // Of `(root:root)` the part behind the colon.
        None => part.split_once(')').filter(|(before, _)| !before.contains('(')).map_or(part, |(_, rest)| rest.trim()),
    };
    match part {
        "" => None,
        tag if TAGS.contains(&tag) => Some(Tagged::Tag(tag)),
        command => Some(Tagged::Command(command)),
    }
}

/// `Defaults !authenticate`, which asks nobody for a password, or only those behind `Defaults:`.
fn default_rule(line: u32, text: &str) -> Option<SudoRule> {
    let (scope, settings) = text.split_once(char::is_whitespace)?;
    let is_off = settings.split(',').any(|setting| setting.trim().replace(' ', "") == "!authenticate");
    let users = match scope.strip_prefix("Defaults")? {
        "" => "ALL",
        scope => scope.strip_prefix(':')?,
    };
    is_off.then(|| SudoRule {
        line,
        users: users.split(',').take(MAX_NAMES).map(str::to_owned).collect(),
        commands: Vec::new(),
        without_password: vec!["ALL".to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users, commands with a password and without one, of each rule.
    fn rules(text: &str) -> Vec<(u32, String, String, String)> {
        let rules = parse(text).0.rules.into_iter();
        rules
            .map(|rule| (rule.line, rule.users.join(","), rule.commands.join(","), rule.without_password.join(",")))
            .collect()
    }

    fn row(line: u32, users: &str, commands: &str, free: &str) -> (u32, String, String, String) {
        (line, users.into(), commands.into(), free.into())
    }

    #[test]
    fn reads_the_forms_of_the_manual() {
        let text = "Defaults\tenv_reset\nDefaults secure_path=\"/usr/sbin:/usr/bin\"\nUser_Alias ADMINS = a, b\n\
            root\tALL=(ALL:ALL) ALL\n%sudo ALL=(ALL) NOPASSWD: ALL # everybody\n\
            app, www ALL = (root) NOPASSWD: /bin/kill, PASSWD: /bin/ls, \\\n   /usr/bin/lprm\n\
            #1000 ALL=NOPASSWD:SETENV:/bin/true,SHUTDOWN\nx ALL=(root:adm) ALL\nDefaults:build !authenticate\n# comment = ALL\n\n";
        assert_eq!(
            rules(text),
            [
                row(4, "root", "ALL", ""),
                row(5, "%sudo", "", "ALL"),
                row(6, "app,www", "/bin/ls,/usr/bin/lprm", "/bin/kill"),
                row(8, "#1000", "", "/bin/true,SHUTDOWN"),
                row(9, "x", "ALL", ""),
                row(10, "build", "", "ALL"),
            ]
        );
    }

    #[test]
    fn included_files_are_named() {
        let text = "@includedir /etc/sudoers.d\n#includedir /a\n#include \"/b c\"\n#included\n";
        assert_eq!(parse(text).0.includes, ["/etc/sudoers.d", "/a", "/b c"]);
    }

    #[test]
    fn more_rules_than_are_read_are_told() {
        let (sudoers, outcome) = parse(&"a ALL=ALL\n".repeat(MAX_RULES + 1));
        assert_eq!(sudoers.rules.len(), MAX_RULES);
        assert!(outcome.is_err());
    }
}
