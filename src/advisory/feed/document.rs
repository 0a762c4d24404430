//! A document as feeds see it: its name, its first bytes, its content as a stream of bounded steps.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use crate::advisory::error::RecordError;

/// How many bytes of a document are looked at to recognise it. Two of Ubuntu's VEX documents name their author only after 1.5 KB.
pub(crate) const HEAD_BYTES: usize = 4096;

/// Most bytes between two records of a stream: bounds what a parser gathers for one of them. The largest real ones, Debian's `linux` and
/// SUSE's kernel updates, have some 10 MB.
const MAX_STEP_BYTES: u64 = 64 << 20;

/// Beginning of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    /// Its first bytes, at most [`HEAD_BYTES`].
    pub(crate) bytes: &'a [u8],
}

impl Head<'_> {
    /// Whether a text stands in the first bytes.
    pub(crate) fn has(&self, text: &str) -> bool {
        memchr::memmem::find(self.bytes, text.as_bytes()).is_some()
    }

    /// Whether it begins like a JSON object or list.
    pub(crate) fn is_json(&self) -> bool {
        let rest = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        matches!(rest.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
    }

    /// Whether it begins like XML.
    pub(crate) fn is_xml(&self) -> bool {
        let rest = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }
}

/// A document's content.
pub(crate) struct Document<'a> {
    /// Name with folders, `/` between them.
    pub(crate) name: &'a str,
    reader: Stepped<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(name: &'a str, reader: &'a mut dyn BufRead) -> Self {
        let pace = Pace(Rc::new(Cell::new(MAX_STEP_BYTES)));
        Self { name, reader: Stepped { inner: reader, pace } }
    }

    /// The content as a stream that fails when a reader takes more than 64 MiB without a call of the pace's [`Pace::step`].
    pub(crate) fn stream(&mut self) -> (&mut Stepped<'a>, Pace) {
        let pace = self.reader.pace.clone();
        (&mut self.reader, pace)
    }

    /// The whole content, for documents that are small; longer than 64 MiB is an error.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes).map_err(RecordError::Entry)?;
        Ok(bytes)
    }
}

/// Says that a record is complete, so that the next may take as much again.
#[derive(Clone)]
pub(crate) struct Pace(Rc<Cell<u64>>);

impl Pace {
    /// A record is complete.
    pub(crate) fn step(&self) {
        self.0.set(MAX_STEP_BYTES);
    }
}

/// A reader that refuses to give more than [`MAX_STEP_BYTES`] in one step.
pub(crate) struct Stepped<'a> {
    inner: &'a mut dyn BufRead,
    pace: Pace,
}

impl BufRead for Stepped<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.inner.fill_buf()?;
        if self.pace.0.get() == 0 && !buffer.is_empty() {
            return Err(io::Error::other("one record has more than 64 MiB"));
        }
        Ok(buffer)
    }

    fn consume(&mut self, amount: usize) {
        let left = &self.pace.0;
        left.set(left.get().saturating_sub(amount as u64));
        self.inner.consume(amount);
    }
}

impl Read for Stepped<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let length = buffer.len().min(target.len());
        if let (Some(to), Some(from)) = (target.get_mut(..length), buffer.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_bounded_and_a_stream_of_steps_is_not() {
        let mut zeros = io::BufReader::new(io::repeat(0).take(MAX_STEP_BYTES + 1));
        assert!(Document::new("x", &mut zeros).bytes().is_err());
        let mut zeros = io::BufReader::new(io::repeat(0).take(2 * MAX_STEP_BYTES));
        let mut document = Document::new("x", &mut zeros);
        let (stream, pace) = document.stream();
        let mut record = vec![0; 1 << 20];
        for _ in 0..128 {
            stream.read_exact(&mut record).expect("a record fits");
            pace.step();
        }
        assert_eq!(stream.read(&mut record).expect("the end"), 0);
    }
}
