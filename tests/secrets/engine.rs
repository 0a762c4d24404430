//! The engine: the same findings however a file is cut and wherever they stand in it; text, binaries and UTF-16; hostile files.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imgguard::facts::{Confidence, SecretFact};
use imgguard::secret::{Scanner, Scratch};
use proptest::prelude::*;

use super::rules::{assert_hidden, scan};
use super::template::fill;

/// Lengths around which the engine changes blocks: what it keeps behind, searches, and needs ahead, alone and in sum.
pub(crate) const BORDERS: [usize; 6] = [4 << 10, 64 << 10, 256 << 10, 260 << 10, 324 << 10, 640 << 10];

/// A key that no one has: Ed25519 in PKCS #8 (RFC 8410, 7), in PEM.
pub(crate) fn private_key(seed: u64) -> String {
    const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let body = fill("{base62:32}", seed).text;
    let der = STANDARD.encode([&HEAD[..], body.as_bytes()].concat());
    format!("-----BEGIN {} KEY-----\n{der}\n-----END {} KEY-----\n", "PRIVATE", "PRIVATE")
}

/// Texts that hold one secret each, of every way in which the engine looks: a literal in front, short, inside, caseless; a URL; a key.
fn secrets(seed: u64) -> Vec<(&'static str, String)> {
    let filled = |rule, template| (rule, fill(template, seed).text);
    vec![
        filled("github-pat", "ghp_{github}"),
        filled("sendgrid-api-key", "SG.{base62:22}.{base62:43}"),
        filled("azure-client-secret", "{base62:3}8Q~{base62:34}"),
        filled("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY={aws-secret}\n"),
        filled("url-password", "postgres://app:{base62:16}@db.acme.net/app"),
        filled("1password-service-account-token", "ops_eyJzaWduSW5BZGRyZXNz{base62:900}"),
        ("private-key", private_key(seed)),
    ]
}

/// Scans in chunks that end at these places.
pub(crate) fn scan_split(bytes: &[u8], cuts: &[usize]) -> Vec<SecretFact> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    scan.begin(b"srv/.env", bytes.len() as u64);
    cuts.windows(2).for_each(|pair| scan.feed(&bytes[pair[0]..pair[1]]));
    scan.finish()
}

/// Text of this length that holds nothing, in lines.
pub(crate) fn filler(length: usize) -> String {
    let mut text = "lorem ipsum = dolor; sit(amet)\n".repeat(length / 31 + 1);
    text.truncate(length.saturating_sub(1));
    text.push('\n');
    if length == 0 { String::new() } else { text }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn chunks_change_nothing(
        seed in any::<u64>(),
        gaps in prop::collection::vec(0_usize..90_000, 7),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let mut text = String::new();
        for ((_, secret), gap) in secrets(seed).iter().zip(&gaps) {
            text += &filler(*gap);
            text += secret;
            text.push('\n');
        }
        let whole = scan_split(text.as_bytes(), &[]);
        prop_assert_eq!(whole.len(), 7, "{:?}", whole);
        prop_assert_eq!(scan_split(text.as_bytes(), &cuts), whole);
    }

    #[test]
    fn blocks_change_nothing(seed in any::<u64>(), border in prop::sample::select(&BORDERS[..]), shift in -1200_isize..1200) {
        let before = filler(border.saturating_add_signed(shift));
        for (rule, secret) in secrets(seed) {
            let alone = scan("srv/notes.txt", format!("\n{secret}\n").as_bytes());
            let [expected] = alone.as_slice() else { panic!("{rule}: {alone:?}") };
            prop_assert_eq!(&expected.rule, rule);
            let text = format!("{before}\n{secret}\n{}", filler(70_000));
            let mut expected = expected.clone();
            expected.offset += before.len() as u64;
            expected.line = expected.line.map(|line| line + before.matches('\n').count() as u32);
            prop_assert_eq!(scan("srv/notes.txt", text.as_bytes()), vec![expected]);
        }
    }

    #[test]
    fn any_bytes_are_survived(path in "[a-z./]{0,20}", bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        scan(&path, &bytes);
        for name in ["root/.docker/config.json", "etc/shadow", "root/.kube/config", "root/.m2/settings.xml", "root/.netrc"] {
            scan(name, &bytes);
        }
    }

    #[test]
    fn cut_secrets_are_survived(seed in any::<u64>(), cut in any::<prop::sample::Index>()) {
        for (_, secret) in secrets(seed) {
            let cut = cut.index(secret.len());
            scan("srv/a", &secret.as_bytes()[..cut]);
            scan("srv/a", &secret.as_bytes()[cut..]);
        }
    }
}

