//! Files that are read as a whole at their end: credential files by their names, files of keys by their first bytes, and what a user's rule says of a name.

use super::encoding::{Encoding, narrow};
use super::{FileScan, MAX_PARSED};
use crate::facts::SecretValue;
use crate::secret::found::Found;
use crate::secret::key::file;
use crate::secret::mask;
use crate::secret::parse::{self, Kind};

impl FileScan<'_> {
    /// Keeps the bytes of a file that is parsed as a whole: for its name, or for its first bytes, which are kept until they tell.
    pub(super) fn gather(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.keys.is_none() {
            let missing = file::HEAD.saturating_sub(self.scratch.gathered.len());
            let (head, behind) = rest.split_at(missing.min(rest.len()));
            self.scratch.gathered.extend_from_slice(head);
            if self.scratch.gathered.len() < file::HEAD {
                return;
            }
            self.keys = Some(file::format_of(&self.scratch.gathered));
            rest = behind;
        }
        if self.kind.is_none() && self.keys.flatten().is_none() {
            self.scratch.gathered.clear();
        } else if self.scratch.gathered.len() + rest.len() > MAX_PARSED {
            self.give_up_parsing();
        } else {
            self.scratch.gathered.extend_from_slice(rest);
        }
    }

    pub(super) fn give_up_parsing(&mut self) {
        if self.keys.take().flatten().is_some() {
            self.unread = Some("the file of keys has more than 1 MiB and was not parsed");
        }
        self.keys = Some(None);
        if self.kind.take().is_some_and(Kind::is_certain) {
            self.unread = Some("the credential file has more than 1 MiB and was searched for tokens only");
            self.scratch.gathered.clear();
        }
    }

    /// Rules that are about files of a name.
    pub(super) fn find_file(&mut self) {
        let scanner = self.scanner;
        let rules = scanner.of_files.iter().filter_map(|index| Some((*index, scanner.rules.get(*index)?)));
        for (rule, known) in rules.filter(|(_, rule)| rule.finds_file(&self.scratch.path)) {
            self.found.add(Found {
                rule,
                confidence: known.confidence(),
                start: 0,
                end: 0,
                line: None,
                column: 0,
                masked: mask::HIDDEN.to_owned(),
                key: None,
                identity: None,
                parsed: false,
                encoding: None,
                allowed: false,
                value: SecretValue::new(b""),
            });
        }
    }

    pub(super) fn read_keys(&mut self) {
        let format = self.keys.take().unwrap_or_else(|| file::format_of(&self.scratch.gathered));
        let Some(format) = format else { return };
        match format.read(&self.scratch.gathered) {
            Some(held) => self.found.add_held(&self.scanner.rules, held),
            None if format.is_certain() => self.unread = Some("the file of keys could not be parsed"),
            None => {}
        }
    }

    pub(super) fn parse(&mut self) {
        let Some(kind) = self.kind.take() else { return };
        let mut text = std::mem::take(&mut self.scratch.gathered);
        if let Encoding::Utf16 { big_endian } = self.encoding {
            let pairs = text.as_chunks::<2>().0.iter();
            text = pairs.map(|[a, b]| narrow(*a, *b, big_endian)).collect();
        }
        if let Some(mark) = text.first_chunk_mut().filter(|first| *first == b"\xef\xbb\xbf") {
            *mark = *b"   ";
        }
        match kind.parse(&self.scratch.path, &text) {
            Ok(credentials) => self.found.add_credentials(&self.scanner.rules, credentials, &text),
            Err(parse::NotUnderstood) if !kind.is_certain() => {}
            Err(parse::NotUnderstood) => {
                self.unread = Some("the credential file could not be parsed and was searched for tokens only")
            }
        }
        self.scratch.gathered = text;
    }
}
