//! Lists of commands. Sources: POSIX.1-2024, "Shell Command Language", 2.9 and 2.10; bash's manual for `[[`, `((`, `&>` and `<( … )`.

use super::word::ends_word;
use super::{Command, Fault, Link, MAX_WORDS, Redirect, Script, Word};

/// Words that begin, divide or end compound commands, where a command's name would stand.
const RESERVED: &[&str] = &[
    "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "{", "}", "!", "time", "esac", "function",
    "coproc",
];

/// Reads a script. What is wrong with it is told in it, with all commands before that.
#[must_use]
pub fn parse(text: &str) -> Script {
    let mut parser = Parser::new(text, 0, 0);
    parser.list(Stop::End);
    let mut script = parser.script;
    super::call::open_shells(&mut script);
    script.commands.sort_by_key(|command| command.span.start);
    script
}

/// A command that is there in words already, as in a JSON form; the scripts that it gives to a shell are read.
#[must_use]
pub fn of_words<'a>(words: impl IntoIterator<Item = (&'a str, std::ops::Range<usize>)>) -> Script {
    let word = |(text, span): (&str, std::ops::Range<usize>)| Word {
        text: text.to_owned(),
        span,
        is_literal: true,
        is_quoted: true,
    };
    let words: Vec<Word> = words.into_iter().take(MAX_WORDS).map(word).collect();
    let span = words.first().map_or(0, |word| word.span.start)..words.last().map_or(0, |word| word.span.end);
    let command = Command { words, span, ..Command::default() };
    let mut script = Script { commands: vec![command], ..Script::default() };
    super::call::open_shells(&mut script);
    script
}

/// What ends a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    End,
    Parenthesis,
}

