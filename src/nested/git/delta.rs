//! Deltas: an object as copies from another one and new bytes.
//!
//! Source: gitformat-pack(5), "Deltified representation".

/// Puts an object together; none where the delta is damaged, made for another base, or makes more than `limit` bytes.
pub(super) fn apply(base: &[u8], delta: &[u8], limit: usize) -> Option<Vec<u8>> {
    let (base_length, rest) = size(delta)?;
    let (length, mut rest) = size(rest)?;
    if base_length != base.len() || length > limit {
        return None;
    }
    let mut made = Vec::with_capacity(length);
    while let Some((instruction, after)) = rest.split_first() {
        let piece;
        (piece, rest) = match instruction {
            0 => return None,
            1..0x80 => after.split_at_checked(usize::from(*instruction))?,
            _ => {
                let (from, count, after) = copy(*instruction, after)?;
                (base.get(from..from.checked_add(count)?)?, after)
            }
        };
        if made.len() + piece.len() > length {
            return None;
        }
        made.extend_from_slice(piece);
    }
    (made.len() == length).then_some(made)
}

/// A length of seven bits a byte, the lowest first.
fn size(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut size = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        size |= usize::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((size, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Offset and length of a copy: the instruction's bits say which of their bytes follow.
fn copy(instruction: u8, mut bytes: &[u8]) -> Option<(usize, usize, &[u8])> {
    let mut number = |bits: std::ops::Range<u32>| {
        let mut value = 0_usize;
        for (index, bit) in bits.enumerate() {
            if instruction >> bit & 1 == 1 {
                let (byte, rest) = bytes.split_first()?;
                value |= usize::from(*byte) << (8 * index);
                bytes = rest;
            }
        }
        Some(value)
    };
    let (from, count) = (number(0..4)?, number(4..7)?);
    Some((from, if count == 0 { 0x1_0000 } else { count }, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_new_bytes_make_an_object() {
        let delta = [10, 9, 0x90, 4, 3, b'x', b'y', b'z', 0x91, 8, 2];
        assert_eq!(apply(b"0123456789", &delta, 100).unwrap(), b"0123xyz89");
        assert_eq!(apply(b"0123456789", &delta, 8), None, "too large");
        assert_eq!(apply(b"012345678", &delta, 100), None, "another base");
        for cut in 0..delta.len() {
            assert_eq!(apply(b"0123456789", &delta[..cut], 100), None, "{cut}");
        }
    }

    #[test]
    fn no_copy_leaves_its_base_or_the_announced_length() {
        assert_eq!(apply(b"0123", &[4, 5, 0x90, 5], 100), None);
        assert_eq!(apply(b"0123", &[4, 4, 0x9f, 0xff, 0xff, 0xff, 0xff, 4], 100), None);
        assert_eq!(apply(b"0123", &[4, 5, 0x90, 4, 0x90, 4], 100), None);
        assert_eq!(apply(b"0123", &[4, 1, 0], 100), None);
        assert_eq!(apply(b"0123", &[0xff; 12], 100), None);
    }
}
