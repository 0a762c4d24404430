//! XML documents of any length as a stream of elements, by their local names.
//!
//! A document type declaration is refused and entities other than XML's own five and character references are, too: nothing is expanded and
//! nothing is fetched. What one event may take is bounded by the document's steps.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::document::{Document, Pace, Stepped};
use crate::advisory::error::RecordError;

/// Deepest nesting. Real OVAL criteria have up to 8 levels in 6 elements.
const MAX_DEPTH: usize = 64;

/// Longest text of an element that is kept, in bytes: an EVR, a title, a date. Descriptions are longer and not wanted.
const MAX_TEXT_BYTES: usize = 4096;

/// What comes next.
pub(super) enum Node {
    /// An element begins.
    Start(Element),
    /// An element ends; with its text, if it has no elements in it and is short.
    End(String, String),
}

/// The start of an element.
pub(super) struct Element {
    /// Name without prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute's value, empty if it is absent.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A reader of nodes.
pub(super) struct Xml<'r, 'a> {
    reader: quick_xml::Reader<&'r mut Stepped<'a>>,
    pace: Pace,
    buffer: Vec<u8>,
    text: String,
    depth: usize,
}

impl<'r, 'a> Xml<'r, 'a> {
    pub(super) fn new(document: &'r mut Document<'a>) -> Self {
        let (stream, pace) = document.stream();
        let mut reader = quick_xml::Reader::from_reader(stream);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, pace, buffer: Vec::new(), text: String::new(), depth: 0 }
    }

    /// The next node; `None` at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Node>, RecordError> {
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer).map_err(malformed)?;
            self.pace.step();
            match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(RecordError::Xml("elements are nested too deep".to_owned()));
                    }
                    self.text.clear();
                    return element(&start).map(|element| Some(Node::Start(element)));
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    let name = end.local_name().as_ref().to_owned();
                    return Ok(Some(Node::End(name, std::mem::take(&mut self.text).trim().to_owned())));
                }
                Event::Text(text) => append(&mut self.text, &text),
                Event::CData(text) => append(&mut self.text, &text),
                Event::GeneralRef(reference) => {
                    let text = match reference.resolve_char_ref().map_err(malformed)? {
                        Some(character) => Cow::Owned(character.to_string()),
                        None => Cow::Borrowed(predefined(&reference)?),
                    };
                    append(&mut self.text, &text);
                }
                Event::DocType(_) => {
                    return Err(RecordError::Xml("a document type declaration is not accepted".to_owned()));
                }
                Event::Eof if self.depth == 0 => return Ok(None),
                Event::Eof => return Err(RecordError::Xml("it ends inside an element".to_owned())),
                Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }
}

/// A text that grows over its limit is not one of those that are wanted, and is left empty.
fn append(text: &mut String, more: &str) {
    if text.len() + more.len() <= MAX_TEXT_BYTES {
        text.push_str(more);
    }
}

fn predefined(reference: &str) -> Result<&'static str, RecordError> {
    quick_xml::escape::resolve_predefined_entity(reference)
        .ok_or_else(|| RecordError::Xml("an entity is not one of XML's own".to_owned()))
}

fn element(start: &BytesStart<'_>) -> Result<Element, RecordError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(malformed)?;
        let name = attribute.key.local_name().as_ref().to_owned();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(malformed)?.into_owned();
        attributes.push((name, value));
    }
    Ok(Element { name: start.local_name().as_ref().to_owned(), attributes })
}

fn malformed(error: impl std::fmt::Display) -> RecordError {
    RecordError::Xml(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, RecordError> {
        let mut bytes = text.as_bytes();
        let mut document = Document::new("x", &mut bytes);
        let mut xml = Xml::new(&mut document);
        let mut seen = Vec::new();
        while let Some(node) = xml.next()? {
            seen.push(match node {
                Node::Start(element) => format!("<{} {}", element.name, element.attribute("id")),
                Node::End(name, text) => format!(">{name} {text}"),
            });
        }
        Ok(seen)
    }

    #[test]
    fn prefixes_do_not_matter_and_references_are_resolved() {
        let seen = read(r#"<?xml version="1.0"?><a:x xmlns:a="urn:a" a:id="1&amp;2"><y/>a &lt; &#98;</a:x>"#)
            .expect("it is read");
        assert_eq!(seen, ["<x 1&2", "<y ", ">y ", ">x a < b"]);
    }

    #[test]
    fn nothing_is_expanded_and_nothing_is_cut() {
        for hostile in [
            r#"<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>"#,
            r#"<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>"#,
            "<x>&a;</x>",
            "<x><y></y>",
            "<x></y>",
            r#"<x a="&b;"/>"#,
        ] {
            assert!(read(hostile).is_err(), "{hostile}");
        }
        assert!(read(&"<x>".repeat(MAX_DEPTH + 1)).is_err());
    }
}
