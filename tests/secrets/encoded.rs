//! Secrets in base64, hex and escapes: found once, at the place of what encodes them, however the file is cut.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use imgguard::facts::{Encoding, SecretFact};
use proptest::prelude::*;

use super::engine::{BORDERS, filler, private_key, scan_split};
use super::rules::{assert_hidden, scan};
use super::template::fill;

/// As `base64 -w WIDTH` and MIME's encoders break lines.
fn lines(text: &str, width: usize, end: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(end)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told(found: &[SecretFact]) -> Vec<(&str, Option<Encoding>, Option<u32>)> {
    found.iter().map(|fact| (fact.rule.as_str(), fact.encoding, fact.line)).collect()
}

#[test]
fn what_is_encoded_is_found_at_its_place() {
    let plain = fill("# settings\nGITHUB_TOKEN=ghp_{github}\n", 3);
    let token = plain.text.find("ghp_").unwrap();
    for (name, encoded, encoding, at) in [
        ("standard", STANDARD.encode(&plain.text), Encoding::Base64, token * 4 / 3),
        ("for URLs", URL_SAFE_NO_PAD.encode(&plain.text), Encoding::Base64, token * 4 / 3),
        ("hex", hex(plain.text.as_bytes()), Encoding::Hex, token * 2),
        ("upper hex", hex(plain.text.as_bytes()).to_uppercase(), Encoding::Hex, token * 2),
    ] {
        let text = format!("apiVersion: v1\nkind: Secret\ndata:\n  env: {encoded}\n");
        let found = scan("srv/secret.yaml", text.as_bytes());
        assert_eq!(told(&found), [("github-pat", Some(encoding), Some(4))], "{name}");
        assert_eq!(found[0].offset as usize, text.find(&encoded).unwrap() + at, "{name}");
        assert_hidden(&found[0], &plain.fields);
    }
}

#[test]
fn broken_lines_are_put_together() {
    let plain = fill(
        "{\"registry\": \"npm\", \"description\": \"for the build\", \"token\": \"npm_{github}\", \"more\": 12345}",
        9,
    );
    let encoded = STANDARD.encode(&plain.text);
    for (width, end) in [(76, "\n"), (76, "\r\n"), (64, "\n    "), (60, "\\n")] {
        let text = format!("value: |\n    {}\nnext: 1\n", lines(&encoded, width, end));
        let found = scan("srv/a.yaml", text.as_bytes());
        assert_eq!(told(&found), [("npm-token", Some(Encoding::Base64), Some(2))], "{width} {end:?}");
        // The place is that of the token's first character, in the line that it is in.
        let character = plain.text.find("npm_").unwrap() * 4 / 3;
        let before = text.find(&encoded[..20]).unwrap();
        assert_eq!(found[0].offset as usize, before + character + character / width * end.len());
    }
}

#[test]
fn encoded_keys_and_commands_are_understood() {
    let key = scan("srv/a", format!("client-key-data: {}\n", STANDARD.encode(private_key(5))).as_bytes());
    assert_eq!(told(&key), [("private-key", Some(Encoding::Base64), Some(1))]);
    assert_eq!(key[0].fingerprint, scan("srv/b", private_key(5).as_bytes())[0].fingerprint);
    let command = fill("$env:TOKEN = 'ghp_{github}'; ./deploy.ps1", 4).text;
    let wide: Vec<u8> = command.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = format!("powershell -EncodedCommand {}\n", STANDARD.encode(&wide));
    let found = scan("srv/run.cmd", text.as_bytes());
    assert_eq!(told(&found), [("github-pat", Some(Encoding::Base64), Some(1))]);
    assert_eq!(found[0].offset as usize, 27 + 2 * command.find("ghp_").unwrap() * 4 / 3);
}

#[test]
fn escapes_are_decoded_where_they_stand() {
    let key = fill("{azure-storage-key}", 5).text;
    let percent = key.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
    let unicode = key.replace('=', "\\u003d");
    for (text, key) in [
        (format!("https://acme.net/?to=x&c=AccountName%3Dacme%3BAccountKey%3D{percent}&x=1"), &percent),
        (format!("{{\"connection\": \"AccountName\\u003dacme;AccountKey\\u003d{unicode}\"}}"), &unicode),
    ] {
        let text = format!("# a file\n\n{text}\n");
        let found = scan("srv/a.txt", text.as_bytes());
        assert_eq!(told(&found), [("azure-storage-key", Some(Encoding::Escapes), Some(3))], "{text}");
        assert_eq!(found[0].offset as usize, text.find(key.as_str()).unwrap());
        assert!(!found[0].masked.contains(&key[..20]));
    }
    // A token that has none is told as it stands.
    let url = fill("https://acme.net/?token=ghp_{github}&x=%3D", 2).text;
    assert_eq!(told(&scan("srv/a.txt", url.as_bytes())), [("github-pat", None, Some(1))]);
    assert_eq!(scan("srv/a.c", b"printf(\"%5d %2a\\n\", key); // 100%3D"), []);
}

#[test]
fn what_is_encoded_twice_is_not_decoded_twice() {
    let token = fill("token = ghp_{github}, or so", 1).text;
    assert_eq!(scan("srv/a", STANDARD.encode(STANDARD.encode(&token)).as_bytes()), []);
}

#[test]
fn what_is_no_text_is_left_alone() {
    let binary: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let digests = fill("{hex:64} {hex:40} sha512-{base62:86}== AbstractSingletonProxyFactoryBean", 1).text;
    for text in [STANDARD.encode(&binary), hex(&binary), digests, "A".repeat(100_000), "41".repeat(60_000)] {
        assert_eq!(scan("srv/a.txt", text.as_bytes()), []);
    }
}

#[test]
fn every_secret_of_a_blob_is_told() {
    let plain = fill("A=ghp_{github}\nB=npm_{github}\nC=sk_live_{base62:24}\n", 6).text;
    let found = scan("srv/a.txt", STANDARD.encode(plain).as_bytes());
    let rules: Vec<_> = found.iter().map(|fact| fact.rule.as_str()).collect();
    assert_eq!(rules, ["github-pat", "npm-token", "stripe-secret-key"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The same of escapes.
    #[test]
    fn cuts_and_blocks_change_no_escapes(
        seed in any::<u64>(),
        border in prop::sample::select(&BORDERS[..]),
        shift in -6_000_isize..400,
        length in 0_usize..5000,
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let key = fill("AccountKey%3D{base62:86}%3D%3D", seed).text;
        let before = filler(border.saturating_add_signed(shift));
        let text = format!("{before} %41{}&{key} {}", "a%2f".repeat(length / 4), filler(30_000));
        let whole = scan_split(text.as_bytes(), &[]);
        prop_assert_eq!(scan_split(text.as_bytes(), &cuts), whole);
    }

    /// Runs longer than a piece, wherever blocks and chunks end.
    #[test]
    fn cuts_and_blocks_change_nothing(
        seed in any::<u64>(),
        border in prop::sample::select(&BORDERS[..]),
        shift in -70_000_isize..400,
        lengths in prop::collection::vec(0_usize..60_000, 2),
        broken in any::<bool>(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let token = fill("GITHUB_TOKEN=ghp_{github}\n", seed).text;
        let plain = [filler(lengths[0]), token, filler(lengths[1])].concat();
        let mut encoded = STANDARD.encode(&plain);
        if broken {
            encoded = lines(&encoded, 76, "\n");
        }
        let before = filler(border.saturating_add_signed(shift));
        let text = format!("{before}x: {encoded}\n{}", filler(30_000));
        let whole = scan_split(text.as_bytes(), &[]);
        prop_assert_eq!(told(&whole), vec![("github-pat", Some(Encoding::Base64), whole[0].line)]);
        let character = plain.find("ghp_").unwrap() * 4 / 3;
        let breaks = if broken { character / 76 } else { 0 };
        prop_assert_eq!(whole[0].offset as usize, before.len() + 3 + character + breaks);
        prop_assert_eq!(scan_split(text.as_bytes(), &cuts), whole);
    }
}
