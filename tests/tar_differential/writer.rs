//! Writes tar archives, right ones and wrong ones, byte by byte.

/// Length of a block.
pub(crate) const BLOCK: usize = 512;

/// A header block in the making.
#[derive(Clone)]
pub(crate) struct Block(pub(crate) [u8; BLOCK]);

/// The magic bytes of each format, with where STAR has its trailer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

impl Block {
    /// A header with plain numbers.
    pub(crate) fn new(format: Format, type_flag: u8, name: &[u8], size: i64) -> Self {
        let mut block = Self([0; BLOCK]);
        match format {
            Format::V7 => {}
            Format::Ustar => block.put(257, b"ustar\x0000"),
            Format::Star => {
                block.put(257, b"ustar\x0000");
                block.put(508, b"tar\0");
            }
            Format::Gnu => block.put(257, b"ustar  \0"),
        }
        block.put(0, &name[..name.len().min(100)]);
        block.number(100, 8, 0o644);
        block.number(108, 8, 1000);
        block.number(116, 8, 100);
        block.number(124, 12, size);
        block.number(136, 12, 1_700_000_000);
        block.0[156] = type_flag;
        block
    }

    /// With these bytes, whatever they stand for.
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.put(at, bytes);
        self
    }

    /// With GNU's magic.
    pub(crate) fn gnu(self) -> Self {
        self.with(257, b"ustar  \0")
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Octal where it fits, else base 256.
    pub(crate) fn number(&mut self, at: usize, length: usize, value: i64) {
        let text = format!("{value:0width$o}\0", width = length - 1);
        if value >= 0 && text.len() == length {
            self.put(at, text.as_bytes());
        } else {
            self.base_256(at, length, value);
        }
    }

    pub(crate) fn base_256(&mut self, at: usize, length: usize, value: i64) {
        let mut bytes = vec![if value < 0 { 0xff } else { 0 }; length];
        let wide = value.to_be_bytes();
        let n = length.min(8);
        bytes[length - n..].copy_from_slice(&wide[8 - n..]);
        bytes[0] |= 0x80;
        self.put(at, &bytes);
    }

    pub(crate) fn link(mut self, target: &[u8]) -> Self {
        self.put(157, &target[..target.len().min(100)]);
        self
    }

    /// Writes the checksum over unsigned bytes.
    pub(crate) fn seal(mut self) -> Self {
        self.put(148, b"        ");
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// Writes the checksum over signed bytes, as Sun's tar did.
    pub(crate) fn seal_signed(mut self) -> Self {
        self.put(148, b"        ");
        let sum: i32 = self.0.iter().map(|byte| i32::from(*byte as i8)).sum();
        let text = if sum >= 0 { format!("{sum:06o}\0 ") } else { "000000\0 ".to_owned() };
        self.put(148, text.as_bytes());
        self
    }

    /// Whether it carries the checksum that [`Block::seal`] would write.
    pub(crate) fn is_sealed(&self) -> bool {
        self.clone().seal().0 == self.0
    }
}

/// An archive in the making.
#[derive(Default, Clone)]
pub(crate) struct Archive(pub(crate) Vec<u8>);

impl Archive {
    /// A block as it is.
    pub(crate) fn block(mut self, block: &Block) -> Self {
        self.0.extend_from_slice(&block.0);
        self
    }

    /// Content with its padding.
    pub(crate) fn content(mut self, content: &[u8]) -> Self {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// A sealed header and its content.
    pub(crate) fn entry(self, block: Block, content: &[u8]) -> Self {
        self.block(&block.seal()).content(content)
    }

    /// A regular file.
    pub(crate) fn file(self, format: Format, name: &[u8], content: &[u8]) -> Self {
        self.entry(Block::new(format, b'0', name, content.len() as i64), content)
    }

    /// A PAX header, `x` or `g`.
    pub(crate) fn pax(self, type_flag: u8, records: &[(&[u8], &[u8])]) -> Self {
        let text: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.pax_text(type_flag, &text)
    }

    pub(crate) fn pax_text(self, type_flag: u8, text: &[u8]) -> Self {
        self.entry(Block::new(Format::Ustar, type_flag, b"././@PaxHeader", text.len() as i64), text)
    }

    /// A GNU long name (`L`) or long link (`K`).
    pub(crate) fn long(self, type_flag: u8, text: &[u8]) -> Self {
        let mut text = text.to_vec();
        text.push(0);
        self.entry(Block::new(Format::Gnu, type_flag, b"././@LongLink", text.len() as i64), &text)
    }

    /// An old GNU sparse file; `parts` are offsets and lengths.
    pub(crate) fn gnu_sparse(mut self, name: &[u8], parts: &[(i64, i64)], logical: i64, content: &[u8]) -> Self {
        let mut block = Block::new(Format::Gnu, b'S', name, content.len() as i64);
        block.number(483, 12, logical);
        let (first, rest) = parts.split_at(parts.len().min(4));
        put_parts(&mut block, 386, first);
        block.0[482] = u8::from(!rest.is_empty());
        self = self.block(&block.seal());
        let mut chunks = rest.chunks(21).peekable();
        while let Some(chunk) = chunks.next() {
            let mut extension = Block([0; BLOCK]);
            put_parts(&mut extension, 0, chunk);
            extension.0[504] = u8::from(chunks.peek().is_some());
            self = self.block(&extension);
        }
        self.content(content)
    }

    /// A PAX sparse file of the version `0.0`, `0.1` or `1.0`.
    pub(crate) fn pax_sparse(
        self,
        version: &str,
        name: &[u8],
        parts: &[(i64, i64)],
        logical: i64,
        content: &[u8],
    ) -> Self {
        let (size, count) = (logical.to_string(), parts.len().to_string());
        let numbers: Vec<String> =
            parts.iter().flat_map(|(offset, length)| [offset.to_string(), length.to_string()]).collect();
        let map = numbers.join(",");
        let mut records: Vec<(&[u8], &[u8])> = Vec::new();
        let mut stored = Vec::new();
        match version {
            "0.0" => {
                records
                    .extend([(&b"GNU.sparse.size"[..], size.as_bytes()), (b"GNU.sparse.numblocks", count.as_bytes())]);
                for pair in numbers.chunks(2) {
                    records.extend([
                        (&b"GNU.sparse.offset"[..], pair[0].as_bytes()),
                        (b"GNU.sparse.numbytes", pair[1].as_bytes()),
                    ]);
                }
            }
            "0.1" => records.extend([
                (&b"GNU.sparse.size"[..], size.as_bytes()),
                (b"GNU.sparse.numblocks", count.as_bytes()),
                (b"GNU.sparse.name", name),
                (b"GNU.sparse.map", map.as_bytes()),
            ]),
            _ => {
                records.extend([
                    (&b"GNU.sparse.major"[..], &b"1"[..]),
                    (b"GNU.sparse.minor", b"0"),
                    (b"GNU.sparse.name", name),
                    (b"GNU.sparse.realsize", size.as_bytes()),
                ]);
                stored = format!("{count}\n").into_bytes();
                stored.extend(numbers.iter().flat_map(|number| format!("{number}\n").into_bytes()));
                stored.resize(stored.len().next_multiple_of(BLOCK), 0);
            }
        }
        stored.extend_from_slice(content);
        let header_name = if version == "0.0" { name } else { b"./GNUSparseFile.0/stored" };
        self.pax(b'x', &records).file(Format::Ustar, header_name, &stored)
    }

    /// The end mark.
    pub(crate) fn end(mut self) -> Self {
        self.0.extend_from_slice(&[0; 2 * BLOCK]);
        self
    }
}

fn put_parts(block: &mut Block, at: usize, parts: &[(i64, i64)]) {
    for (index, (offset, length)) in parts.iter().enumerate() {
        block.number(at + index * 24, 12, *offset);
        block.number(at + index * 24 + 12, 12, *length);
    }
}

/// A PAX record with its right length.
pub(crate) fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}
