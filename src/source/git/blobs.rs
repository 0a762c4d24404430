//! The bytes of blobs, by `cat-file --batch`: one process for all of them.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::ChildStdin;

use super::program::{self, Running};
use super::{GitError, text};

/// Longest line before a blob's bytes: an id, a type, a length.
const MAX_HEADER_BYTES: u64 = 256;

const DOING: &str = "read a file";

/// Reads blobs one after the other.
pub struct Blobs {
    input: ChildStdin,
    output: BufReader<Box<dyn Read>>,
    _running: Running,
}

/// What there is of a blob.
pub enum Blob<'a> {
    /// Its bytes, all of which must be read before the next one is asked for.
    Content {
        /// Their number.
        size: u64,
        /// The bytes.
        reader: &'a mut dyn Read,
    },
    /// The repository lacks it, as a partial clone does.
    Missing,
}

impl Blobs {
    pub(super) fn start(folder: &Path) -> Result<Self, GitError> {
        let mut running = program::run_asked(folder, &["cat-file", "--batch"], DOING)?;
        let output: Box<dyn Read> = Box::new(running.output());
        let input = running.input().ok_or(GitError::Unexpected { doing: DOING })?;
        Ok(Self { input, output: BufReader::with_capacity(256 << 10, output), _running: running })
    }

    /// Gives a blob to `read`, and passes over what that leaves.
    ///
    /// # Errors
    /// When git stops, or does not answer as its manual says.
    pub fn read(&mut self, id: &str, read: &mut dyn FnMut(Blob<'_>) -> std::io::Result<()>) -> Result<(), GitError> {
        self.input.write_all(format!("{id}\n").as_bytes())?;
        self.input.flush()?;
        let mut header = Vec::new();
        (&mut self.output).take(MAX_HEADER_BYTES).read_until(b'\n', &mut header)?;
        let words: Vec<&str> = text(&header).split(' ').collect();
        match words.as_slice() {
            [_, "missing"] => Ok(read(Blob::Missing)?),
            [_, _, size] => {
                let size: u64 = size.parse().map_err(|_| GitError::Unexpected { doing: DOING })?;
                let mut content = (&mut self.output).take(size);
                read(Blob::Content { size, reader: &mut content })?;
                // What was left, and the newline behind it.
                let left = content.limit() + 1;
                if std::io::copy(&mut (&mut self.output).take(left), &mut std::io::sink())? < left {
                    return Err(GitError::Unexpected { doing: DOING });
                }
                Ok(())
            }
            _ => Err(GitError::Unexpected { doing: DOING }),
        }
    }
}
