//! YAML with places: a document to a tree in which every value and every key knows where it stands, so that a report can point at it and a fix can change it.
//!
//! Source: YAML 1.2.2; the events are `granit-parser`'s. Anchors and aliases are followed, merge keys (`<<`, a YAML 1.1 type that Compose and Kubernetes tools know)
//! are left to [`Node::merged`]. Hostile files are bounded by their length, the depth and the number of nodes, those that aliases repeat counted each time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle};

/// Longest file; the largest of real ones have some hundred kilobytes.
pub const MAX_BYTES: usize = 4 << 20;

/// Deepest nesting.
pub const MAX_DEPTH: usize = 64;

/// Most nodes of all documents of a file, with those that aliases repeat.
pub const MAX_NODES: usize = 200_000;

/// Most documents of a file.
pub const MAX_DOCUMENTS: usize = 1000;

/// A range of bytes in one of the files that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which file, as [`Files`](super::Files) counts them.
    pub file: usize,
    /// Where in it.
    pub span: Range<usize>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub at: Place,
    /// Its tag, where it has one of its own (`!reset`).
    pub tag: Option<String>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or one of the words for it.
    Null,
    /// A text, a number or a truth value: which of them is for whoever asks.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A table, in its order.
    Map(Vec<(Key, Node)>),
}

/// A text as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Without quotes.
    pub text: String,
    /// It depends on a variable that nothing sets here.
    pub is_open: bool,
    /// What the file itself says, where `text` has values of variables in it: with defaults, and the names of variables that have none.
    pub literal: Option<String>,
}

