//! Paragraphs of dpkg's files with every field as it is written: what is not changed must come out as it went in.
//!
//! Source: deb-control(5), deb822(5).

use crate::inspect::control::{Line, classify, lines};

/// One paragraph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Paragraph {
    /// Names and values, in order. A value is what follows the colon, without the space; further lines keep theirs.
    fields: Vec<(String, String)>,
}

/// Why a text is not one paragraph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("a line is neither a field nor the continuation of one")]
    Line,
    #[error("the field is there twice")]
    Twice,
    #[error("the text is not UTF-8")]
    Encoding,
    #[error("there is more than one paragraph")]
    Several,
    #[error("there is no paragraph")]
    None,
}

impl Paragraph {
    /// A text of one paragraph.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ControlError> {
        let mut paragraph = Self::default();
        let mut is_over = false;
        for line in lines(text) {
            let written = std::str::from_utf8(line).map_err(|_| ControlError::Encoding)?;
            match classify(line) {
                Line::Blank => is_over = !paragraph.fields.is_empty(),
                _ if is_over => return Err(ControlError::Several),
                Line::Field(field) => {
                    let name = String::from_utf8_lossy(field.name).into_owned();
                    if paragraph.get(&name).is_some() {
                        return Err(ControlError::Twice);
                    }
                    paragraph.fields.push((name, String::from_utf8_lossy(field.value).into_owned()));
                }
                Line::Continued(_) => {
                    let (_, value) = paragraph.fields.last_mut().ok_or(ControlError::Line)?;
                    value.push('\n');
                    value.push_str(written);
                }
                Line::Broken => return Err(ControlError::Line),
            }
        }
        if paragraph.fields.is_empty() { Err(ControlError::None) } else { Ok(paragraph) }
    }

    /// The value of a field, whatever the case of its name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a field, empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Every field.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
