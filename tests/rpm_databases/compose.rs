//! Writers of the forms that rpm itself no longer writes on most machines, and of single headers.

/// One tag: number, type, count, bytes.
pub(crate) type TagValue<'a> = (u32, u32, u32, &'a [u8]);

/// A header without a region, as packages of rpm 3 have it.
pub(crate) fn header(tags: &[TagValue<'_>]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    for (tag, kind, count, bytes) in tags {
        for number in [*tag, *kind, store.len() as u32, *count] {
            index.extend(number.to_be_bytes());
        }
        store.extend_from_slice(bytes);
    }
    let lengths = [tags.len() as u32, store.len() as u32].map(u32::to_be_bytes).concat();
    [lengths, index, store].concat()
}

/// The tags that every package has.
pub(crate) const NAMED: [TagValue<'static>; 3] = [(1000, 6, 1, b"named\0"), (1001, 6, 1, b"1\0"), (1002, 6, 1, b"2\0")];

/// [`NAMED`] and more tags.
pub(crate) fn with(more: &[TagValue<'_>]) -> Vec<u8> {
    header(&[&NAMED, more].concat())
}

/// An NDB file; the packages are numbered from 1.
pub(crate) fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let le = |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
    let slot_bytes = (32 + 16 * headers.len()).next_multiple_of(4096).max(4096);
    let (slot_pages, next) = (slot_bytes as u32 / 4096, headers.len() as u32 + 1);
    let mut file = [b"RpmP".to_vec(), le(&[0, 7, slot_pages, next, 0, 0, 0])].concat();
    let mut frames = Vec::new();
    for (number, header) in (1u32..).zip(headers) {
        let blocks = (16 + header.len() + 12).div_ceil(16);
        let start = (slot_bytes + frames.len()) / 16;
        file.extend([b"Slot".to_vec(), le(&[number, start as u32, blocks as u32])].concat());
        let end = frames.len() + blocks * 16;
        frames.extend([b"BlbS".to_vec(), le(&[number, 7, header.len() as u32])].concat());
        frames.extend_from_slice(header);
        frames.resize(end - 12, 0);
        frames.extend([le(&[0, header.len() as u32]), b"BlbE".to_vec()].concat());
    }
    while file.len() < slot_bytes {
        file.extend([b"Slot".to_vec(), le(&[0, 0, 0])].concat());
    }
    file.extend(frames);
    file
}

/// Composes Berkeley DB hash files with one bucket.
pub(crate) struct BdbWriter {
    pub(crate) big_endian: bool,
    pub(crate) page_bytes: usize,
    pub(crate) pages: Vec<Vec<u8>>,
}

impl BdbWriter {
    pub(crate) fn put16(&self, page: &mut [u8], at: usize, number: usize) {
        let number = u16::try_from(number).unwrap();
        let raw = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        page[at..at + 2].copy_from_slice(&raw);
    }

    pub(crate) fn put32(&self, page: &mut [u8], at: usize, number: usize) {
        let number = u32::try_from(number).unwrap();
        let raw = if self.big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
        page[at..at + 4].copy_from_slice(&raw);
    }

    fn new_page(&mut self, kind: u8) -> usize {
        let number = self.pages.len();
        let mut page = vec![0; self.page_bytes];
        self.put32(&mut page, 8, number);
        page[25] = kind;
        self.pages.push(page);
        number
    }

    /// Writes `bytes` to a chain of overflow pages and returns the first.
    fn overflow(&mut self, bytes: &[u8]) -> usize {
        let first = self.pages.len();
        let room = self.page_bytes - 26;
        let count = bytes.len().div_ceil(room);
        for (index, chunk) in bytes.chunks(room).enumerate() {
            let number = self.new_page(7);
            let mut page = std::mem::take(&mut self.pages[number]);
            self.put32(&mut page, 16, if index + 1 < count { number + 1 } else { 0 });
            self.put16(&mut page, 20, 1);
            self.put16(&mut page, 22, chunk.len());
            page[26..26 + chunk.len()].copy_from_slice(chunk);
            self.pages[number] = page;
        }
        first
    }

    /// Key and value items of package `number`; a large value goes to overflow pages, as in Berkeley DB.
    fn items(&mut self, number: usize, value: &[u8]) -> [Vec<u8>; 2] {
        let mut key = vec![1, 0, 0, 0, 0];
        self.put32(&mut key, 1, number);
        if value.len() <= self.page_bytes / 4 {
            return [key, [&[1], value].concat()];
        }
        let first = self.overflow(value);
        let mut item = vec![3; 12];
        self.put32(&mut item, 4, first);
        self.put32(&mut item, 8, value.len());
        [key, item]
    }

    /// The whole file: packages are numbered from 1, and number 0 is rpm's counter.
    pub(crate) fn file(big_endian: bool, page_bytes: usize, headers: &[Vec<u8>]) -> Vec<u8> {
        let mut this = Self { big_endian, page_bytes, pages: Vec::new() };
        this.new_page(8);
        let mut bucket = this.new_page(13);
        let counter = vec![headers.len() as u8, 0, 0, 0];
        let mut end = page_bytes;
        let mut count = 0;
        for (number, value) in std::iter::once(&counter).chain(headers).enumerate() {
            let items = this.items(number, value);
            if 26 + 2 * (count + 2) + items.concat().len() >= end {
                let next = this.new_page(13);
                let mut page = std::mem::take(&mut this.pages[bucket]);
                this.put32(&mut page, 16, next);
                this.pages[bucket] = page;
                let mut page = std::mem::take(&mut this.pages[next]);
                this.put32(&mut page, 12, bucket);
                this.pages[next] = page;
                (bucket, end, count) = (next, page_bytes, 0);
            }
            let mut page = std::mem::take(&mut this.pages[bucket]);
            for item in items {
                end -= item.len();
                page[end..end + item.len()].copy_from_slice(&item);
                this.put16(&mut page, 26 + 2 * count, end);
                count += 1;
            }
            this.put16(&mut page, 20, count);
            this.put16(&mut page, 22, end % 65_536);
            this.pages[bucket] = page;
        }
        this.meta(headers.len() + 1);
        this.pages.concat()
    }

    fn meta(&mut self, records: usize) {
        let mut meta = std::mem::take(&mut self.pages[0]);
        for (at, number) in [
            (12, 0x0006_1561),
            (16, 9),
            (20, self.page_bytes),
            (32, self.pages.len() - 1),
            (40, records),
            (44, records),
        ] {
            self.put32(&mut meta, at, number);
        }
        for spare in 0..32 {
            self.put32(&mut meta, 96 + 4 * spare, 1);
        }
        self.pages[0] = meta;
    }
}
