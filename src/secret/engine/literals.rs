//! Finds the rules' literals in a stream: one pass, no false negatives, any number of literals.
//!
//! Every second byte, the three bytes that start there (letters folded to lower case) are hashed into a bitmap of 8 KiB, which stays in the
//! first-level cache. A literal of four bytes or more holds two neighbouring triples, so one of them is always at a sampled place,
//! whatever the literal's position; of its triples the rarest two neighbours stand for it. What the bitmap lets through must have those four bytes in a second
//! bitmap, and the literal's first byte in its place; only then it is compared.
//! An Aho-Corasick automaton needs a dependent load per byte and was measured at a quarter of the speed; it also takes longer to build.

/// Shortest literal: it must hold two neighbouring triples.
pub(in crate::secret) const MIN_LITERAL: usize = 4;

/// Longest literal; the scan keeps at least as much of what came before.
pub(in crate::secret) const MAX_LITERAL: usize = 64;

/// Bytes that one step of the loop samples, and the bytes it must see for that.
const STEP: usize = 16;
const STEP_VIEW: usize = STEP + 3;

/// Bits of the bitmap's index.
const HASH_BITS: u32 = 16;
const BITMAP_BYTES: usize = 1 << (HASH_BITS - 3);

/// Bits of the bucket's index.
const BUCKET_BITS: u32 = 12;

/// One literal and what it stands for.
#[derive(Clone, Debug)]
pub(in crate::secret) struct Literal {
    /// The bytes; in lower case where `caseless`.
    pub(in crate::secret) bytes: Vec<u8>,
    /// Also found with other case (ASCII).
    pub(in crate::secret) caseless: bool,
    /// The rule it belongs to.
    pub(in crate::secret) rule: u16,
    /// Bytes at its front that are no part of what the rule wrote.
    pub(in crate::secret) lead: u8,
}

impl Literal {
    fn is_at(&self, found: &[u8]) -> bool {
        self.are_same(found, &self.bytes)
    }

    fn are_same(&self, found: &[u8], bytes: &[u8]) -> bool {
        if self.caseless { found.eq_ignore_ascii_case(bytes) } else { found == bytes }
    }

    /// What the rule wrote.
    fn own(&self) -> &[u8] {
        self.bytes.get(usize::from(self.lead)..).unwrap_or_default()
    }
}

/// One of the two triples that stand for a literal.
#[derive(Clone, Copy, Debug)]
struct Triple {
    folded: u32,
    literal: u16,
    /// Where in the literal it starts.
    offset: u8,
    /// The literal's first byte, folded: literals that differ in nothing else are many, since those of three bytes have each possible byte before them.
    first: u8,
}

/// Bits by the hash of some bytes.
type Bitmap = Box<[u8; BITMAP_BYTES]>;

/// All literals, ready to be searched.
#[derive(Debug)]
pub(in crate::secret) struct Literals {
    bitmap: Bitmap,
    /// The four bytes of each literal's two triples.
    quads: Bitmap,
    /// Where each bucket's triples start.
    starts: Vec<u16>,
    triples: Vec<Triple>,
    literals: Vec<Literal>,
    /// Literals with a lead, without it and once a rule; by their first three bytes, folded.
    starts_of_files: Vec<(u32, u16)>,
}

