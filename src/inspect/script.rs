//! Executable scripts: their interpreter, and the commands that a shell script may start.

use std::collections::BTreeSet;

use super::{InspectError, Inspector, Meta, text};
use crate::facts::loading::{Loading, Script, commands, is_shell};
use crate::facts::{Fact, PathSet};
use crate::layer::{Entry, FileView, ReadAt as _};

/// A script with the executable bit.
pub(super) struct ExecutableScript;

static META: Meta = Meta {
    name: "language/script",
    summary: "what executable scripts may start",
    required: false,
    doc: "**Reads** executable files that begin with `#!`, the first MiB of each; not the scripts of package managers.\n\n**Reports** the interpreter, and of shell scripts the words that stand \
          where commands do, to tell which packages the image's command can load.\n\n**Cannot see** commands whose name a script computes.\n\n**Since** 0.2.0",
};

/// How much of a script is looked at. Longer ones carry an archive behind a short script.
const MAX_BYTES: u64 = 1 << 20;

/// Longest first line, as Linux reads it (`BINPRM_BUF_SIZE`).
const MAX_FIRST_LINE: usize = 256;

impl Inspector for ExecutableScript {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        let by_manager = || entry.path.starts_with(b"var/lib/dpkg/info/");
        entry.mode & 0o111 != 0 && head.starts_with(b"#!") && !by_manager()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let mut content = vec![0; usize::try_from(file.len().min(MAX_BYTES)).unwrap_or_default()];
        let read = file.read_at(0, &mut content)?;
        let content = content.get(..read).unwrap_or_default();
        let end = memchr::memchr(b'\n', content).unwrap_or(content.len());
        let first = content.get(2..end.min(MAX_FIRST_LINE)).unwrap_or_default();
        let interpreter: Vec<String> = text(first).split_ascii_whitespace().map(str::to_owned).collect();
        let names_shell = |word: &String| word.rsplit('/').next().is_some_and(is_shell);
        let mut words = BTreeSet::new();
        if interpreter.iter().any(names_shell) {
            commands::add(content.get(end..).unwrap_or_default(), &mut words);
        }
        let (commands, _) = PathSet::build(words.into_iter().collect());
        facts.push(Fact::Loading(Loading::Script(Script { interpreter, commands })));
        Ok(())
    }
}
