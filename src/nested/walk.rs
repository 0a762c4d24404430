//! The way through a file and the files in it.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use super::ar::Members;
use super::sqlite::Rows;
use super::stream::{self, Compression};
use super::zip::{Item, Zip};
use super::{Allowance, Form, HEAD_BYTES, MAX_DEPTH, MAX_NAME_BYTES, NestedError, Visitor};
use super::{class, git, python};
use crate::layer::tar::{EntryKind, Header, Parser, Sink};
use crate::layer::view::MEMORY_BYTES;
use crate::layer::{Entry, EntryKind as FileKind, Gather, ReadAt as _, Slice};

/// Bytes that are read and handed out at a time.
const WINDOW_BYTES: usize = 64 << 10;

/// Lengths of constants that are shown with their names: shorter ones hide nothing, longer ones are texts that the file's bytes show as well.
const VALUE_BYTES: std::ops::RangeInclusive<usize> = 6..=4096;

/// Reads compiled code: name, value and its offset to the second argument; none where it is damaged.
type ReadCompiled = fn(&[u8], &mut dyn FnMut(&[u8], &[u8], usize)) -> Option<()>;

/// Shows every file in `file` to `visitor`; `name` is the file's own, without its folder.
pub fn walk(file: Slice<'_>, name: &[u8], form: Form, allowance: &mut Allowance, visitor: &mut dyn Visitor) {
    allowance.grant(file.len());
    Walk { allowance, visitor }.open(file, &Place { inside: b"", name, depth: 1 }, form);
}

struct Walk<'w> {
    allowance: &'w mut Allowance,
    visitor: &'w mut dyn Visitor,
}

/// A container that is open.
struct Place<'p> {
    /// Where it is; empty for the outermost.
    inside: &'p [u8],
    /// Its own name.
    name: &'p [u8],
    /// How deep it is, from 1.
    depth: usize,
}

impl Place<'_> {
    /// The place of a member. Names are shown, never used as paths of this machine.
    fn join(&self, name: &[u8]) -> Vec<u8> {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        let name = name.get(..name.len().min(MAX_NAME_BYTES)).unwrap_or_default();
        if self.inside.is_empty() { name.to_vec() } else { [self.inside, b"!/", name].concat() }
    }
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

