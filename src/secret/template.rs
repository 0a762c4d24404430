//! Fills the templates of the rules' examples, so that no rule file has to hold a token that looks real.
//!
//! `{ALPHABET:COUNT}` is so many characters; `{uuid}` and the names in `Filler::structured` stand for tokens with a structure or a
//! checksum, made here without the validators' code, which they try, and without the public prefix that stands before them. Everything else, other braces too, stands for itself.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Most characters of one field.
const MAX_COUNT: usize = 4096;

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The characters of an alphabet.
fn alphabet(name: &str) -> Option<String> {
    Some(match name {
        "digits" => DIGITS.to_owned(),
        "hex" => format!("{DIGITS}abcdef"),
        "hexupper" => format!("{DIGITS}ABCDEF"),
        "lower" => LOWER.to_owned(),
        "upper" => UPPER.to_owned(),
        "letters" => format!("{UPPER}{LOWER}"),
        "base32" => format!("{UPPER}234567"),
        "base32lower" => format!("{LOWER}234567"),
        "base36" => format!("{DIGITS}{LOWER}"),
        "upper36" => format!("{DIGITS}{UPPER}"),
        "base62" => format!("{DIGITS}{UPPER}{LOWER}"),
        "base64url" => format!("{DIGITS}{UPPER}{LOWER}-_"),
        _ => return None,
    })
}

/// A filled template.
pub struct Filled {
    /// The whole text.
    pub text: String,
    /// What the fields became: the parts that no report may show.
    pub fields: Vec<String>,
}

/// Fills a template; the same seed makes the same text.
#[must_use]
pub fn fill(template: &str, seed: u64) -> Filled {
    let mut filler = Filler(seed);
    let (mut text, mut fields) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        text.push_str(before);
        let field = from.find('}').and_then(|close| Some((filler.field(from.get(1..close)?)?, from.get(close + 1..)?)));
        if let Some((field, after)) = field {
            text.push_str(&field);
            fields.push(field);
            rest = after;
        } else {
            text.push('{');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    text.push_str(rest);
    Filled { text, fields }
}

/// A small generator (SplitMix64; Steele, Lea, Flood 2014), enough for tests.
struct Filler(u64);

impl Filler {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self, characters: &str, count: usize) -> String {
        let characters = characters.as_bytes();
        if characters.is_empty() {
            return String::new();
        }
        let mut pick = || characters.get(self.next() as usize % characters.len()).copied().map_or(' ', char::from);
        (0..count).map(|_| pick()).collect()
    }

    fn of(&mut self, name: &str, count: usize) -> String {
        self.text(&alphabet(name).unwrap_or_default(), count)
    }

    fn field(&mut self, field: &str) -> Option<String> {
        let (name, argument) = field.split_once(':').unwrap_or((field, ""));
        match (alphabet(name), argument.parse()) {
            (Some(characters), Ok(count)) if count <= MAX_COUNT => Some(self.text(&characters, count)),
            _ => self.structured(name, argument),
        }
    }

    fn structured(&mut self, name: &str, argument: &str) -> Option<String> {
        Some(match name {
            "uuid" => [8, 4, 4, 4, 12].map(|count| self.of("hex", count)).join("-"),
            "github" => {
                let body = self.of("base62", 30);
                let sum = base62(crc32(body.as_bytes()));
                body + &sum
            }
            "atlassian" => {
                let body = format!("{argument}{}=", self.of("base62", 171));
                let sum = crc32(body.as_bytes());
                format!("{}{sum:08X}", body.get(argument.len()..)?)
            }
            "grafana" => {
                let body = format!("glsa_{}", self.of("base62", 32));
                let sum = crc32(body.as_bytes()).swap_bytes();
                format!("{}_{sum:08x}", body.strip_prefix("glsa_")?)
            }
            "zuplo" => {
                let body = self.of("hex", 32);
                let sum = crc32(body.as_bytes());
                format!("{body}_{sum:08x}")
            }
            // Version, then location (type 1), identifier (type 2), signature (type 6), each with its length, after two zeros.
            "pypi" => {
                let packet = |kind: u8, content: &[u8]| [&[kind, content.len() as u8][..], content].concat();
                let (id, signature) = (self.of("hex", 36), self.bytes(32));
                let body =
                    [&[2][..], &packet(1, b"pypi.org"), &packet(2, id.as_bytes()), &[0, 0][..], &packet(6, &signature)];
                URL_SAFE_NO_PAD.encode(body.concat()).strip_prefix("AgE")?.to_owned()
            }
            "jwt" => {
                let subject = self.of("hex", 24);
                let part = |text: String| URL_SAFE_NO_PAD.encode(text);
                let header = part(r#"{"alg":"HS256","typ":"JWT"}"#.to_owned());
                let payload = part(format!(r#"{{"sub":"{subject}","iat":1700000000}}"#));
                let signature = URL_SAFE_NO_PAD.encode(self.bytes(32));
                format!("{}.{payload}.{signature}", header.strip_prefix("eyJhbGciOi")?)
            }
            "wireguard" => STANDARD.encode(self.bytes(32)),
            "aws-secret" => STANDARD.encode(self.bytes(30)),
            "azure-storage-key" => STANDARD.encode(self.bytes(64)),
            // A snowflake of discord.com's: 18 digits.
            "discord-id" => {
                let id = format!("1{}", self.of("digits", 17));
                STANDARD.encode(id)
            }
            "basic" => {
                let password = self.of("base62", 20);
                STANDARD.encode(format!("deploy:{password}"))
            }
            "age" => {
                let key = self.bytes(32);
                bech32("age-secret-key-", &key).to_uppercase().strip_prefix("AGE-SECRET-KEY-1")?.to_owned()
            }
            _ => return None,
        })
    }
}

/// The CRC that gzip has (RFC 1952), from the crate that computes it for gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Six digits, most significant first.
fn base62(number: u32) -> String {
    let digits: Vec<char> = alphabet("base62").unwrap_or_default().chars().collect();
    (0..6).rev().filter_map(|place| digits.get((number / 62_u32.pow(place)) as usize % 62)).collect()
}

/// BIP 173, by polynomial division over the bits' groups as the document's reference does it.
fn bech32(human: &str, data: &[u8]) -> String {
    const CHARACTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let bits: Vec<u8> = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let mut groups: Vec<u8> =
        bits.chunks(5).map(|chunk| chunk.iter().fold(0, |group, bit| group << 1 | bit) << (5 - chunk.len())).collect();
    let mut sum = 1_u32;
    let mut step = |value: u8| {
        let top = sum >> 25;
        sum = (sum & 0x1ff_ffff) << 5 ^ u32::from(value);
        for (bit, generator) in
            [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].into_iter().enumerate()
        {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    };
    human.bytes().for_each(|byte| step(byte >> 5));
    step(0);
    human.bytes().for_each(|byte| step(byte & 31));
    groups.iter().for_each(|group| step(*group));
    (0..6).for_each(|_| step(0));
    let sum = sum ^ 1;
    groups.extend((0..6).map(|place| (sum >> (5 * (5 - place)) & 31) as u8));
    let text: String =
        groups.iter().filter_map(|group| CHARACTERS.get(usize::from(*group))).map(|byte| char::from(*byte)).collect();
    format!("{human}1{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_published_ones() {
        // RFC 1952's CRC of "123456789" (reveng.sourceforge.io, CRC-32/ISO-HDLC); BIP 173's first valid string.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(bech32("a", b""), "a12uel5l");
    }
}
