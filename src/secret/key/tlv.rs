//! ASN.1's tags, lengths and values (ITU-T X.690), as leniently as real files need it: the crates of the PKCS family refuse attributes in PKCS #8,
//! and BER's indefinite lengths and split strings, which NSS and Bouncy Castle write into PKCS #12.

use std::borrow::Cow;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const BMP_STRING: u8 = 0x1e;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// Context-specific and constructed, number 0.
pub(super) const CONTEXT_0: u8 = 0xa0;

const CONSTRUCTED: u8 = 0x20;

/// Deepest nesting of indefinite lengths; PKCS #12 has six.
const MAX_DEPTH: usize = 12;

/// The values of one constructed value, front to back.
#[derive(Clone)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// The next value's tag and content; none at the end or where the length is wrong.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, content, rest) = split(self.0, MAX_DEPTH)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next value, if it has this tag.
    pub(super) fn of(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let content = ahead.next().filter(|(found, _)| *found == tag)?.1;
        *self = ahead;
        Some(content)
    }

    /// The next value, if it is constructed and has this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.of(tag).map(Self)
    }

    /// The next octet string; put together where it is split. `tag` is 0x04, or that of an implicit one.
    pub(super) fn octets(&mut self, tag: u8) -> Option<Cow<'a, [u8]>> {
        let (found, content) = self.next()?;
        if found == tag {
            return Some(Cow::Borrowed(content));
        }
        let mut parts = Values(content);
        let mut whole = Vec::new();
        while found == tag | CONSTRUCTED && !parts.0.is_empty() {
            whole.extend_from_slice(parts.of(OCTET_STRING)?);
        }
        (found == tag | CONSTRUCTED).then_some(Cow::Owned(whole))
    }

    /// The next value with its tag and length.
    pub(super) fn encoded(&mut self) -> Option<&'a [u8]> {
        let all = self.0;
        self.next()?;
        all.get(..all.len() - self.0.len())
    }
}

/// Tag, content, and what follows.
fn split(bytes: &[u8], depth: usize) -> Option<(u8, &[u8], &[u8])> {
    const INDEFINITE: u8 = 0x80;
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if first == INDEFINITE && tag & CONSTRUCTED != 0 {
        let mut inner = rest;
        while !inner.starts_with(&[0, 0]) {
            inner = split(inner, depth.checked_sub(1)?)?.2;
        }
        return Some((tag, rest.get(..rest.len() - inner.len())?, inner.get(2..)?));
    }
    let (length, rest) = if first < INDEFINITE {
        (usize::from(first), rest)
    } else {
        // Nothing that is read here needs more than three bytes of length.
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| (1..=3).contains(&digits.len()))?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The values of the SEQUENCE that begins here.
pub(super) fn sequence(bytes: &[u8]) -> Option<Values<'_>> {
    Values(bytes).inside(SEQUENCE)
}

/// A positive INTEGER without leading zeros.
pub(super) fn digits(integer: &[u8]) -> &[u8] {
    integer.iter().position(|byte| *byte != 0).and_then(|from| integer.get(from..)).unwrap_or_default()
}

/// Bits of a positive INTEGER.
pub(super) fn bits(integer: &[u8]) -> usize {
    let digits = digits(integer);
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}

/// A small non-negative INTEGER.
pub(super) fn small(integer: &[u8]) -> Option<u32> {
    let digits = digits(integer);
    (digits.len() <= 4).then(|| digits.iter().fold(0, |number, digit| number << 8 | u32::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definite_and_indefinite_lengths_say_the_same() {
        let definite = [SEQUENCE, 6, OCTET_STRING, 4, 1, 2, 3, 4];
        let split = [SEQUENCE, 0x80, 0x24, 0x80, OCTET_STRING, 1, 1, OCTET_STRING, 3, 2, 3, 4, 0, 0, 0, 0];
        for bytes in [&definite[..], &split] {
            assert_eq!(
                sequence(bytes).and_then(|mut values| values.octets(OCTET_STRING)).as_deref(),
                Some(&[1, 2, 3, 4][..])
            );
        }
        let endless = [SEQUENCE, 0x80].repeat(1000);
        assert!(sequence(&endless).is_none());
    }
}
