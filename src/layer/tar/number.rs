//! Numbers as tar writes them: octal text, base 256, decimal text.
//!
//! Source: Go `archive/tar/strconv.go` (`parseNumeric`, `parseOctal`, `parsePAXTime`) and `strconv.ParseInt`.

/// A number field of a header, at most 12 bytes: octal text or, with the highest bit set, base 256 (two's complement).
pub(super) fn numeric(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base_256(field, *first),
        _ => octal(field),
    }
}

fn base_256(field: &[u8], first: u8) -> Option<i64> {
    // -a - 1 == !a: negative numbers are read as the complement.
    let invert = if first & 0x40 != 0 { 0xff } else { 0 };
    let mut value = u64::from((first ^ invert) & 0x7f);
    for byte in field.iter().skip(1) {
        if value >> 56 > 0 {
            return None;
        }
        value = value << 8 | u64::from(byte ^ invert);
    }
    let value = i64::try_from(value).ok()?;
    Some(if invert == 0 { value } else { !value })
}

/// Octal text of at most 12 bytes, padded with spaces or NULs on both sides; empty is 0. What follows a NUL behind the digits is not looked at.
pub(super) fn octal(field: &[u8]) -> Option<i64> {
    let is_padding = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !is_padding(byte)) else { return Some(0) };
    let mut value: i64 = 0;
    let mut bytes = field.get(start..).unwrap_or_default().iter();
    while let Some(byte) = bytes.next() {
        match byte {
            // Twelve digits are 36 bits: no overflow.
            b'0'..=b'7' => value = value << 3 | i64::from(byte - b'0'),
            0 => break,
            b' ' if bytes.all(is_padding) => break,
            _ => return None,
        }
    }
    Some(value)
}

/// Decimal with an optional sign, as Go's `strconv.ParseInt(_, 10, 64)`.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether `text` is a PAX time: seconds, and optionally a point and digits.
pub(super) fn is_time(text: &[u8]) -> bool {
    let (seconds, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (text.get(..point).unwrap_or_default(), text.get(point + 1..).unwrap_or_default()),
        None => (text, &[][..]),
    };
    decimal(seconds).is_some() && fraction.iter().all(u8::is_ascii_digit)
}
