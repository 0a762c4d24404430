//! Bech32 (BIP 173): the checksum of age's keys.

use super::Verdict;

const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// An age identity (`AGE-SECRET-KEY-1…`; age's specification, "X25519 recipient").
pub(super) fn age(key: &[u8]) -> Verdict {
    let lower = key.to_ascii_lowercase();
    let Some((human, data)) = lower.iter().rposition(|byte| *byte == b'1').map(|at| lower.split_at(at)) else {
        return Verdict::Other;
    };
    let digits = data.iter().skip(1).map(|byte| CHARACTERS.iter().position(|known| known == byte));
    let Some(digits) = digits.collect::<Option<Vec<_>>>() else { return Verdict::Invalid };
    let high = human.iter().map(|byte| usize::from(byte >> 5));
    let low = human.iter().map(|byte| usize::from(byte & 31));
    Verdict::of(polymod(high.chain([0]).chain(low).chain(digits)) == 1)
}

fn polymod(values: impl Iterator<Item = usize>) -> usize {
    const GENERATOR: [usize; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x1ff_ffff) << 5 ^ value;
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}