/// What a list is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Parenthesis,
    /// `case`; its patterns end with a parenthesis that opens nothing.
    Case,
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) script: Script,
    pub(super) words: usize,
    /// Heredocs whose bodies begin with the next line, and whether tabs are stripped.
    heredocs: Vec<(String, bool)>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, at: usize, depth: usize) -> Self {
        Self { text, at, depth, script: Script::default(), words: 0, heredocs: Vec::new() }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    pub(super) fn fault(&mut self, reason: &'static str, at: usize) {
        self.script.fault.get_or_insert(Fault { reason, at });
    }

    /// Reads commands up to the end; false where `stop` did not come.
    pub(super) fn list(&mut self, stop: Stop) -> bool {
        let (mut blocks, mut command) = (Vec::new(), self.command(Link::Next));
        loop {
            self.blanks();
            let Some(byte) = self.peek() else {
                self.finish(command);
                return stop == Stop::End;
            };
            if is_open_test(&command) && byte != b'\n' {
                self.test_word(&mut command);
                continue;
            }
            match byte {
                b'#' => self.comment(),
                b'(' => self.parenthesis(&mut command, &mut blocks),
                b')' => {
                    self.at += 1;
                    self.finish(std::mem::take(&mut command));
                    if blocks.pop().is_none() && stop == Stop::Parenthesis {
                        return true;
                    }
                    command = self.command(Link::Next);
                }
                b'\n' | b';' | b'&' | b'|' if !self.is_redirect() => {
                    let link = self.separator(&mut blocks);
                    self.finish(std::mem::take(&mut command));
                    command = self.command(link);
                }
                _ if self.is_redirect() => self.redirect(&mut command),
                _ => self.plain_word(&mut command, &mut blocks),
            }
            if self.words > MAX_WORDS {
                self.script.is_cut = true;
                self.at = self.text.len();
            }
        }
    }

    fn command(&self, link: Link) -> Command {
        Command { link, depth: self.depth, ..Command::default() }
    }

    fn finish(&mut self, mut command: Command) {
        let words = command.assignments.iter().chain(&command.words);
        let spans = words.map(|word| &word.span).chain(command.redirects.iter().map(|redirect| &redirect.target.span));
        let (starts, ends): (Vec<usize>, Vec<usize>) = spans.map(|span| (span.start, span.end)).unzip();
        if let (Some(start), Some(end)) = (starts.into_iter().min(), ends.into_iter().max()) {
            command.span = start..end;
            self.script.commands.push(command);
        }
    }

    /// Spaces and continued lines.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.bytes().get(self.at + 1) == Some(&b'\n') => self.at += 2,
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        self.at = memchr::memchr(b'\n', self.rest().as_bytes()).map_or(self.text.len(), |length| self.at + length);
    }

    fn parenthesis(&mut self, command: &mut Command, blocks: &mut Vec<Block>) {
        let is_arithmetic = self.rest().starts_with("((");
        if is_arithmetic && (command.words.is_empty() || command.words.first().is_some_and(|word| word.text == "for")) {
            return self.balanced(b'(', b')');
        }
        self.at += 1;
        self.blanks();
        if !command.words.is_empty() && self.peek() == Some(b')') {
            // A function's name: its body follows.
            self.at += 1;
            *command = self.command(Link::Next);
            return;
        }
        let link = command.link;
        self.finish(std::mem::take(command));
        *command = self.command(link);
        blocks.push(Block::Parenthesis);
    }

    /// An operator between commands.
    fn separator(&mut self, blocks: &mut Vec<Block>) -> Link {
        let rest = self.rest();
        let operators = [("&&", Link::And), ("||", Link::Or), ("|&", Link::Pipe), ("|", Link::Pipe)];
        if let Some((operator, link)) = operators.iter().find(|(operator, _)| rest.starts_with(operator)) {
            self.at += operator.len();
            self.line_breaks();
            return *link;
        }
        let ends_case = rest.starts_with(";;") || rest.starts_with(";&");
        self.at += if ends_case { 2 } else { 1 };
        if rest.starts_with('\n') {
            self.heredoc_bodies();
        }
        if ends_case && blocks.last() == Some(&Block::Case) {
            self.pattern(blocks);
        }
        Link::Next
    }

    /// After `&&`, `||` and `|` a command may stand on the next line.
    fn line_breaks(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.heredoc_bodies();
                }
                Some(b'#') => self.comment(),
                _ => return,
            }
        }
    }

    /// A pattern of `case` with its parenthesis, or `esac`.
    fn pattern(&mut self, blocks: &mut Vec<Block>) {
        self.line_breaks();
        let rest = self.rest();
        if rest.starts_with("esac") && rest.as_bytes().get(4).is_none_or(|byte| ends_word(*byte)) {
            self.at += 4;
            blocks.pop();
            return;
        }
        if self.peek() == Some(b'(') {
            self.at += 1;
        }
        while let Some(byte) = self.peek() {
            match byte {
                b')' => return self.at += 1,
                b' ' | b'\t' | b'\r' | b'|' | b'\n' => self.at += 1,
                byte if ends_word(byte) => return,
                _ => drop(self.word()),
            }
        }
    }

    fn plain_word(&mut self, command: &mut Command, blocks: &mut Vec<Block>) {
        let word = self.word();
        self.words += 1;
        if word.span.is_empty() {
            // Nothing that a word could begin with; what it is, is not ours to say.
            self.at += self.rest().chars().next().map_or(1, char::len_utf8);
            return;
        }
        let is_first = command.words.is_empty() && command.assignments.is_empty();
        if is_first && !word.is_quoted && RESERVED.contains(&word.text.as_str()) {
            if word.text == "esac" && blocks.last() == Some(&Block::Case) {
                blocks.pop();
            }
            return;
        }
        if command.words.is_empty() && is_assignment(&word) {
            return command.assignments.push(word);
        }
        let begins_case = command.words.len() == 2
            && word.text == "in"
            && command.words.first().is_some_and(|first| first.text == "case");
        if begins_case {
            *command = self.command(Link::Next);
            blocks.push(Block::Case);
            return self.pattern(blocks);
        }
        command.words.push(word);
    }

    /// Operators are words between `[[` and `]]`.
    fn test_word(&mut self, command: &mut Command) {
        let start = self.at;
        let mut word = self.word();
        if word.span.is_empty() {
            self.at = start + 1;
            word.text = self.text.get(start..self.at).unwrap_or_default().to_owned();
            word.span = start..self.at;
        }
        self.words += 1;
        command.words.push(word);
    }

    /// Whether a redirection begins here: `[number]<`, `[number]>`, `&>`.
    fn is_redirect(&self) -> bool {
        let rest = self.rest();
        let operator = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        operator.starts_with(['<', '>']) || rest.starts_with("&>")
    }

    fn redirect(&mut self, command: &mut Command) {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let known = ["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", ">&", ">>", ">|", "<(", ">(", "<", ">"];
        let operator = known.iter().find(|operator| self.rest().starts_with(**operator)).copied().unwrap_or("<");
        self.at += operator.len();
        self.words += 1;
        if operator.ends_with('(') {
            self.nested();
            let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
            return command.words.push(Word { text, span: start..self.at, ..Word::default() });
        }
        self.blanks();
        let target = self.word();
        if operator == "<<" || operator == "<<-" {
            self.heredocs.push((target.text.clone(), operator == "<<-"));
        }
        command.redirects.push(Redirect { operator: operator.to_owned(), target });
    }

    /// Passes over the bodies of heredocs, which begin here.
    fn heredoc_bodies(&mut self) {
        for (name, strips_tabs) in std::mem::take(&mut self.heredocs) {
            while self.at < self.text.len() {
                let rest = self.rest();
                let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
                let line = rest.get(..length).unwrap_or_default().trim_end_matches('\r');
                self.at = (self.at + length + 1).min(self.text.len());
                if name == if strips_tabs { line.trim_start_matches('\t') } else { line } {
                    break;
                }
            }
        }
    }
}

