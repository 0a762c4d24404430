//! Whether a text looks made by a generator, by a person, or for a person to replace.

use super::{Verdict, decode_base64};

/// Shannon entropy in bits per byte.
pub(in crate::secret) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// Mixed upper and lower case and digits, as generators for base 62 and 64 make them.
pub(in crate::secret) fn looks_random(text: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| text.iter().any(class);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Least length of a token that has a digit somewhere, unless chance is against it (one in a hundred of this length, fewer of longer ones).
const MIN_FOR_DIGIT: usize = 24;

/// For formats without a checksum: too regular a body is an example, one without digits is likely a name.
pub(super) fn random(token: &[u8]) -> Verdict {
    let name = token.len() >= MIN_FOR_DIGIT && !token.iter().any(u8::is_ascii_digit);
    if name || entropy(token) < 3.0 || is_placeholder(token) { Verdict::Invalid } else { Verdict::Unknown }
}

/// For formats that a long name could have, too: a generator mixes upper and lower case and digits.
pub(super) fn mixed(token: &[u8]) -> Verdict {
    let has = |class: fn(&u8) -> bool| token.iter().any(class);
    match (has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase), has(u8::is_ascii_digit)) {
        (false, _) => Verdict::Other,
        // One in a hundred short tokens has no digit by chance.
        (true, false) => Verdict::Invalid,
        (true, true) => random(token),
    }
}

/// For formats of one case and digits that a long name could have, too.
pub(super) fn digit(token: &[u8]) -> Verdict {
    if token.iter().any(u8::is_ascii_digit) { random(token) } else { Verdict::Other }
}

/// Values that documents put where a secret goes.
const WORDS: &[&[u8]] = &[
    b"changeme",
    b"change_me",
    b"change-me",
    b"changeit",
    b"placeholder",
    b"example",
    b"redacted",
    b"replace",
    b"your_",
    b"your-",
    b"yourpass",
    b"insert_",
    b"dummy",
    b"fixme",
    b"my_secret",
    b"mysecret",
    b"my-secret",
    b"sample",
    b"secret_here",
    b"_here",
    b"-here",
    b"notasecret",
    b"not-a-secret",
    b"0123456789abcdef",
    b"1234567890abcdef",
    b"abcdefghijklmnop",
];

/// The same, too short to mean anything inside a random text: they count only between other characters than letters and digits.
const SHORT_WORDS: &[&[u8]] = &[b"todo", b"fake"];

/// Whole values that are no secret.
const VALUES: &[&str] = &[
    "true",
    "false",
    "yes",
    "no",
    "none",
    "null",
    "nil",
    "undefined",
    "unset",
    "0",
    "1",
    "password",
    "passwd",
    "pass",
    "secret",
    "token",
    "username",
    "user",
    "key",
    "string",
    "test",
    "testing",
    "foo",
    "bar",
    "foobar",
    "apikey",
    "api_key",
    "xxx",
    "*",
    "!",
    "value",
    "default",
    "empty",
    "enabled",
    "disabled",
    "off",
    "on",
    "-",
    "?",
    "prompt",
    "env",
];

/// Empty, a variable (`${X}`, `$X`, `{{ x }}`, `%X%`, `@x@`), in angle brackets, one repeated character, or a word that says so.
/// The same in base 64 is one, too.
pub(in crate::secret) fn is_placeholder(value: &[u8]) -> bool {
    let decoded = || decode_base64(value).filter(|text| text.iter().all(|byte| matches!(byte, b' '..=b'~')));
    says_placeholder(value) || value.len() >= MIN_ENCODED && decoded().is_some_and(|text| says_placeholder(&text))
}

/// Least length of base 64 that is decoded: what a shorter one decodes to is text by chance.
const MIN_ENCODED: usize = 16;

fn says_placeholder(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let Some((&first, rest)) = value.split_first() else { return true };
    let last = value.last().copied().unwrap_or_default();
    let lower = value.to_ascii_lowercase();
    let variable = first == b'$' && is_name(rest);
    let template = memchr::memmem::find(value, b"${").is_some()
        || memchr::memmem::find(value, b"{{").is_some()
        || memchr::memmem::find(value, b"$(").is_some();
    let bracketed = matches!(
        (first, last),
        (b'<', b'>') | (b'[', b']') | (b'{', b'}') | (b'(', b')') | (b'%', b'%') | (b'@', b'@')
    );
    let dots = value.ends_with(b"...") || memchr::memmem::find(value, "…".as_bytes()).is_some();
    let same = rest.iter().all(|byte| *byte == first)
        || lower.iter().all(|byte| matches!(byte, b'x' | b'*' | b'-' | b'.' | b'_'));
    let stars = memchr::memmem::find(value, b"***").is_some() || memchr::memmem::find(&lower, b"xxxx").is_some();
    variable
        || template
        || bracketed
        || dots
        || same
        || stars
        || VALUES.iter().any(|known| known.as_bytes() == lower)
        || WORDS.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
        || lower.split(|byte| !byte.is_ascii_alphanumeric()).any(|word| SHORT_WORDS.contains(&word))
}

