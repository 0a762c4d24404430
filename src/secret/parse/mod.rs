//! Credential files: whole files of known names, read by their format, since what they hold has no form of its own.
//!
//! In come a path and a text, out go [`Credential`]s. [`table::KINDS`] lists every file that is known. A value that is a variable, a reference to a
//! secret manager or a placeholder is no secret; a password that everybody knows (`known`) is one of its own rule; a template (`.env.example`)
//! makes a credential of low confidence.

mod code;
mod command;
mod config;
mod fields;
mod file_name;
mod ini;
mod json;
mod kinds;
mod known;
mod lines;
mod names;
mod table;
mod xml;
mod yaml;

pub(super) use command::secrets as command_secrets;
pub(super) use json::walk as walk_json;
pub(super) use kinds::{Kind, kind_of};
pub(super) use known::SOURCE as DEFAULT_PASSWORDS;

use super::validate::is_placeholder;
use crate::facts::Confidence;

/// The rule for passwords that everybody knows.
pub(super) const DEFAULT_PASSWORD: &str = "default-password";

/// Most credentials of one file; as many as are listed of it.
const MAX_CREDENTIALS: usize = 1000;

/// Longest value that counts as a credential, in bytes: certificates and keys in tokens are the longest.
const MAX_VALUE: usize = 64 << 10;

/// One secret value of a credential file.
#[derive(Debug)]
pub(super) struct Credential {
    /// Id of the rule.
    pub(super) rule: &'static str,
    /// What it is for: a host, a section, the name of a variable.
    pub(super) key: Vec<u8>,
    /// The secret, as it stands in the file.
    pub(super) value: Vec<u8>,
    /// How sure.
    pub(super) confidence: Confidence,
}

/// The text is not of the format that its name promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NotUnderstood;

/// Takes the credentials of one file.
#[derive(Debug)]
struct Sink {
    /// Highest confidence of this file's credentials.
    limit: Confidence,
    credentials: Vec<Credential>,
}

impl Sink {
    /// Notes a credential, unless its value is empty or a placeholder.
    fn add(&mut self, rule: &'static str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, confidence: Confidence) {
        let value = value.as_ref().trim_ascii();
        if known::is_reference(value) {
            return;
        }
        if known::is_default_password(value) {
            let limit = if names::repeats(key.as_ref(), value) { Confidence::Low } else { Confidence::Medium };
            self.default_password(key, value, limit);
        } else if !is_placeholder(value) {
            self.push(rule, key.as_ref(), value, confidence);
        }
    }

    /// Notes a password that everybody knows.
    fn default_password(&mut self, key: impl AsRef<[u8]>, value: &[u8], confidence: Confidence) {
        self.push(DEFAULT_PASSWORD, key.as_ref(), value, confidence);
    }

    /// Lowers them in a file that tells how other images are started: none of them takes effect in this one.
    fn doubt_default_passwords(&mut self) {
        let of_everybody = self.credentials.iter_mut().filter(|credential| credential.rule == DEFAULT_PASSWORD);
        of_everybody.for_each(|credential| credential.confidence = Confidence::Low);
    }

    fn push(&mut self, rule: &'static str, key: &[u8], value: &[u8], confidence: Confidence) {
        if self.credentials.len() < MAX_CREDENTIALS && value.len() <= MAX_VALUE {
            let (key, value) = (key.trim_ascii().to_vec(), value.to_vec());
            self.credentials.push(Credential { rule, key, value, confidence: confidence.min(self.limit) });
        }
    }

    /// As [`add`](Self::add), of a format whose parse leaves no doubt.
    fn sure(&mut self, rule: &'static str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.add(rule, key, value, Confidence::High);
    }
}

/// A variable of this name holds a secret, and this value can be one.
pub(super) fn is_secrets(name: &[u8], value: &[u8]) -> bool {
    names::is_secret(name) && names::is_value(value) && !is_placeholder(value)
}

/// A variable of this name holds a secret.
pub(super) fn names_secret(name: &[u8]) -> bool {
    names::is_secret(name)
}

/// A value only points to a secret.
pub(super) fn is_reference(value: &[u8]) -> bool {
    known::is_reference(value)
}

/// `db.password` and `dbPassword` as `DB_PASSWORD`.
pub(super) fn constant_case(name: &[u8]) -> Vec<u8> {
    names::constant_case(name)
}

/// A file of this name is made to be copied, or shows how something is used.
pub(super) fn is_example(path: &[u8]) -> bool {
    let name = file_name::file_name(path);
    file_name::is_template(name) || memchr::memmem::find(name, b"examples").is_some()
}

/// A value that is given as a secret; none where it is a variable, a placeholder or a path.
pub(super) fn judge(rule: &'static str, name: &[u8], value: &[u8]) -> Option<Credential> {
    let mut sink = Sink { limit: Confidence::High, credentials: Vec::new() };
    if !names::is_path(value) {
        sink.add(rule, name, value, Confidence::Medium);
    }
    sink.credentials.pop()
}

/// A variable of this name holds a password, and this value is one that everybody knows.
pub(super) fn is_default_password(name: &[u8], value: &[u8]) -> bool {
    names::is_secret(name) && known::is_default_password(value)
}

/// Lines without their ends.
fn text_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

/// Without the quotes around it.
fn unquote(value: &[u8]) -> &[u8] {
    match value.trim_ascii() {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        value => value,
    }
}
