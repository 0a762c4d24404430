//! The shape of a shell script, as far as maintainer scripts need it: lists, conditions, branches, words with their variables.
//!
//! The room [`shell`](crate::shell) tells which commands a script has; here it matters which of them are reached. What is not understood is kept as [`Node::Unread`], and whoever would come to it
//! knows that he does not know.
//!
//! Source: POSIX.1-2024 "Shell Command Language", 2.10 for the grammar.

/// Deepest nesting of compound commands.
const MAX_DEPTH: usize = 32;

/// Most commands that `&&` and `||` join.
const MAX_CHAIN: usize = 32;

/// Commands, one after the other.
pub(super) type Script = Vec<Node>;

/// A command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Node {
    /// A simple command.
    Command { assignments: Vec<(String, Word)>, words: Vec<Word> },
    /// `! …`.
    Not(Box<Self>),
    /// `… && …`.
    And(Box<Self>, Box<Self>),
    /// `… || …`.
    Or(Box<Self>, Box<Self>),
    /// `{ …; }` or `( … )`.
    Group(Script),
    /// `if`: conditions with their bodies, and `else`.
    If { branches: Vec<(Script, Script)>, otherwise: Script },
    /// `case`: patterns with their bodies.
    Case { word: Word, arms: Vec<(Vec<Word>, Script)> },
    /// The definition of a function.
    Function(String),
    /// Something else: a loop, a pipe, a redirection to a file.
    Unread(String),
}

/// A word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Word {
    parts: Vec<Part>,
    is_quoted: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    /// `$NAME`, `${NAME:-default}`.
    Variable {
        name: String,
        default: String,
        is_quoted: bool,
    },
    /// `$( … )`, `` ` … ` ``, or an expansion that is not known here.
    Output(String),
}

impl Word {
    /// Its value; `of` gives those of variables, with what stands for an empty one.
    pub(super) fn value(&self, of: &mut dyn FnMut(&str, Option<&str>) -> Option<String>) -> Option<String> {
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Output(_) => return None,
                Part::Variable { name, default, is_quoted } => {
                    let text = of(name, Some(default))?;
                    // Without quotes it may become no word or several.
                    let is_one = !text.is_empty() && !text.contains([' ', '\t', '\n', '*', '?', '[']);
                    if !is_quoted && !is_one {
                        return None;
                    }
                    value.push_str(&text);
                }
            }
        }
        Some(value)
    }

    /// What it runs to have its value, if anything: `$( … )` but for a mere look where a program is.
    pub(super) fn runs(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Output(script) if !is_look(script) => Some(script.as_str()),
            _ => None,
        })
    }

    /// As people read it.
    pub(super) fn shown(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable { name, .. } => format!("${name}"),
            Part::Output(script) => format!("$({script})"),
        });
        parts.collect()
    }

    /// The word, where nothing in it is quoted or replaced: only such are keywords.
    fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] if !self.is_quoted => Some(text),
            _ => None,
        }
    }
}

fn is_look(script: &str) -> bool {
    let rest = script.trim().strip_prefix("command -v ").or_else(|| script.trim().strip_prefix("which "));
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./+".contains(&b)))
}