impl Literals {
    /// Builds the search; literals shorter than [`MIN_LITERAL`] or longer than [`MAX_LITERAL`] are the caller's error and are left out.
    pub(in crate::secret) fn new(literals: Vec<Literal>) -> Self {
        let (mut bitmap, mut quads) = (Box::new([0_u8; BITMAP_BYTES]), Box::new([0_u8; BITMAP_BYTES]));
        let mut triples = Vec::with_capacity(literals.len() * 2);
        for (index, literal) in literals.iter().enumerate() {
            let Ok(index) = u16::try_from(index) else {
                break;
            };
            if (MIN_LITERAL..=MAX_LITERAL).contains(&literal.bytes.len()) {
                let pair = rarest_pair(index, &literal.bytes);
                let quad = literal.bytes.get(usize::from(pair[0].offset)..).and_then(|rest| rest.first_chunk());
                quad.iter().for_each(|quad| set(&mut quads, fold_quad(**quad)));
                triples.extend(pair);
            }
        }
        triples.sort_by_key(|triple| (bucket(triple.folded), triple.literal, triple.offset));
        let mut starts = vec![0_u16; (1 << BUCKET_BITS) + 1];
        for triple in &triples {
            set(&mut bitmap, triple.folded);
            for start in starts.iter_mut().skip(bucket(triple.folded) + 1) {
                *start += 1;
            }
        }
        let starts_of_files = starts_of_files(&literals);
        Self { bitmap, quads, starts, triples, literals, starts_of_files }
    }

    /// The literal with this number.
    pub(in crate::secret) fn get(&self, index: u16) -> Option<&Literal> {
        self.literals.get(usize::from(index))
    }

    /// The literals with a lead that stand without it at the very start of a file: rule and length.
    pub(in crate::secret) fn at_start<'l>(&'l self, bytes: &'l [u8]) -> impl Iterator<Item = (u16, usize)> + 'l {
        let folded = first_triple(bytes).unwrap_or(u32::MAX);
        let from = self.starts_of_files.partition_point(|(first, _)| *first < folded);
        let same =
            self.starts_of_files.get(from..).unwrap_or_default().iter().take_while(move |(first, _)| *first == folded);
        same.filter_map(move |(_, index)| self.get(*index)).filter_map(move |literal| {
            let own = literal.own();
            bytes
                .get(..own.len())
                .is_some_and(|found| literal.are_same(found, own))
                .then_some((literal.rule, own.len()))
        })
    }

    /// Calls `hit(literal, start)` for every literal that is seen from a sample in `from..to`; samples are at `from`, `from + 2` and so
    /// on, so that calls with adjoining ranges of even length see everything once. `start` may lie up to [`MAX_LITERAL`] before `from`.
    pub(in crate::secret) fn find(
        &self,
        bytes: &[u8],
        from: usize,
        to: usize,
        mut hit: impl FnMut(u16, usize) -> bool,
    ) {
        let mut at = from;
        while at + STEP <= to {
            let Some(view) = bytes.get(at..).and_then(|b| b.first_chunk::<STEP_VIEW>()) else {
                break;
            };
            let seen = self.probe(view);
            if seen != 0 && !self.resolve_all(bytes, at, seen, &mut hit) {
                return;
            }
            at += STEP;
        }
        while at < to {
            let Some(&[a, b, c]) = bytes.get(at..).and_then(|b| b.first_chunk::<3>()) else {
                return;
            };
            let folded = fold(u32::from_le_bytes([a, b, c, 0]));
            if self.bit(folded) != 0 && self.has_quad(bytes, at) && !self.resolve(bytes, at, folded, &mut hit) {
                return;
            }
            at += 2;
        }
    }

    /// One bit per sample of the view that the bitmap knows.
    #[inline(always)]
    fn probe(&self, view: &[u8; STEP_VIEW]) -> u32 {
        let mut seen = 0;
        let mut sample = 0;
        while sample < STEP / 2 {
            let at = sample * 2;
            let word = u32::from_le_bytes([view[at], view[at + 1], view[at + 2], view[at + 3]]);
            seen |= self.bit(fold(word)) << sample;
            sample += 1;
        }
        seen
    }

    #[inline(always)]
    fn bit(&self, folded: u32) -> u32 {
        bit(&self.bitmap, folded)
    }

    /// The triple at `place` is the first or the second of a literal's two, by the byte behind or before it.
    fn has_quad(&self, bytes: &[u8], place: usize) -> bool {
        let known = |at: usize| {
            let quad = bytes.get(at..).and_then(|rest| rest.first_chunk());
            quad.is_some_and(|quad| bit(&self.quads, fold_quad(*quad)) != 0)
        };
        known(place) || place.checked_sub(1).is_some_and(known)
    }