impl Walk<'_> {
    fn open(&mut self, source: Slice<'_>, place: &Place<'_>, form: Form) {
        let outcome = match form {
            Form::Zip => self.zip(source, place),
            Form::Compressed(compression) => self.compressed(source, place, compression),
            Form::Tar => self.tar(&mut reader(source), place, b""),
            Form::Debian => self.debian(source, place),
            Form::GitObject => self.git_object(source, place),
            Form::GitPack => self.git_pack(source, place),
            Form::Sqlite => self.rows(source, place),
            Form::Python => self.compiled(source, place, python::assignments),
            Form::JavaClass => self.compiled(source, place, class::constants),
        };
        if let Err(error) = outcome {
            self.visitor.unread(place.inside, &error);
        }
    }

    fn zip(&mut self, source: Slice<'_>, place: &Place<'_>) -> Result<(), NestedError> {
        let zip = Zip::open(source)?;
        zip.entries(|name, item| {
            self.allowance.member()?;
            let inside = place.join(name);
            match self.entry(&zip, item, &inside, place) {
                Err(NestedError::TooMuch) => Err(NestedError::TooMuch),
                Err(error) => {
                    self.visitor.unread(&inside, &error);
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        })
    }

    fn entry(&mut self, zip: &Zip<'_>, item: Item, inside: &[u8], place: &Place<'_>) -> Result<(), NestedError> {
        if let Some(content) = zip.stored(item)? {
            return self.slice(content, inside, place);
        }
        let mut member = Member::begin(self, inside.to_vec(), item.size);
        let outcome = zip.inflate::<NestedError>(item, &mut |piece| {
            self.allowance.charge(piece.len() as u64)?;
            member.data(self, piece);
            Ok(true)
        });
        member.end(self, place);
        outcome
    }

    fn debian(&mut self, source: Slice<'_>, place: &Place<'_>) -> Result<(), NestedError> {
        let mut members = Members::new(source);
        while let Some(member) = members.next()? {
            self.allowance.member()?;
            self.slice(member.content, &place.join(&member.name), place)?;
        }
        Ok(())
    }

    fn git_object(&mut self, source: Slice<'_>, place: &Place<'_>) -> Result<(), NestedError> {
        let mut content = BufReader::new(flate2::bufread::ZlibDecoder::new(reader(source)));
        let kind = git::loose_header(&mut content)?;
        if !kind.has_text() {
            return Ok(());
        }
        self.allowance.member()?;
        let mut member = Member::begin(self, place.join(kind.name().as_bytes()), 0);
        let outcome = self.pump(&mut content, Vec::new(), &mut member);
        member.end(self, place);
        outcome
    }

    fn git_pack(&mut self, source: Slice<'_>, place: &Place<'_>) -> Result<(), NestedError> {
        let mut pack = git::Pack::open(source)?;
        while let Some(object) = pack.next(self.allowance) {
            match object {
                Ok(object) if object.kind.has_text() => {
                    let mut member = Member::begin(self, place.join(object.id.as_bytes()), object.content.len() as u64);
                    member.data(self, &object.content);
                    member.end(self, place);
                }
                Ok(_) => {}
                Err(NestedError::TooMuch) => return Err(NestedError::TooMuch),
                Err(error) => self.visitor.unread(place.inside, &error),
            }
        }
        Ok(())
    }

    fn rows(&mut self, source: Slice<'_>, place: &Place<'_>) -> Result<(), NestedError> {
        let (allowance, visitor) = (&mut *self.allowance, &mut *self.visitor);
        Rows::open(source)?.show(allowance, &mut |text, at| visitor.text(place.inside, text, at))
    }

    /// Shows what compiled code assigns as its source would.
    fn compiled(&mut self, source: Slice<'_>, place: &Place<'_>, read: ReadCompiled) -> Result<(), NestedError> {
        if source.len() > MEMORY_BYTES {
            return Err(NestedError::TooLarge(MEMORY_BYTES));
        }
        let mut bytes = vec![0; usize::try_from(source.len()).unwrap_or_default()];
        source.read_exact_at(0, &mut bytes)?;
        let mut show = |name: &[u8], value: &[u8], at: usize| {
            if VALUE_BYTES.contains(&value.len()) && name.len() <= MAX_NAME_BYTES {
                self.visitor.text(place.inside, &[name, b" = \"", value, b"\"\n"].concat(), at as u64);
            }
        };
        read(&bytes, &mut show).ok_or(NestedError::Damaged("compiled code"))
    }

    /// A member that is stored as it is, and is opened where it lies.
    fn slice(&mut self, content: Slice<'_>, inside: &[u8], place: &Place<'_>) -> Result<(), NestedError> {
        let mut reader = reader(content);
        let mut window = vec![0; WINDOW_BYTES];
        let mut form = None;
        self.visitor.begin(inside, content.len());
        let mut at = 0;
        let outcome = loop {
            let read = fill(&mut reader, &mut window).map_err(NestedError::from);
            let piece = match read {
                Ok(0) => break Ok(()),
                Ok(length) => window.get(..length).unwrap_or_default(),
                Err(error) => break Err(error),
            };
            if at == 0 {
                form = Form::detect(inside, piece.get(..piece.len().min(HEAD_BYTES)).unwrap_or_default());
            }
            at += piece.len() as u64;
            if let Err(error) = self.allowance.charge(piece.len() as u64) {
                break Err(error);
            }
            self.visitor.data(piece);
        };
        self.visitor.end();
        outcome?;
        self.nested(form, content, inside, place.depth);
        Ok(())
    }

    fn compressed(
        &mut self,
        source: Slice<'_>,
        place: &Place<'_>,
        compression: Compression,
    ) -> Result<(), NestedError> {
        let mut content = stream::open(compression, reader(source))?;
        let mut head = vec![0; HEAD_BYTES];
        let length = fill(&mut content, &mut head)?;
        head.truncate(length);
        if Form::detect(b"", &head) == Some(Form::Tar) {
            return self.tar(&mut content, place, &head);
        }
        self.allowance.member()?;
        let mut member = Member::begin(self, place.join(compression.stem(place.name)), 0);
        let outcome = self.pump(&mut content, head, &mut member);
        member.end(self, place);
        outcome
    }

    fn pump(&mut self, content: &mut dyn Read, head: Vec<u8>, member: &mut Member) -> Result<(), NestedError> {
        member.data(self, &head);
        let mut window = vec![0; WINDOW_BYTES];
        loop {
            let length = fill(content, &mut window)?;
            if length == 0 {
                return Ok(());
            }
            self.allowance.charge(length as u64)?;
            member.data(self, window.get(..length).unwrap_or_default());
        }
    }

    fn tar(&mut self, content: &mut dyn Read, place: &Place<'_>, head: &[u8]) -> Result<(), NestedError> {
        let mut parser = Parser::new();
        let mut entries = Entries { walk: self, place, member: None, failed: None };
        let mut window = vec![0; WINDOW_BYTES];
        let mut pushed = parser.push(head, &mut entries);
        let read = loop {
            if pushed.is_err() || entries.failed.is_some() {
                break Ok(());
            }
            match fill(content, &mut window) {
                Ok(0) => break Ok(()),
                Ok(length) => pushed = parser.push(window.get(..length).unwrap_or_default(), &mut entries),
                Err(error) => break Err(error),
            }
        };
        // An entry that was cut has no end of its own.
        entries.end_entry();
        entries.failed.take().map_or(Ok(()), Err)?;
        read?;
        pushed?;
        parser.finish()?;
        Ok(())
    }

    /// Opens a member that holds files itself.
    fn nested(&mut self, form: Option<Form>, content: Slice<'_>, inside: &[u8], depth: usize) {
        let Some(form) = form else { return };
        if depth >= MAX_DEPTH && form.is_archive() {
            return self.visitor.unread(inside, &NestedError::Depth);
        }
        self.open(content, &Place { inside, name: file_name(inside), depth: depth + 1 }, form);
    }
}

/// A member whose content streams by; it is gathered where it holds files itself.
struct Member {
    inside: Vec<u8>,
    size: u64,
    /// First bytes, until they tell what it is.
    head: Vec<u8>,
    asked: bool,
    gathered: Option<(Form, Gather)>,
}

impl Member {
    fn begin(walk: &mut Walk<'_>, inside: Vec<u8>, size: u64) -> Self {
        walk.visitor.begin(&inside, size);
        Self { inside, size, head: Vec::new(), asked: false, gathered: None }
    }

    fn data(&mut self, walk: &mut Walk<'_>, bytes: &[u8]) {
        walk.visitor.data(bytes);
        if let Some((_, gather)) = &mut self.gathered {
            gather.push(bytes);
        } else if !self.asked {
            self.head.extend_from_slice(bytes);
            if self.head.len() >= HEAD_BYTES {
                self.ask();
            }
        }
    }

    fn ask(&mut self) {
        self.asked = true;
        let head = std::mem::take(&mut self.head);
        let Some(form) = Form::detect(&self.inside, head.get(..head.len().min(HEAD_BYTES)).unwrap_or_default()) else {
            return;
        };
        let mut gather = Gather::default();
        gather.start(self.size);
        gather.push(&head);
        self.gathered = Some((form, gather));
    }

    fn hole(&mut self, walk: &mut Walk<'_>, length: u64) {
        walk.visitor.hole(length);
        // Neither an archive nor a stream is sparse.
        (self.asked, self.gathered) = (true, None);
    }

    fn end(mut self, walk: &mut Walk<'_>, place: &Place<'_>) {
        if !self.asked {
            self.ask();
        }
        walk.visitor.end();
        let Some((form, mut gather)) = self.gathered else { return };
        match gather.view(FILE) {
            Ok(view) => walk.nested(Some(form), Slice::whole(&view), &self.inside, place.depth),
            Err(error) => walk.visitor.unread(&self.inside, &error.into()),
        }
    }
}

/// Metadata that nothing here looks at.
const FILE: Entry<'_> =
    Entry { path: b"", kind: FileKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };

/// The entries of a tar archive.
struct Entries<'e, 'w> {
    walk: &'e mut Walk<'w>,
    place: &'e Place<'e>,
    member: Option<Member>,
    /// Why no more is taken.
    failed: Option<NestedError>,
}

impl Sink for Entries<'_, '_> {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        self.failed = self.walk.allowance.member().err();
        if self.failed.is_some() {
            return ControlFlow::Break(());
        }
        if header.kind == EntryKind::Regular {
            self.member = Some(Member::begin(self.walk, self.place.join(header.path), header.size));
        }
        ControlFlow::Continue(())
    }

    fn data(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        match self.walk.allowance.charge(bytes.len() as u64) {
            Ok(()) => self.member.iter_mut().for_each(|member| member.data(self.walk, bytes)),
            Err(error) => self.failed = Some(error),
        }
    }

    fn hole(&mut self, length: u64) {
        self.member.iter_mut().for_each(|member| member.hole(self.walk, length));
    }

    fn end_entry(&mut self) {
        if let Some(member) = self.member.take() {
            member.end(self.walk, self.place);
        }
    }
}

/// The bytes of a part as a stream.
pub(crate) fn reader(source: Slice<'_>) -> BufReader<Reading<'_>> {
    BufReader::with_capacity(WINDOW_BYTES, Reading { source, at: 0 })
}

/// A slice as a stream.
pub(crate) struct Reading<'s> {
    source: Slice<'s>,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read_at(self.at, buffer)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// Fills the buffer as far as the stream goes.
fn fill(content: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match content.read(room) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