/// The name of an entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// A file's documents, and what people wrote beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The documents.
    pub documents: Vec<Node>,
    /// The comments: their text behind the `#`, and where they stand.
    pub comments: Vec<Comment>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What stands behind the `#`.
    pub text: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// It is longer than [`MAX_BYTES`].
    #[error("the file is longer than {MAX_BYTES} bytes")]
    Long,
    /// It is no UTF-8.
    #[error("line {line}: the file is no UTF-8 text")]
    Encoding {
        /// Where the first other byte stands.
        line: usize,
    },
    /// It is no YAML.
    #[error("line {line}: {reason}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What is wrong, in the parser's words.
        reason: String,
    },
    /// A key stands twice in one table.
    #[error("line {line}: the key `{key}` stands a second time in one table")]
    Duplicate {
        /// The line of the second one, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// A limit was passed.
    #[error("line {line}: more than {limit} {what}")]
    Limit {
        /// Where, from 1.
        line: usize,
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

/// Reads every document of a file.
///
/// # Errors
/// When it is no YAML, a key stands twice, or a limit is passed.
pub fn parse(bytes: &[u8], file: usize) -> Result<Parsed, YamlError> {
    if bytes.len() > MAX_BYTES {
        return Err(YamlError::Long);
    }
    let line_of = |at: usize| bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let text =
        std::str::from_utf8(bytes).map_err(|error| YamlError::Encoding { line: line_of(error.valid_up_to()) })?;
    let mut comments = Vec::new();
    let mut builder = Builder { file, nodes: 0, open: Vec::new(), anchors: BTreeMap::new(), done: Vec::new() };
    let options = granit_parser::options! { emit_comments: true, max_buffered_comment_events: MAX_NODES };
    for next in Parser::new_from_str_with_options(text, options) {
        let syntax =
            |error: granit_parser::ScanError| YamlError::Syntax { line: error.marker().line(), reason: error.info() };
        let (event, span) = next.map_err(syntax)?;
        let (line, span) = (span.start.line(), span.byte_range().unwrap_or_default());
        match event {
            Event::Comment(text, _) => comments.push(Comment { text: text.into_owned(), span }),
            event => builder.take(event, span, line)?,
        }
    }
    Ok(Parsed { documents: builder.done, comments })
}

/// A table or list whose end has not come yet.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a table, the key whose value comes next.
    key: Option<Key>,
    /// Of a table, its keys so far.
    keys: BTreeSet<String>,
    /// Nodes below it.
    size: usize,
    depth: usize,
}

struct Builder {
    file: usize,
    nodes: usize,
    open: Vec<Open>,
    /// By number: a node, with how many nodes and levels it has.
    anchors: BTreeMap<usize, (Node, usize, usize)>,
    done: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Range<usize>, line: usize) -> Result<(), YamlError> {
        let at = Place { file: self.file, span };
        let tag = event.tag().filter(|tag| tag.is_custom()).map(granit_parser::Tag::original);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let is_quoted = style != ScalarStyle::Plain;
                let value = scalar(text.into_owned(), is_quoted);
                self.put(Node { value, at, tag }, anchor, 1, 0, line)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Node { value: Value::List(Vec::new()), at, tag }, anchor, line)
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(Node { value: Value::Map(Vec::new()), at, tag }, anchor, line)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else { return Ok(()) };
                open.node.at.span.end = at.span.end.max(open.node.at.span.start);
                self.put(open.node, open.anchor, open.size + 1, open.depth + 1, line)
            }
            Event::Alias(anchor) => {
                let Some((node, size, depth)) = self.anchors.get(&anchor).cloned() else {
                    let reason = "an alias stands in what it stands for".to_owned();
                    return Err(YamlError::Syntax { line, reason });
                };
                self.put(node, 0, size, depth, line)
            }
            Event::DocumentStart(..) if self.done.len() >= MAX_DOCUMENTS => {
                Err(YamlError::Limit { line, limit: MAX_DOCUMENTS, what: "documents" })
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, node: Node, anchor: usize, line: usize) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::Limit { line, limit: MAX_DEPTH, what: "levels" });
        }
        self.open.push(Open { node, anchor, key: None, keys: BTreeSet::new(), size: 0, depth: 0 });
        Ok(())
    }

    /// A whole node to where it belongs.
    fn put(&mut self, node: Node, anchor: usize, size: usize, depth: usize, line: usize) -> Result<(), YamlError> {
        self.nodes += size;
        if self.nodes > MAX_NODES {
            return Err(YamlError::Limit { line, limit: MAX_NODES, what: "values" });
        }
        if self.open.len() + depth > MAX_DEPTH {
            return Err(YamlError::Limit { line, limit: MAX_DEPTH, what: "levels" });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size, depth));
        }
        let Some(open) = self.open.last_mut() else {
            self.done.push(node);
            return Ok(());
        };
        (open.size, open.depth) = (open.size + size, open.depth.max(depth));
        match (&mut open.node.value, open.key.take()) {
            (Value::Map(entries), Some(key)) => entries.push((key, node)),
            (Value::Map(_), None) => {
                let key = Key { text: node.text().unwrap_or_default().to_owned(), at: node.at };
                // Two merge keys are two merges.
                if key.text != "<<" && !open.keys.insert(key.text.clone()) {
                    return Err(YamlError::Duplicate { line, key: key.text });
                }
                open.key = Some(key);
            }
            (Value::List(items), _) => items.push(node),
            (Value::Null | Value::Scalar(_), _) => {}
        }
        Ok(())
    }
}

/// YAML 1.2's core schema: what stands without quotes and says nothing is nothing.
fn scalar(text: String, is_quoted: bool) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" if !is_quoted => Value::Null,
        _ => Value::Scalar(Scalar { text, is_open: false, literal: None }),
    }
}