fn is_open_test(command: &Command) -> bool {
    let is = |word: Option<&Word>, text: &str| word.is_some_and(|word| word.text == text);
    is(command.words.first(), "[[") && !is(command.words.last(), "]]")
}

/// `NAME=value`, `NAME+=value`.
fn is_assignment(word: &Word) -> bool {
    let Some((name, _)) = word.text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let script = parse(text);
        assert_eq!(script.fault, None, "{text}");
        let show = |command: &Command| {
            let link = match command.link {
                Link::Next => "",
                Link::And => "&& ",
                Link::Or => "|| ",
                Link::Pipe => "| ",
            };
            let words = command.assignments.iter().chain(&command.words).map(|word| word.text.as_str());
            format!("{link}{}", words.collect::<Vec<_>>().join(" "))
        };
        script.commands.iter().map(show).collect()
    }

    #[test]
    fn lists_and_pipes() {
        assert_eq!(shown("a b && c || d | e; f & g\nh"), ["a b", "&& c", "|| d", "| e", "f", "g", "h"]);
        assert_eq!(shown("a &&\n  # why\n  b | \n c"), ["a", "&& b", "| c"]);
        assert_eq!(shown("a \\\n  b # c && d\ne"), ["a b", "e"]);
        assert_eq!(shown("X=1 Y+=2 make -j4 2>&1 >/dev/null"), ["X=1 Y+=2 make -j4"]);
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            shown(r#"echo "a && b" 'c; d' e\ f "x\"y$HOME" $'a\'b'"#),
            [r#"echo a && b c; d e f x"y$HOME a\'b"#]
        );
        let script = parse("a 'b c' d\"$e\"");
        let words: Vec<_> = script.commands[0].words.iter().map(|word| (word.span.clone(), word.is_literal)).collect();
        assert_eq!(words, [(0..1, true), (2..7, true), (8..13, false)]);
    }

    #[test]
    fn compound_commands_give_their_commands() {
        assert_eq!(shown("if [ -f a ]; then b; elif c; then d; else e; fi"), ["[ -f a ]", "b", "c", "d", "e"]);
        assert_eq!(shown("for x in a b; do echo $x; done | sort"), ["for x in a b", "echo $x", "| sort"]);
        assert_eq!(shown("case \"$a\" in x|y) b;; (z) c ;; *) d; esac && e"), ["b", "c", "d", "&& e"]);
        assert_eq!(
            shown("f() { a; }; (b && c); [[ $x == y && -n z ]] || d"),
            ["a", "b", "&& c", "[[ $x == y & & -n z ]]", "|| d"]
        );
        assert_eq!(shown("((i++)); for ((i=0;i<3;i++)); do a; done"), ["for", "a"]);
    }

    #[test]
    fn substitutions_are_commands_too() {
        assert_eq!(
            shown("a $(b | c) \"$(d \"e f\")\" `g h`"),
            ["a $(b | c) $(d \"e f\") `g h`", "b", "| c", "d e f", "g h"]
        );
        assert_eq!(shown("diff <(a) <(b c)"), ["diff <(a) <(b c)", "a", "b c"]);
        assert_eq!(shown("echo $((1 + (2))) ${x:-a b}"), ["echo $((1 + (2))) ${x:-a b}"]);
        assert_eq!(shown("bash -c 'a && b' x"), ["bash -c a && b x", "a", "&& b"]);
    }

    #[test]
    fn heredocs_are_no_commands() {
        assert_eq!(shown("cat <<EOF > x && a\nnot a command\nEOF\nb"), ["cat", "&& a", "b"]);
        assert_eq!(shown("cat <<-'E'\n\tx\n\tE\nb"), ["cat", "b"]);
    }

    #[test]
    fn what_is_open_is_told_and_nesting_ends() {
        assert_eq!(parse("a 'b").fault.map(|fault| fault.at), Some(2));
        assert_eq!(parse("a $(b").fault.map(|fault| fault.at), Some(4));
        let deep = "$(".repeat(5000) + &")".repeat(5000);
        assert_eq!(parse(&deep).fault, None);
        let many = parse(&"a;".repeat(MAX_WORDS + 10));
        assert!(many.is_cut && many.commands.len() <= MAX_WORDS + 1);
    }
}
