//! Formats in which a secret is the value of a known name, read by what they have in common: one table row a file, instead of one parser.

use super::lines::split;
use super::{NotUnderstood, Sink, ini, json, text_lines, unquote, yaml};

/// How names and values are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Syntax {
    /// `name = value` or `name: value` in sections, TOML's strings too.
    Ini,
    /// `name: value`, nested.
    Yaml,
    /// JSON.
    Json,
    /// `name value`, as daemons are configured.
    Words,
}

/// The names of a format whose values are secrets.
#[derive(Debug)]
pub(super) struct Fields {
    /// Id of the rule.
    pub(super) rule: &'static str,
    /// How they are written.
    pub(super) syntax: Syntax,
    /// The names, in lower case.
    pub(super) names: &'static [&'static str],
}

impl Fields {
    /// The secrets of a file; each under its section, parent or own name.
    pub(super) fn parse(&self, text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
        match self.syntax {
            Syntax::Ini => ini::pairs(text, |section, key, value| self.take(section, key, value, sink)),
            Syntax::Yaml => yaml::pairs(text, |parents, key, value| self.take(yaml::parent(parents), key, value, sink)),
            Syntax::Json => {
                let document = serde_json::from_slice(text).map_err(|_| NotUnderstood)?;
                json::walk(&document, &mut |parent, name, value| {
                    self.take(parent.as_bytes(), name.as_bytes(), value.as_bytes(), sink);
                });
            }
            Syntax::Words => {
                for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
                    let Some((name, value)) = split(line, b' ').or_else(|| split(line, b'\t')) else { continue };
                    self.take(b"", name, unquote(value.strip_prefix(b"=").unwrap_or(value)), sink);
                }
            }
        }
        Ok(())
    }

    fn take(&self, section: &[u8], name: &[u8], value: &[u8], sink: &mut Sink) {
        let known = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
        if self.names.iter().any(known) {
            sink.sure(self.rule, if section.is_empty() { name } else { section }, value);
        }
    }
}