#[test]
fn a_secret_at_either_end_of_a_file_is_found() {
    for (rule, secret) in secrets(3) {
        let secret = secret.trim_end();
        for text in [secret.to_owned(), format!("\n{secret}"), format!("{secret}\n")] {
            let found = scan("srv/a", text.as_bytes());
            assert_eq!(found.iter().map(|fact| fact.rule.as_str()).collect::<Vec<_>>(), [rule], "{text:?}");
        }
    }
}

#[test]
fn binaries_are_searched_for_unmistakable_secrets() {
    for rule in Scanner::builtin().rules().filter(|rule| !rule.examples.is_empty()) {
        let filled = fill(&rule.examples[0], 5);
        // Behind a zero, and in front of other strings without a gap, as in an executable's data.
        let bytes = [&b"\x7fELF\x02\x01\x01\0\0\0\0"[..], filled.text.as_bytes(), b"\0runtime.main\0"].concat();
        let found = scan("usr/bin/app", &bytes);
        let expected = if rule.binary { vec![rule.id.as_str()] } else { vec![] };
        assert_eq!(found.iter().map(|fact| fact.rule.as_str()).collect::<Vec<_>>(), expected);
        for fact in found {
            assert_eq!(fact.line, None);
            assert_hidden(&fact, &filled.fields);
        }
    }
}

#[test]
fn compiled_python_is_searched() {
    let folder = tempfile::tempdir().unwrap();
    let filled = fill("TOKEN = 'ghp_{github}'\nKEY = 'sk_live_{base62:24}'\n", 11);
    let source = folder.path().join("settings.py");
    std::fs::write(&source, &filled.text).unwrap();
    let compile = "import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[1] + 'c')";
    let done = Command::new("python3").args(["-c", compile]).arg(&source).status();
    if !done.is_ok_and(|status| status.success()) {
        skipped!("compiled_python_is_searched: no python3");
        return;
    }
    let bytes = std::fs::read(folder.path().join("settings.pyc")).unwrap();
    let mut found: Vec<String> = scan("app/settings.pyc", &bytes).iter().map(|fact| fact.rule.clone()).collect();
    found.sort();
    assert_eq!(found, ["github-pat", "stripe-secret-key"]);
}

#[test]
fn utf16_is_read_in_either_order_with_or_without_a_mark() {
    let filled = fill("Set-Item Env:GITHUB_TOKEN\r\n$token = 'ghp_{github}'\r\n", 2);
    let units: Vec<u16> = filled.text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let offset = 2 * filled.text.find("ghp_").unwrap() as u64;
    for (bytes, mark) in [
        (little.clone(), 0),
        (big.clone(), 0),
        ([&b"\xff\xfe"[..], &little].concat(), 2),
        ([&b"\xfe\xff"[..], &big].concat(), 2),
    ] {
        let found = scan("app/setup.ps1", &bytes);
        let [fact] = found.as_slice() else { panic!("{mark}: {found:?}") };
        assert_eq!((fact.rule.as_str(), fact.line, fact.offset), ("github-pat", Some(2), offset + mark));
    }
}

#[test]
fn credential_files_in_utf16_are_parsed() {
    let filled = fill("DB_PASSWORD=pw-{base62:14}\r\nDEBUG=true\r\n", 2);
    let bytes: Vec<u8> =
        [0xfeff].into_iter().chain(filled.text.encode_utf16()).flat_map(|unit: u16| unit.to_le_bytes()).collect();
    let found = scan("app/.env", &bytes);
    let [fact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (fact.rule.as_str(), fact.key.as_deref(), fact.line),
        ("dotenv-credential", Some("DB_PASSWORD"), Some(1))
    );
}

#[test]
fn line_ends_and_long_lines_change_nothing() {
    let token = fill("ghp_{github}", 4).text;
    let long = "x=1;".repeat(1 << 20);
    for (text, line) in [
        (format!("a\r\nb\r\n{token}\r\n"), 3),
        (format!("a\n{long}'{token}'{long}\n"), 2),
        (format!("{{\\\"auth\\\":\\\"{token}\\\"}}"), 1),
        (format!("export A=1\\n{token}\\n"), 1),
        (format!("a%3D{token}%26"), 1),
    ] {
        let found = scan("app/bundle.min.js", text.as_bytes());
        assert_eq!(
            found.iter().map(|fact| (fact.rule.as_str(), fact.line)).collect::<Vec<_>>(),
            [("github-pat", Some(line))]
        );
    }
}

#[test]
fn holes_are_read_as_zeros() {
    let token = fill("ghp_{github}", 9).text;
    let with_hole = |length: u64, skip: bool| {
        let mut scratch = Scratch::default();
        let mut scan = Scanner::builtin().scan(&mut scratch);
        scan.begin(b"srv/disk.img", length + 200);
        scan.feed(token.as_bytes());
        if skip {
            scan.skip(length);
        } else {
            scan.feed(&vec![0; usize::try_from(length).unwrap()]);
        }
        scan.feed(token.as_bytes());
        scan.finish()
    };
    for length in [1, 5000, 100_000, 3_000_000] {
        let found = with_hole(length, true);
        assert_eq!(found.len(), 2, "{length}");
        assert_eq!(found, with_hole(length, false), "{length}");
    }
}

