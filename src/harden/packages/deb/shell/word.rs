//! Words, with what in them is replaced.

/// A word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::harden::packages::deb) struct Word {
    pub(super) parts: Vec<Part>,
    pub(super) is_quoted: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
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
    pub(in crate::harden::packages::deb) fn value(
        &self,
        of: &mut dyn FnMut(&str, Option<&str>) -> Option<String>,
    ) -> Option<String> {
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
    pub(in crate::harden::packages::deb) fn runs(&self) -> Option<&str> {
        self.parts.iter().find_map(|part| match part {
            Part::Output(script) if !is_look(script) => Some(script.as_str()),
            _ => None,
        })
    }

    /// As people read it.
    pub(in crate::harden::packages::deb) fn shown(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable { name, .. } => format!("${name}"),
            Part::Output(script) => format!("$({script})"),
        });
        parts.collect()
    }

    /// The word, where nothing in it is quoted or replaced: only such are keywords.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] if !self.is_quoted => Some(text),
            _ => None,
        }
    }
}

impl Word {
    pub(super) fn push(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

fn is_look(script: &str) -> bool {
    let rest = script.trim().strip_prefix("command -v ").or_else(|| script.trim().strip_prefix("which "));
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./+".contains(&b)))
}

/// What stands between `${` and `}`: a name, or one with a plain text for when it is empty.
pub(super) fn braced(inner: &str, is_quoted: bool) -> Part {
    let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name && !default.contains(['$', '`', '"', '\'', '\\']) {
        return Part::Variable { name: name.to_owned(), default: default.to_owned(), is_quoted };
    }
    Part::Output(format!("${{{inner}}}"))
}

/// Where the bracket that is open closes. Quotes are not looked at: a bracket in them makes the script unreadable at worst.
pub(super) fn closing(text: &str, open: char, close: char) -> Option<usize> {
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
pub(super) fn assignment(word: &Word) -> Option<(String, Word)> {
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