    #[cold]
    fn resolve_all(&self, bytes: &[u8], at: usize, mut seen: u32, hit: &mut impl FnMut(u16, usize) -> bool) -> bool {
        while seen != 0 {
            let place = at + 2 * seen.trailing_zeros() as usize;
            if let Some(&[a, b, c]) = bytes.get(place..).and_then(|b| b.first_chunk::<3>())
                && self.has_quad(bytes, place)
            {
                let folded = fold(u32::from_le_bytes([a, b, c, 0]));
                if !self.resolve(bytes, place, folded, hit) {
                    return false;
                }
            }
            seen &= seen - 1;
        }
        true
    }

    fn resolve(&self, bytes: &[u8], place: usize, folded: u32, hit: &mut impl FnMut(u16, usize) -> bool) -> bool {
        let bucket = bucket(folded);
        let range = |index: usize| self.starts.get(index).map_or(0, |start| usize::from(*start));
        let candidates = self.triples.get(range(bucket)..range(bucket + 1));
        for triple in candidates.unwrap_or_default() {
            if triple.folded != folded {
                continue;
            }
            let Some(start) = place.checked_sub(usize::from(triple.offset)) else {
                continue;
            };
            if bytes.get(start).is_none_or(|first| first | 0x20 != triple.first) {
                continue;
            }
            let Some(literal) = self.get(triple.literal) else {
                continue;
            };
            let found = bytes.get(start..start + literal.bytes.len());
            if found.is_some_and(|found| literal.is_at(found)) && !hit(triple.literal, start) {
                return false;
            }
        }
        true
    }
}

/// Literals with a lead, by what they begin with without it.
fn starts_of_files(literals: &[Literal]) -> Vec<(u32, u16)> {
    let with_lead = (0_u16..).zip(literals).filter(|(_, literal)| literal.lead > 0);
    let mut starts: Vec<(u32, u16)> =
        with_lead.filter_map(|(index, literal)| Some((first_triple(literal.own())?, index))).collect();
    let same = |index: &u16| literals.get(usize::from(*index)).map(|literal| (literal.rule, literal.own()));
    starts.sort_by_key(|(first, index)| (*first, same(index)));
    starts.dedup_by_key(|(first, index)| (*first, same(index)));
    starts
}

/// The first three bytes, folded.
fn first_triple(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<3>().map(|[a, b, c]| fold(u32::from_le_bytes([*a, *b, *c, 0])))
}

/// The lower 24 bits with bit 5 of every byte set: ASCII letters become lower case, other bytes collide harmlessly.
#[inline(always)]
fn fold(word: u32) -> u32 {
    (word | 0x0020_2020) & 0x00ff_ffff
}

/// The same of four bytes.
fn fold_quad(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes) | 0x2020_2020
}

#[inline(always)]
fn bit(bitmap: &[u8; BITMAP_BYTES], folded: u32) -> u32 {
    let hash = hash(folded);
    // The index is below the array's length for every u16, so no check remains in the loop.
    u32::from(bitmap[usize::from(hash >> 3)] >> (hash & 7)) & 1
}

fn set(bitmap: &mut [u8; BITMAP_BYTES], folded: u32) {
    let hash = hash(folded);
    bitmap[usize::from(hash >> 3)] |= 1 << (hash & 7);
}

