//! Tokens that end in a CRC-32 (ISO-HDLC, the one of zlib).

use super::Verdict;

/// CRC-32 bit by bit: tokens are short, a table would cost more than it saves.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits
}

/// GitHub's classic tokens and npm's: 30 characters, then the CRC-32 of them (without the prefix) in base 62
/// (github.blog, "Behind GitHub's new authentication token formats", 2021). Longer tokens have no known checksum.
pub(super) fn github(token: &[u8]) -> Verdict {
    let body = token.iter().position(|byte| *byte == b'_').and_then(|at| token.get(at + 1..)).unwrap_or_default();
    match body.split_at_checked(30) {
        Some((random, sum)) if sum.len() == 6 => Verdict::of(sum == base62(crc32(random))),
        _ => Verdict::Unknown,
    }
}

/// Grafana's service account tokens: CRC-32 of all before the last underscore, little-endian in hex (grafana `pkg/components/satokengen`).
pub(super) fn grafana(token: &[u8]) -> Verdict {
    let Some((body, sum)) = token.iter().rposition(|byte| *byte == b'_').map(|at| token.split_at(at)) else {
        return Verdict::Other;
    };
    let expected: Vec<u8> =
        crc32(body).to_le_bytes().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    Verdict::of(sum.get(1..).unwrap_or_default().eq_ignore_ascii_case(&expected))
}

/// Atlassian's API tokens: CRC-32 of all before the last eight digits, in hex, the equals sign included or not.
pub(super) fn atlassian(token: &[u8]) -> Verdict {
    let Some((body, sum)) = token.len().checked_sub(8).map(|at| token.split_at(at)) else {
        return Verdict::Other;
    };
    let is = |body: &[u8]| format!("{:08X}", crc32(body)).into_bytes() == sum;
    Verdict::of(is(body) || body.strip_suffix(b"=").is_some_and(is))
}

/// Zuplo's API keys: prefix, body, underscore, CRC-32 of the body in hex (zuplo.com, "API key leak detection").
pub(super) fn zuplo(token: &[u8]) -> Verdict {
    let body = token.strip_prefix(b"zpka_").unwrap_or_default();
    let Some((body, sum)) = body.iter().rposition(|byte| *byte == b'_').map(|at| body.split_at(at)) else {
        return Verdict::Other;
    };
    Verdict::of(format!("_{:08x}", crc32(body)).into_bytes() == sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_has_the_check_value_of_the_catalogue() {
        // reveng.sourceforge.io, CRC-32/ISO-HDLC: check of "123456789".
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(62), b"000010");
    }
}