impl Scalar {
    /// What the file itself says, without values that come from elsewhere.
    #[must_use]
    pub fn literal(&self) -> &str {
        self.literal.as_deref().unwrap_or(&self.text)
    }
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// The scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar that does not depend on a variable that nothing sets.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        self.scalar().filter(|scalar| !scalar.is_open).map(|scalar| scalar.text.as_str())
    }

    /// A truth value, as Compose takes it: YAML 1.2's words, and those of YAML 1.1 that people still write.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self.known()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "0" => Some(false),
            _ => None,
        }
    }

    /// The entries of a table; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// What an entry of a table says.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// An entry with its key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.entries().iter().find(|(known, _)| known.text == key)
    }

    /// What stands at the end of a path of keys.
    #[must_use]
    pub fn at_path(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A scalar as a list of one, as Compose lets a single value stand for a list; of a list its items.
    #[must_use]
    pub fn one_or_many(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar(_) => std::slice::from_ref(self),
            Value::Null | Value::Map(_) => &[],
        }
    }

    /// With merge keys put in place: what a table says itself goes before what it merges, and of several merged the first.
    #[must_use]
    pub fn merged(self) -> Self {
        let value = match self.value {
            Value::List(items) => Value::List(items.into_iter().map(Self::merged).collect()),
            Value::Map(entries) => {
                let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key.text == "<<");
                own = own.into_iter().map(|(key, node)| (key, node.merged())).collect();
                let mut known: BTreeSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
                for (_, node) in merges {
                    let tables = match node.value {
                        Value::List(items) => items,
                        _ => vec![node],
                    };
                    for (key, node) in tables.into_iter().flat_map(|table| table.merged().into_entries()) {
                        if known.insert(key.text.clone()) {
                            own.push((key, node));
                        }
                    }
                }
                Value::Map(own)
            }
            other => other,
        };
        Self { value, ..self }
    }

    /// The entries of a table; none of anything else.
    #[must_use]
    pub fn into_entries(self) -> Vec<(Key, Self)> {
        match self.value {
            Value::Map(entries) => entries,
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse(text.as_bytes(), 0).unwrap().documents.remove(0)
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = "a:\n  - x: 'é y'\n    z: ~\nb: &n {k: v}\nc: *n\n";
        let node = one(text);
        let value = node.get("a").unwrap().items()[0].get("x").unwrap();
        assert_eq!((value.text(), &text[value.at.span.clone()]), (Some("é y"), "'é y'"));
        let (key, null) = node.get("a").unwrap().items()[0].entry("z").unwrap();
        assert_eq!((&text[key.at.span.clone()], &null.value), ("z", &Value::Null));
        assert_eq!(node.at_path(&["c", "k"]).and_then(Node::text), Some("v"));
        assert_eq!(
            one("- yes\n- 'no'\n").items().iter().map(Node::truth).collect::<Vec<_>>(),
            [Some(true), Some(false)]
        );
    }

    #[test]
    fn merge_keys_fill_what_is_not_said() {
        let node = one("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  b: 0\n  <<: [*x, *y]\n").merged();
        let of = |key| node.at_path(&["z", key]).and_then(Node::text);
        assert_eq!((of("a"), of("b"), of("c"), of("<<")), (Some("1"), Some("0"), Some("4"), None));
    }

    #[test]
    fn hostile_files_end_with_an_error() {
        let error = |text: &str| parse(text.as_bytes(), 0).unwrap_err();
        assert_eq!(error("a: 1\nb: 2\na: 3\n"), YamlError::Duplicate { line: 3, key: "a".into() });
        assert!(matches!(
            error(&format!("{}{}", "[".repeat(100), "]".repeat(100))),
            YamlError::Limit { what: "levels", .. }
        ));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let last = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{last}"); 9].join(", ")));
        }
        assert!(matches!(error(&bomb), YamlError::Limit { what: "values", .. }));
        let mut deep = "a0: &a0 [[[[[[[[x]]]]]]]]\n".to_owned();
        for level in 1..20 {
            deep.push_str(&format!("a{level}: &a{level} [[[[*a{}]]]]\n", level - 1));
        }
        assert!(matches!(error(&deep), YamlError::Limit { what: "levels", .. }));
        assert!(matches!(error("a: &a [*a]\n"), YamlError::Syntax { .. }));
        assert!(matches!(parse(b"a: b\nc: \xff\n", 0), Err(YamlError::Encoding { line: 2 })));
        assert!(matches!(error("a: [b\n"), YamlError::Syntax { .. }));
        assert_eq!(parse(b"", 0), Ok(Parsed::default()));
        let many = "# c\n".repeat(5000) + "a: b # d\n";
        assert_eq!(parse(many.as_bytes(), 0).unwrap().comments.len(), 5001);
    }
}
