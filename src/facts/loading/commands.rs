//! The words of a shell script that stand where commands do.
//!
//! Source: POSIX.1-2024, "Shell Command Language", sections 2.2 (quoting), 2.3 (tokens), 2.7.4 (here-documents) and 2.9 (commands). This is no parser of the
//! language: where it is unsure it takes a word for a command, since a word that names no program of the image changes nothing. Only what looks like the name
//! of a program is kept, so that no value gets into the cache.

use std::collections::BTreeSet;

/// Most commands of one script; a package's largest has some 300.
const MAX_COMMANDS: usize = 2000;

/// Longest name of a program without folders, and longest path of one.
const MAX_NAME: usize = 32;
const MAX_PATH: usize = 255;

/// Words of the language before a command, or instead of one.
const KEYWORDS: &[&[u8]] = &[
    b"if", b"then", b"elif", b"else", b"while", b"until", b"do", b"!", b"{", b"exec", b"time", b"command", b"builtin",
    b"coproc", b"fi", b"done", b"esac",
];

/// Programs that start what stands among their arguments.
const STARTERS: &[&[u8]] = &[
    b"env",
    b"gosu",
    b"su-exec",
    b"setpriv",
    b"su",
    b"sudo",
    b"doas",
    b"runuser",
    b"chroot",
    b"nice",
    b"ionice",
    b"nohup",
    b"setsid",
    b"stdbuf",
    b"timeout",
    b"xargs",
    b"tini",
    b"dumb-init",
    b"catatonit",
    b"exec",
    b"eval",
    b"trap",
    b"sh",
    b"bash",
    b"dash",
    b"ash",
];

/// Deepest text within a text (`sh -c "…"`) that is looked at.
const MAX_DEPTH: usize = 4;

/// Adds at most 2000 commands of `script` to `words`.
pub fn add<'s>(script: &'s [u8], words: &mut BTreeSet<&'s [u8]>) {
    add_nested(script, words, 0);
}

fn add_nested<'s>(script: &'s [u8], words: &mut BTreeSet<&'s [u8]>, depth: usize) {
    let mut lexer = Lexer { script, at: 0, documents: Vec::new() };
    let mut place = Place::Command;
    while let Some(token) = lexer.next() {
        if words.len() >= MAX_COMMANDS {
            return;
        }
        let Token::Word { word, quoted } = token else {
            place = Place::Command;
            continue;
        };
        if quoted && depth < MAX_DEPTH && (place == Place::Started || has_substitution(word)) {
            add_nested(word, words, depth + 1);
        }
        place = match place {
            Place::Argument => Place::Argument,
            Place::Command if KEYWORDS.contains(&word) || is_assignment(word) => Place::Command,
            Place::Command | Place::Started => {
                words.extend(program_name(word));
                let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                if place == Place::Started || STARTERS.contains(&name) { Place::Started } else { Place::Argument }
            }
        };
    }
}

/// What a word at a place in a command is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The command's name.
    Command,
    /// An argument of a program that starts other programs.
    Started,
    /// An argument of any other.
    Argument,
}

/// The word, if it looks like the name or path of a program.
fn program_name(word: &[u8]) -> Option<&[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-[".contains(byte);
    let starts = |word: &[u8]| word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || b"_.".contains(byte));
    if !word.contains(&b'/') {
        let is_name = word.len() <= MAX_NAME && word.iter().all(is_part) && starts(word);
        return is_name.then_some(word);
    }
    // `$JAVA_HOME/bin/java`: what stands behind the variable, of which only the last part can be looked for.
    let last = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_path = word.len() <= MAX_PATH
        && word.split(|byte| *byte == b'/').all(|part| part.len() <= MAX_NAME && part.iter().all(is_part));
    if is_path && !last.is_empty() { Some(word) } else { program_name(last).filter(|_| word.first() == Some(&b'$')) }
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'=').next().unwrap_or_default();
    name.len() < word.len() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_+[]".contains(byte))
}

fn has_substitution(word: &[u8]) -> bool {
    memchr::memmem::find(word, b"$(").is_some() || memchr::memchr(b'`', word).is_some()
}

enum Token<'s> {
    /// A word without its outer quotes, and whether it had any.
    Word { word: &'s [u8], quoted: bool },
    /// Whatever ends a command.
    End,
}

struct Lexer<'s> {
    script: &'s [u8],
    at: usize,
    /// Ends of the here-documents that begin at the next line.
    documents: Vec<&'s [u8]>,
}

