//! Which kind of credential file a path names, and how it is read. [`table`](super::table) lists them.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::fields::{Fields, Syntax};
use super::file_name::{Pattern, ends_with_folder, file_name, is_template};
use super::table::KINDS;
use super::{Credential, NotUnderstood, Sink};
use crate::facts::Confidence;

/// How a file is read.
#[derive(Debug)]
enum Parser {
    /// By a parser of its own.
    Own(fn(&[u8], &mut Sink) -> Result<(), NotUnderstood>),
    /// By the names of its fields.
    Fields(Fields),
}

/// A kind of credential file.
#[derive(Debug)]
pub(in crate::secret) struct Kind {
    /// File names; `*` stands for anything.
    names: &'static [&'static str],
    /// The folders that it must be in, the last ones of its path; any where empty.
    folders: &'static [&'static str],
    parser: Parser,
    /// Its name promises the format. Of others only some are credential files, so one that cannot be read is not missed.
    is_certain: bool,
}

/// A parser of its own.
pub(super) type OwnParser = fn(&[u8], &mut Sink) -> Result<(), NotUnderstood>;

impl Kind {
    pub(super) const fn anywhere(names: &'static [&'static str], parser: OwnParser) -> Self {
        Self::under(&[], names, parser)
    }

    pub(super) const fn under(
        folders: &'static [&'static str],
        names: &'static [&'static str],
        parser: OwnParser,
    ) -> Self {
        Self { names, folders, parser: Parser::Own(parser), is_certain: true }
    }

    pub(super) const fn fields(
        folders: &'static [&'static str],
        names: &'static [&'static str],
        syntax: Syntax,
        rule: &'static str,
        secrets: &'static [&'static str],
    ) -> Self {
        Self { names, folders, parser: Parser::Fields(Fields { rule, syntax, names: secrets }), is_certain: true }
    }

    pub(super) const fn perhaps(
        folders: &'static [&'static str],
        names: &'static [&'static str],
        parser: OwnParser,
    ) -> Self {
        Self { names, folders, parser: Parser::Own(parser), is_certain: false }
    }

    /// Whether a file that cannot be read is to be told.
    pub(in crate::secret) fn is_certain(&self) -> bool {
        self.is_certain
    }

    fn is_in(&self, folder: &[u8]) -> bool {
        self.folders.is_empty() || self.folders.iter().any(|known| ends_with_folder(folder, known.as_bytes()))
    }

    /// The credentials in a file of this kind.
    pub(in crate::secret) fn parse(&self, path: &[u8], text: &[u8]) -> Result<Vec<Credential>, NotUnderstood> {
        let limit = if is_template(file_name(path)) { Confidence::Low } else { Confidence::High };
        let mut sink = Sink { limit, credentials: Vec::new() };
        match &self.parser {
            Parser::Own(parse) => parse(text, &mut sink)?,
            Parser::Fields(fields) => fields.parse(text, &mut sink)?,
        }
        Ok(sink.credentials)
    }
}

/// The kinds by their names: every file of every layer is asked about.
struct Index {
    /// Numbers of kinds by whole names, in their order.
    names: HashMap<&'static [u8], Vec<usize>>,
    /// Names with stars, and the number of their kind, in their order.
    patterns: Vec<(Pattern, usize)>,
}

impl Index {
    fn new() -> Self {
        let mut index = Self { names: HashMap::new(), patterns: Vec::new() };
        for (number, kind) in KINDS.iter().enumerate() {
            for name in kind.names {
                match Pattern::new(name) {
                    Some(pattern) => index.patterns.push((pattern, number)),
                    None => index.names.entry(name.as_bytes()).or_default().push(number),
                }
            }
        }
        index
    }

    /// The first kind of this name that a folder may hold.
    fn find(&self, folder: &[u8], name: &[u8]) -> Option<&'static Kind> {
        let fits = |number: &usize| KINDS.get(*number).is_some_and(|kind| kind.is_in(folder));
        let whole = self.names.get(name).and_then(|numbers| numbers.iter().copied().find(fits));
        let is = |(pattern, number): &&(Pattern, usize)| pattern.is_match(name) && fits(number);
        let patterned = self.patterns.iter().find(is).map(|(_, number)| *number);
        KINDS.get(whole.into_iter().chain(patterned).min()?)
    }
}

/// The kind of credential file at a path; the first in the table that fits counts.
pub(in crate::secret) fn kind_of(path: &[u8]) -> Option<&'static Kind> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    let name = file_name(path);
    let folder = path.get(..path.len() - name.len()).unwrap_or_default();
    INDEX.get_or_init(Index::new).find(folder.strip_suffix(b"/").unwrap_or(folder), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_name_and_folder() {
        for (path, known) in [
            ("root/.docker/config.json", true),
            ("app/config.json", false),
            ("kaniko/.docker/config.json", true),
            ("root/.aws/credentials", true),
            ("srv/credentials", false),
            ("etc/shadow", true),
            ("usr/share/doc/etcshadow", false),
            ("app/.env", true),
            ("app/.env.production", true),
            ("app/prod.env", true),
            ("app/environment", false),
            ("app/my-service-account-prod.json", true),
            ("root/.kube/config", true),
            ("srv/terraform.tfstate", true),
            ("app/config/master.key", true),
            ("tls/server.key", false),
        ] {
            assert_eq!(kind_of(path.as_bytes()).is_some(), known, "{path}");
        }
    }
}