/// Parts of passwords that people make up for a manual or a test.
const ILLUSTRATIONS: &[&[u8]] = &[
    b"1234", b"abcd", b"admin", b"ansible", b"demo", b"foo", b"letmein", b"p@ss", b"pa$$", b"pass", b"pwd", b"qwerty",
    b"secret", b"ssw0rd", b"ssword", b"test", b"w0rd", b"welcome", b"word",
];

/// Longest password that a person made up; in a longer text such a part is chance.
const MAX_MADE_UP: usize = 20;

/// A password as documents write them.
pub(in crate::secret) fn is_illustration(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    value.len() <= MAX_MADE_UP && ILLUSTRATIONS.iter().any(|part| memchr::memmem::find(&lower, part).is_some())
}

/// Has three digits that count up, as people add them where a digit is asked for (`Acme#123`).
pub(in crate::secret) fn counts_up(value: &[u8]) -> bool {
    value.windows(3).any(|digits| matches!(digits, [a @ b'0'..=b'7', b, c] if *b == a + 1 && *c == a + 2))
}

/// A digest with its algorithm in front, or a password's hash: what it is of cannot be read from it.
pub(in crate::secret) fn is_hash(value: &[u8]) -> bool {
    const HEADS: [&[u8]; 8] = [b"sha1", b"sha256", b"sha384", b"sha512", b"md5", b"pbkdf2", b"bcrypt", b"scrypt"];
    let lower = value.get(..value.len().min(8)).unwrap_or_default().to_ascii_lowercase();
    HEADS.iter().any(|head| {
        lower.strip_prefix(*head).is_some_and(|rest| matches!(rest.first(), Some(b'-' | b':' | b'_' | b'$')))
    })
}

/// A password's hash as crypt(5) writes them, also behind a user's name as in htpasswd(1).
pub(in crate::secret) fn is_password_hash(value: &[u8]) -> bool {
    const HEADS: [&[u8]; 11] =
        [b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$7$", b"$y$", b"$gy$", b"$apr1$", b"$argon2"];
    let hash = value.iter().position(|byte| *byte == b':').and_then(|at| value.get(at + 1..)).unwrap_or(value);
    HEADS.iter().any(|head| hash.starts_with(head))
}

/// Made of words, as names are: of the parts between punctuation or at a capital most are words, and digits are few.
pub(in crate::secret) fn reads_as_words(value: &[u8]) -> bool {
    let (mut letters, mut in_words) = (0, 0);
    for part in value.split(|byte| !byte.is_ascii_alphabetic()).flat_map(humps) {
        letters += part.len();
        in_words += if is_word(part) { part.len() } else { 0 };
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    in_words * 10 >= letters * 8 && digits * 4 <= letters
}

/// Letters as words have them: three or more, a quarter to two thirds of them vowels, and no more than three consonants in a row.
fn is_word(letters: &[u8]) -> bool {
    let is_vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte);
    let vowels = letters.iter().filter(|byte| is_vowel(byte)).count();
    let run = letters.split(|byte| is_vowel(byte)).map(<[u8]>::len).max().unwrap_or_default();
    letters.len() >= 3 && vowels * 4 >= letters.len() && vowels * 3 <= letters.len() * 2 && run <= 3
}

/// The parts of `camelCaseText`: each begins with a capital behind a small letter.
fn humps(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.chunk_by(|before, after| !(before.is_ascii_lowercase() && after.is_ascii_uppercase()))
}

/// A shell's name of a variable. What else begins with a dollar may be a hash (`$y$…`) or a password.
fn is_name(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.first().is_some_and(|first| !first.is_ascii_digit()) && text.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_passwords() {
        for value in [
            "",
            "${X}",
            "$PASSWORD",
            "<token>",
            "xxx",
            "changeme",
            "{{ secret }}",
            "%PASS%",
            "aaaaaaa",
            "YOUR_TOKEN_HERE",
            "abc...",
            "********",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in [
            "hunter2",
            "s3cr3t!pw",
            "$2y$10$abcdefg",
            "$y$j9T$abcdefg",
            "$apr1$abcdefg",
            "pa$$word",
            "Tr0ub4dor&3",
            "correct horse",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn names_are_told_from_what_generators_make() {
        for value in ["app-secret-name-v2", "passwordInput1Field", "myServiceAccount01", "backend_credentials_2"] {
            assert!(reads_as_words(value.as_bytes()), "{value}");
        }
        for value in [
            "kf83jd02mx84hq71",
            "Zk9mXq2LpR7vTn4sWc8b",
            "9f2c81ab3d7e44f0a1b6",
            "Xk29-lmq8!",
            "3oifylyuh5jgu4icjztg7t5j7a",
        ] {
            assert!(!reads_as_words(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn entropy_is_shannons() {
        assert!((entropy(b"aabb") - 1.0).abs() < 1e-9);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 1e-9);
    }
}