impl<'s> Lexer<'s> {
    fn peek(&self) -> Option<u8> {
        self.script.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'s>> {
        loop {
            match self.peek()? {
                b'\n' => {
                    self.at += 1;
                    self.skip_documents();
                    return Some(Token::End);
                }
                b';' | b'&' | b'|' | b'(' | b')' | b'`' => {
                    self.at += 1;
                    return Some(Token::End);
                }
                b'#' => self.at = self.line_end(),
                b'<' if self.script.get(self.at..).is_some_and(|rest| rest.starts_with(b"<<")) => self.note_document(),
                byte if byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>') => self.at += 1,
                b'\\' if self.script.get(self.at + 1) == Some(&b'\n') => self.at += 2,
                b'$' if self.script.get(self.at + 1) == Some(&b'(') => {
                    self.at += 2;
                    return Some(Token::End);
                }
                _ => return Some(self.word()),
            }
        }
    }

    fn line_end(&self) -> usize {
        let rest = self.script.get(self.at..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.script.len(), |end| self.at + end)
    }

    fn word(&mut self) -> Token<'s> {
        let start = self.at;
        let mut quoted = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'\'' | b'"' => {
                    quoted = true;
                    self.at += 1;
                    self.skip_quoted(byte);
                }
                b'\\' => self.at += 2,
                b'$' if self.script.get(self.at + 1) == Some(&b'(') => break,
                b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' | b'`' => break,
                _ if byte.is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.script.len()).max(start + 1);
        let word = self.script.get(start..self.at).unwrap_or_default();
        let is_quote = |byte: &u8| matches!(byte, b'\'' | b'"');
        let inner = word.strip_prefix(b"\"").or_else(|| word.strip_prefix(b"'")).unwrap_or(word);
        let inner =
            if inner.last().is_some_and(is_quote) { inner.get(..inner.len() - 1).unwrap_or_default() } else { inner };
        Token::Word { word: inner, quoted }
    }

    fn skip_quoted(&mut self, quote: u8) {
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' && quote == b'"' { 2 } else { 1 };
            if byte == quote {
                return;
            }
        }
    }

    /// Takes the word behind `<<` or `<<-`; `<<<` has its text in place.
    fn note_document(&mut self) {
        self.at += 2;
        match self.peek() {
            Some(b'<') => {
                self.at += 1;
                return;
            }
            Some(b'-') => self.at += 1,
            _ => {}
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.peek().is_some_and(|byte| !byte.is_ascii_whitespace())
            && let Token::Word { word, .. } = self.word()
        {
            self.documents.push(word);
        }
    }

    fn skip_documents(&mut self) {
        for end in std::mem::take(&mut self.documents) {
            while self.at < self.script.len() {
                let line_end = self.line_end();
                let line = self.script.get(self.at..line_end).unwrap_or_default();
                self.at = line_end + 1;
                if line.trim_ascii() == end {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(script: &str) -> Vec<String> {
        let mut words = BTreeSet::new();
        add(script.as_bytes(), &mut words);
        words.into_iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn words_where_commands_stand() {
        let script = "set -e\nif [ \"$1\" = 'redis-server' ] && id -u; then\n  A=1 exec gosu redis \"$0\" \"$@\"\nfi\n\"$JAVA_HOME/bin/java\" -jar x.jar | tee log\n";
        assert_eq!(commands(script), ["gosu", "id", "java", "redis", "set", "tee"]);
    }

    #[test]
    fn texts_that_are_started_are_looked_into() {
        assert_eq!(commands("sh -c 'nginx -g x; cat f'\n"), ["cat", "nginx", "sh"]);
        assert_eq!(commands("echo \"$(hostname -i)\" `uname`\n"), ["echo", "hostname", "uname"]);
    }

    #[test]
    fn nothing_of_values_and_documents_is_kept() {
        let script = "PASSWORD=hunter2\ncat <<EOF > f\nhunter2\nkey material\nEOF\necho hunter2 # hunter2\nprintf '%s\\n' 'hunter2\nhunter2'\nrm f\n";
        assert_eq!(commands(script), ["cat", "echo", "printf", "rm"]);
    }

    #[test]
    fn ends_at_any_cut() {
        let script = b"a \"b $(c) \\\" d\" <<-'X' 'e\n X\n$(f `g` <<<h) \\\n i & j;k";
        for end in 0..script.len() {
            add(&script[..end], &mut BTreeSet::new());
        }
    }
}