/// The shape of a script; none when it is no script, or nested too deep.
pub(super) fn parse(text: &str) -> Option<Script> {
    let mut parser = Parser { rest: text, next: None, depth: 0 };
    let script = parser.list(&[])?;
    matches!(parser.peek()?, Token::End).then_some(script)
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(Word),
    /// `;`, `;;`, `&&`, `||`, `|`, `&`, `(`, `)`, or a new line.
    Operator(&'static str),
    /// Output that goes nowhere or to the other output (true), or elsewhere.
    Redirect(bool),
    End,
}

const OPERATORS: &[&str] = &[";;", "&&", "||", ";", "|", "&", "(", ")", "\n"];

struct Parser<'t> {
    rest: &'t str,
    next: Option<Token>,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn peek(&mut self) -> Option<&Token> {
        if self.next.is_none() {
            self.next = Some(self.lex()?);
        }
        self.next.as_ref()
    }

    fn take(&mut self) -> Option<Token> {
        self.peek()?;
        self.next.take()
    }

    fn keyword(&mut self) -> Option<Option<String>> {
        Some(match self.peek()? {
            Token::Word(word) => word.plain().map(str::to_owned),
            _ => None,
        })
    }

    fn expect(&mut self, keyword: &str) -> Option<()> {
        (self.keyword()?.as_deref() == Some(keyword)).then_some(())?;
        self.take().map(drop)
    }

    fn skip_lines(&mut self) -> Option<()> {
        while matches!(self.peek()?, Token::Operator("\n" | ";")) {
            self.take()?;
        }
        Some(())
    }

    /// Commands up to one of the keywords (which stays), `;;`, `)` or the end.
    fn list(&mut self, until: &[&str]) -> Option<Script> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut script = Script::new();
        loop {
            self.skip_lines()?;
            let is_over = match self.peek()? {
                Token::End | Token::Operator(";;" | ")") => true,
                Token::Word(word) => word.plain().is_some_and(|word| until.contains(&word)),
                _ => false,
            };
            if is_over {
                self.depth -= 1;
                return Some(script);
            }
            script.push(self.and_or()?);
        }
    }

    fn and_or(&mut self) -> Option<Node> {
        let mut left = self.pipeline()?;
        for _ in 0..MAX_CHAIN {
            let operator = match self.peek()? {
                Token::Operator(operator @ ("&&" | "||")) => *operator,
                _ => return Some(left),
            };
            self.take()?;
            while matches!(self.peek()?, Token::Operator("\n")) {
                self.take()?;
            }
            let right = self.pipeline()?;
            let (left_box, right) = (Box::new(left), Box::new(right));
            left = if operator == "&&" { Node::And(left_box, right) } else { Node::Or(left_box, right) };
        }
        None
    }

    fn pipeline(&mut self) -> Option<Node> {
        let is_negated = self.keyword()?.as_deref() == Some("!");
        if is_negated {
            self.take()?;
        }
        let first = self.command()?;
        let first = if is_negated { Node::Not(Box::new(first)) } else { first };
        if !matches!(self.peek()?, Token::Operator("|" | "&")) {
            return Some(first);
        }
        while matches!(self.peek()?, Token::Operator("|" | "&")) {
            self.take()?;
            while matches!(self.peek()?, Token::Operator("\n")) {
                self.take()?;
            }
            if !matches!(self.peek()?, Token::End) {
                self.command()?;
            }
        }
        Some(Node::Unread(format!("{} | …", shown(&first))))
    }

    fn command(&mut self) -> Option<Node> {
        self.depth += 1;
        let node = if self.depth > MAX_DEPTH { None } else { self.any_command() };
        self.depth -= 1;
        node
    }

    fn any_command(&mut self) -> Option<Node> {
        let node = match self.keyword()?.as_deref() {
            Some("if") => self.condition()?,
            Some("case") => self.case()?,
            Some("for" | "while" | "until") => self.repetition()?,
            Some("{") => {
                self.take()?;
                let list = self.list(&["}"])?;
                self.expect("}")?;
                Node::Group(list)
            }
            _ if matches!(self.peek()?, Token::Operator("(")) => {
                self.take()?;
                let list = self.list(&[])?;
                matches!(self.take()?, Token::Operator(")")).then_some(Node::Group(list))?
            }
            _ => return self.simple(),
        };
        let mut is_harmless = true;
        while let Token::Redirect(nowhere) = self.peek()? {
            is_harmless &= *nowhere;
            self.take()?;
        }
        Some(if is_harmless { node } else { Node::Unread("a redirection".to_owned()) })
    }

    fn condition(&mut self) -> Option<Node> {
        self.take()?;
        let (mut branches, mut otherwise) = (Vec::new(), Script::new());
        loop {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            branches.push((condition, self.list(&["elif", "else", "fi"])?));
            match self.keyword()?.as_deref() {
                Some("elif") => drop(self.take()?),
                Some("else") => {
                    self.take()?;
                    otherwise = self.list(&["fi"])?;
                    break;
                }
                _ => break,
            }
        }
        self.expect("fi")?;
        Some(Node::If { branches, otherwise })
    }

    fn case(&mut self) -> Option<Node> {
        self.take()?;
        let Token::Word(word) = self.take()? else { return None };
        self.skip_lines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.keyword()?.as_deref() == Some("esac") {
                self.take()?;
                return Some(Node::Case { word, arms });
            }
            if matches!(self.peek()?, Token::Operator("(")) {
                self.take()?;
            }
            let mut patterns = Vec::new();
            loop {
                let Token::Word(pattern) = self.take()? else { return None };
                patterns.push(pattern);
                match self.take()? {
                    Token::Operator("|") => {}
                    Token::Operator(")") => break,
                    _ => return None,
                }
            }
            arms.push((patterns, self.list(&["esac"])?));
            if matches!(self.peek()?, Token::Operator(";;")) {
                self.take()?;
            }
        }
    }

    /// A loop, which is passed over: how often it runs is not worked out.
    fn repetition(&mut self) -> Option<Node> {
        let Token::Word(word) = self.take()? else { return None };
        self.list(&["do"])?;
        self.expect("do")?;
        self.list(&["done"])?;
        self.expect("done")?;
        Some(Node::Unread(format!("{} …", word.shown())))
    }

    fn simple(&mut self) -> Option<Node> {
        let (mut assignments, mut words, mut is_harmless) = (Vec::new(), Vec::new(), true);
        loop {
            match self.peek()? {
                Token::Word(_) => {
                    let Token::Word(word) = self.take()? else { return None };
                    match assignment(&word).filter(|_| words.is_empty()) {
                        Some(assigned) => assignments.push(assigned),
                        None => words.push(word),
                    }
                }
                Token::Redirect(nowhere) => {
                    is_harmless &= *nowhere;
                    self.take()?;
                }
                Token::Operator("(") if words.len() == 1 && assignments.is_empty() => {
                    self.take()?;
                    matches!(self.take()?, Token::Operator(")")).then_some(())?;
                    self.skip_lines()?;
                    self.command()?;
                    return Some(Node::Function(words.first()?.shown()));
                }
                Token::Operator("(") => return None,
                _ => break,
            }
        }
        let node = Node::Command { assignments, words };
        Some(if is_harmless { node } else { Node::Unread(format!("{} > …", shown(&node))) })
    }

    /// The next token; none where the text breaks off.
    fn lex(&mut self) -> Option<Token> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            match self.rest.strip_prefix("\\\n") {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        if self.rest.starts_with('#') {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..)?;
        }
        if self.rest.is_empty() {
            return Some(Token::End);
        }
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if self.rest.get(digits..)?.starts_with(['<', '>']) {
            self.rest = self.rest.get(digits..)?;
            return self.redirect();
        }
        for operator in OPERATORS {
            if let Some(rest) = self.rest.strip_prefix(operator) {
                self.rest = rest;
                return Some(Token::Operator(operator));
            }
        }
        self.word().map(Token::Word)
    }

    /// A redirection and its target. Documents that follow (`<<`) are not read.
    fn redirect(&mut self) -> Option<Token> {
        let operator: String = self.rest.chars().take_while(|c| matches!(c, '<' | '>' | '&' | '|')).collect();
        self.rest = self.rest.get(operator.len()..)?.trim_start_matches([' ', '\t']);
        if operator.starts_with("<<") {
            return None;
        }
        let target = self.word()?;
        let nowhere = match target.plain() {
            Some("/dev/null") => true,
            Some(text) => operator.ends_with('&') && text.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
            None => false,
        };
        Some(Token::Redirect(nowhere))
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word::default();
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    let (text, rest) = self.rest.get(1..)?.split_once('\'')?;
                    word.push(text);
                    word.is_quoted = true;
                    self.rest = rest;
                }
                '"' => {
                    self.rest = self.rest.get(1..)?;
                    word.is_quoted = true;
                    word.push("");
                    self.quoted(&mut word)?;
                }
                '\\' => {
                    let escaped = self.rest.get(1..)?.chars().next()?;
                    if escaped != '\n' {
                        word.push(escaped.encode_utf8(&mut [0; 4]));
                        word.is_quoted = true;
                    }
                    self.rest = self.rest.get(1 + escaped.len_utf8()..)?;
                }
                '$' | '`' => self.expansion(&mut word, false)?,
                _ => {
                    word.push(c.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(c.len_utf8()..)?;
                }
            }
        }
        Some(word)
    }

    /// What stands between double quotes, up to the closing one.
    fn quoted(&mut self, word: &mut Word) -> Option<()> {
        loop {
            let c = self.rest.chars().next()?;
            match c {
                '"' => {
                    self.rest = self.rest.get(1..)?;
                    return Some(());
                }
                '\\' => {
                    let escaped = self.rest.get(1..)?.chars().next()?;
                    if !matches!(escaped, '$' | '`' | '"' | '\\' | '\n') {
                        word.push("\\");
                    }
                    word.push(escaped.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(1 + escaped.len_utf8()..)?;
                }
                '$' | '`' => self.expansion(word, true)?,
                _ => {
                    word.push(c.encode_utf8(&mut [0; 4]));
                    self.rest = self.rest.get(c.len_utf8()..)?;
                }
            }
        }
    }

    fn expansion(&mut self, word: &mut Word, is_quoted: bool) -> Option<()> {
        let rest = self.rest;
        if let Some(rest) = rest.strip_prefix('`') {
            let (script, rest) = rest.split_once('`')?;
            word.parts.push(Part::Output(script.to_owned()));
            self.rest = rest;
            return Some(());
        }
        let rest = rest.strip_prefix('$')?;
        if let Some(inner) = rest.strip_prefix('(') {
            let end = closing(inner, '(', ')')?;
            word.parts.push(Part::Output(inner.get(..end)?.to_owned()));
            self.rest = inner.get(end + 1..)?;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let end = closing(inner, '{', '}')?;
            word.parts.push(braced(inner.get(..end)?, is_quoted));
            self.rest = inner.get(end + 1..)?;
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = match rest.chars().next() {
                Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => 1,
                Some(c) if is_name(c) => rest.chars().take_while(|c| is_name(*c)).count(),
                _ => 0,
            };
            if length == 0 {
                word.push("$");
            } else {
                let name = rest.get(..length)?.to_owned();
                word.parts.push(Part::Variable { name, default: String::new(), is_quoted });
            }
            self.rest = rest.get(length..)?;
        }
        Some(())
    }
}

impl Word {
    fn push(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

/// What stands between `${` and `}`: a name, or one with a plain text for when it is empty.
fn braced(inner: &str, is_quoted: bool) -> Part {
    let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name && !default.contains(['$', '`', '"', '\'', '\\']) {
        return Part::Variable { name: name.to_owned(), default: default.to_owned(), is_quoted };
    }
    Part::Output(format!("${{{inner}}}"))
}

/// Where the bracket that is open closes. Quotes are not looked at: a bracket in them makes the script unreadable at worst.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth {
                0 => return Some(at),
                _ => depth -= 1,
            }
        }
    }
    None
}

/// `NAME=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Text(text)) = word.parts.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return None;
    }
    let parts = [Part::Text(value.to_owned())].into_iter().chain(word.parts.iter().skip(1).cloned()).collect();
    Some((name.to_owned(), Word { parts, is_quoted: word.is_quoted }))
}

fn shown(node: &Node) -> String {
    match node {
        Node::Command { words, .. } => words.iter().map(Word::shown).collect::<Vec<_>>().join(" "),
        Node::Unread(text) => text.clone(),
        _ => "a compound command".to_owned(),
    }
}