#[test]
fn both_halves_of_an_aws_key_are_found_without_names() {
    let filled = fill("AKIA{base32:16},{aws-secret}\n", 21);
    let found = scan("srv/keys.csv", filled.text.as_bytes());
    let rules: Vec<_> = found.iter().map(|fact| (fact.rule.as_str(), fact.confidence)).collect();
    assert_eq!(rules, [("aws-access-key-id", Confidence::High), ("aws-secret-access-key", Confidence::High)]);
    // Alone, 40 characters of base 64 are nothing.
    assert_eq!(scan("srv/a", fill("x = {aws-secret}", 21).text.as_bytes()), []);
}

#[test]
fn placeholders_are_low_or_nothing() {
    for text in [
        "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "GITHUB_TOKEN=ghp_0000000000000000000000000000000000000",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "postgres://user:password@localhost/db",
        "https://user:pass@example.com/",
        "mysql://root:${MYSQL_PASSWORD}@db/app",
        "redis://:changeme@redis:6379",
        "sk-ant-api03-your-key-here",
    ] {
        let loud = scan("srv/README.md", text.as_bytes()).into_iter().find(|fact| fact.confidence > Confidence::Low);
        assert_eq!(loud, None, "{text}");
    }
}

#[test]
fn a_file_of_nothing_but_secrets_is_bounded_and_says_so() {
    let token = fill("ghp_{github} ", 1).text;
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    scan.begin(b"srv/many", 0);
    (0..5000).for_each(|_| scan.feed(token.as_bytes()));
    assert!(scan.finish().len() <= 1000);
    assert!(scan.unread().is_some());
}

#[test]
fn values_are_searched_with_their_names() {
    let filled = fill("{aws-secret}", 6);
    let found = Scanner::builtin().scan_value("AWS_SECRET_ACCESS_KEY", &filled.text);
    let [fact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (fact.rule.as_str(), fact.key.as_deref(), fact.offset),
        ("aws-secret-access-key", Some("AWS_SECRET_ACCESS_KEY"), 0)
    );
    assert_hidden(fact, &filled.fields);
    let url = fill("redis://:{base62:20}@cache.acme.net:6379", 6);
    let found = Scanner::builtin().scan_value("REDIS_URL", &url.text);
    assert_eq!(found.iter().map(|fact| fact.rule.as_str()).collect::<Vec<_>>(), ["url-password"]);
    assert_hidden(&found[0], &url.fields);
}

#[test]
fn arguments_named_like_secrets_are_secrets() {
    let scanner = Scanner::builtin();
    let found = scanner.scan_argument("DB_PASSWORD", "correct-horse");
    let [fact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (fact.rule.as_str(), fact.key.as_deref(), fact.confidence),
        ("build-argument", Some("DB_PASSWORD"), Confidence::Medium)
    );
    assert!(!fact.masked.contains("horse"));
    let token = fill("npm_{github}", 1).text;
    assert_eq!(
        scanner.scan_argument("NPM_TOKEN", &token).iter().map(|fact| fact.rule.as_str()).collect::<Vec<_>>(),
        ["npm-token"]
    );
    for facts in [scanner.scan_argument("DB_PASSWORD", "changeme"), scanner.scan_variable("DB_PASSWORD", "changeme")] {
        let [fact] = facts.as_slice() else { panic!("{facts:?}") };
        assert_eq!((fact.rule.as_str(), fact.confidence), ("default-password", Confidence::Medium));
    }
    for (name, value) in
        [("VERSION", "1.2.3-correct"), ("DB_PASSWORD", ""), ("DB_PASSWORD", "${X}"), ("TOKEN_FILE", "run/secret")]
    {
        assert_eq!(scanner.scan_argument(name, value), [], "{name}");
    }
}

#[test]
fn texts_are_shown_without_their_secrets() {
    let token = fill("ghp_{github}", 1).text;
    let shown = Scanner::builtin().redact(&format!(
        "RUN |2 DB_PASSWORD=correct-horse MODE=x /bin/sh -c git clone https://ci:Batt3ry5taple99@git.acme.net/x && T='{token}' make \u{e9}t\u{e9}"
    ));
    assert_eq!(
        shown,
        "RUN |2 DB_PASSWORD=******** MODE=x /bin/sh -c git clone https://ci:********@git.acme.net/x && T='********' make \u{e9}t\u{e9}"
    );
    let plain = "COPY --from=build /app /app # buildkit";
    assert_eq!(Scanner::builtin().redact(plain), plain);
}
