//! Tokens to commands.

use super::tokens::{Token, Tokens};
use super::word::{Word, assignment};
use super::{Node, Script};

/// Deepest nesting of compound commands.
const MAX_DEPTH: usize = 32;

/// Most commands that `&&` and `||` join.
const MAX_CHAIN: usize = 32;

/// The shape of a script; none when it is no script, or nested too deep.
pub(in crate::harden::packages::deb) fn parse(text: &str) -> Option<Script> {
    let mut parser = Parser { tokens: Tokens::of(text), depth: 0 };
    let script = parser.list(&[])?;
    matches!(parser.peek()?, Token::End).then_some(script)
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<&Token> {
        self.tokens.peek()
    }

    fn take(&mut self) -> Option<Token> {
        self.tokens.take()
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
}

fn shown(node: &Node) -> String {
    match node {
        Node::Command { words, .. } => words.iter().map(Word::shown).collect::<Vec<_>>().join(" "),
        Node::Unread(text) => text.clone(),
        _ => "a compound command".to_owned(),
    }
}