#[inline(always)]
fn hash(folded: u32) -> u16 {
    // Fibonacci hashing: the high bits of a multiplication by 2^32 / phi.
    (folded.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as u16
}

fn bucket(folded: u32) -> usize {
    usize::from(hash(folded) >> (HASH_BITS - BUCKET_BITS))
}

/// The two neighbouring triples of a literal that are seen least in files.
fn rarest_pair(literal: u16, bytes: &[u8]) -> [Triple; 2] {
    let triple = |offset: usize| {
        let byte = |i: usize| bytes.get(offset + i).copied().unwrap_or_default();
        (fold(u32::from_le_bytes([byte(0), byte(1), byte(2), 0])), offset)
    };
    let cost = |offset: usize| commonness(triple(offset).0) + commonness(triple(offset + 1).0);
    let best = (0..bytes.len().saturating_sub(3)).min_by_key(|offset| (cost(*offset), *offset));
    [0, 1].map(|step| {
        let (folded, offset) = triple(best.unwrap_or_default() + step);
        let first = bytes.first().copied().unwrap_or_default() | 0x20;
        Triple { folded, literal, offset: u8::try_from(offset).unwrap_or_default(), first }
    })
}

/// The triples that are seen most in source text: counted in Django, npm packages and Perl's modules, where each is more than one in 2000.
const COMMON: &[u8] =
    b"ion|tio|str| th|the|tur| re|ame|sel|ect|nam|id |ent|he |for|tr |ing|typ|ele|ype|con|cti|ret|ate|if |\
    etu|ed |urn|res|ati|ter|ers|sta| se| if|elf|unc|obj| co|fun| in|on |rn |ode|or |nct|ist|orm|thi|ted|\
    fie|se |his|fil|ang|ons|ver|get|and|is |eld|er |iel| an|del|ont| de|pro| fo|equ|tri|  r|han|all|dat|\
    mat|lec|est| to|ite|ass|tru|ile|req|def|ar |ng |ber|var|que|mod| fi|put|opt|bje|ext|ure|tho|jec|mbe|  i|\
    men|min|nte|val|to |ine|cha|in |use|tem|my |ult|end|sio|ort|ess| no|rma| a |cat| pa|err|par|emb| is|\
    nge|lat|set|nd |loc|rea|mem|lis|es |tor| va|  m|of |ser|adm|pti|e a|re |dmi| my|ire|not|e t| be|ack|\
    te |com|le |ruc|uct|you|out|per|ble| of|our|let|las|nde|qui|e s|rro|n t| ch|rin|red|ctu|cal|lin|s a|\
    en | ca|por|key|tim|che|ape| mo|age| el|ete|ime| wi|ror|nst|nce|pre|abl|me |alu|len|uir|ead|rat|an | yo|\
    ase|rsi|met|oca| ob|are| ar| it| fu| pr|tra|sha|st |lic|lue|ata|e i|ces|der|ken|int|sub|els|ntr|ore|\
    et_|ins|ice|tat| ma|inp|onf|nt | en|ord|exp| li|as |e c|unt|ind|ot |  c|pat| st|cod|hap|efi|npu|esu|\
    fin|th |app|sup|cre|ive|tch|mpl|gra|dis|pas|ast|spa|bac|att|ssi| as|";

/// How common three bytes are in source text, roughly: the product of each byte's share. Runs of one byte (rulers, padding) are worst, then parts of frequent words.
fn commonness(folded: u32) -> u64 {
    let [a, b, c, _] = folded.to_le_bytes();
    if a == b && b == c {
        return u64::from(u32::MAX);
    }
    let is_frequent = COMMON.as_chunks::<4>().0.iter().any(|[x, y, z, _]| [*x, *y, *z] == [a, b, c]);
    let shares: u64 = [a, b, c].map(share).iter().product();
    if is_frequent { FREQUENT + shares } else { shares }
}

/// More than any product of shares.
const FREQUENT: u64 = 10_000_000;

/// A byte's rough share in source text, per mille, at least 1; letters by their order in English.
fn share(byte: u8) -> u64 {
    const LETTERS: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";
    match byte {
        b' ' => 150,
        b'a'..=b'z' => LETTERS.iter().position(|l| *l == byte).map_or(1, |rank| 90 / (rank as u64 + 1) + 2),
        b'0'..=b'9' => 14,
        b'-' | b'.' | b'"' | b'/' | b'\'' | b'=' | b',' | b'(' | b')' | b':' => 12,
        0x7f => 15, // the underscore, folded
        _ => 3,
    }
}
