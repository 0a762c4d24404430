//! Names that try to leave the report: escape sequences, line breaks, characters that reorder text, markup. And secrets, which must not.

use std::fs;
use std::io::Read as _;

use serde_json::json;

use crate::world::{Built, Ended, Layout, SAMPLE, layer, scan};

/// Clears the screen, sets the window's title, begins a line, moves the cursor with C1's one-character form, and reorders what follows.
const HOSTILE: &str = "a\x1b[2J\x1b]0;title\x07\r\nb\u{9b}1A\u{202e}c\u{7f}[x](http://evil.example)<img>{0}";

/// An image with a hostile text wherever a text of an image can get into a report.
fn image(architecture: &'static str) -> Built {
    let package = |name: &str| {
        (
            format!("srv/node_modules/{name}/package.json"),
            json!({"name": name, "version": format!("1.0.0{HOSTILE}"), "license": HOSTILE}).to_string(),
        )
    };
    let (path, content) = package(&HOSTILE.replace('/', ""));
    let os = format!("ID=debian\nVERSION_ID=\"12{}\"\n", HOSTILE.replace(['\r', '\n', '"', '$', '`'], ""));
    let metadata =
        format!("Metadata-Version: 2.1\nName: Dja{}ngo\nVersion: 4.2.1\x1b[2J\n", HOSTILE.replace(['\r', '\n'], ""));
    let passwd = format!("root:x:0:0::/:/bin/sh\n{}::0:0::/:/bin/sh\n", HOSTILE.replace([':', '\r', '\n'], ""));
    let status = format!(
        "Package: libc6\nStatus: install ok installed\nVersion: 1{0}\nSource: gl{0}ibc\nArchitecture: a{0}ll\n",
        HOSTILE.replace(['\r', '\n', ' '], "")
    );
    let files = [
        ("usr/lib/os-release", os.as_str()),
        ("etc/passwd", passwd.as_str()),
        ("var/lib/dpkg/status", status.as_str()),
        (path.as_str(), content.as_str()),
        ("usr/lib/python3/site-packages/D\x1b[2J-1.dist-info/METADATA", metadata.as_str()),
        ("srv/\u{202e}\x1b[2J\n.env", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz\n"),
    ];
    Built {
        architecture,
        layers: vec![layer(&files)],
        config: json!({
            "User": format!("0:{HOSTILE}"), "Env": [format!("{HOSTILE}_PASSWORD=hunter2hunter2"), format!("A_TOKEN={HOSTILE}")],
            "Labels": {HOSTILE: HOSTILE}, "Cmd": [HOSTILE],
        }),
        history: vec![format!("RUN {HOSTILE}")],
    }
}

/// Whether a text holds what a terminal would obey; line feeds are ours.
fn is_unsafe(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_safe(ended: &Ended, what: &str) {
    for text in [&ended.out, &ended.err] {
        if let Some(at) = text.find(is_unsafe) {
            let from = text.floor_char_boundary(at.saturating_sub(60));
            panic!("{what}: {:?}", &text[from..text.ceil_char_boundary(at + 20)]);
        }
    }
}

#[test]
fn no_report_holds_a_control_character() {
    let layout = Layout::of(&[image("amd64"), image("arm64")]);
    let reference = layout.reference();
    for format in ["table", "json", "sarif", "cyclonedx"] {
        for show in ["problems", "all"] {
            let ended = scan([reference.as_str(), "--format", format, "--show", show]);
            assert!([0, 3].contains(&ended.code), "{format}: {}", ended.err);
            assert!(ended.out.len() > 500, "{format}");
            assert_safe(&ended, format);
        }
    }
    let mut colored = scan([reference.as_str(), "--color", "always"]);
    // Colours are ours: ESC, digits and semicolons, `m`.
    let mut parts = colored.out.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    let rest: String = parts
        .map(|part| {
            let (code, text) = part.split_once('m').unwrap();
            assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{code:?}");
            text
        })
        .collect();
    colored.out = first + &rest;
    assert_safe(&colored, "colours");
}

#[test]
fn values_are_whole_in_json() {
    let layout = Layout::of(&[image("amd64")]);
    let report = scan([layout.reference().as_str(), "--format", "json"]).json();
    assert_eq!(report["platforms"][0]["user"]["spec"], format!("0:{HOSTILE}"));
    assert_eq!(report["platforms"][0]["layers"][0]["instruction"], format!("RUN {HOSTILE}"));
}

#[test]
fn sarif_holds_no_link_and_no_markup_of_the_image() {
    let layout = Layout::of(&[image("amd64")]);
    let sarif = scan([layout.reference().as_str(), "--format", "sarif"]).json();
    let run = &sarif["runs"][0];
    let messages = run["results"].as_array().unwrap().iter().map(|result| &result["message"]["text"]);
    let mut hostile = 0;
    for message in messages {
        let message = message.as_str().unwrap();
        assert!(!message.replace("\\[", "").replace("\\]", "").contains(['[', ']']), "{message}");
        assert!(!message.replace("{{", "").replace("}}", "").contains(['{', '}']), "{message}");
        hostile += usize::from(message.contains("evil.example"));
    }
    assert!(hostile > 0, "the hostile text is there, made harmless");
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        assert!(!rule["help"]["markdown"].as_str().unwrap().contains("<img"), "{rule}");
    }
}

#[test]
fn errors_hold_no_control_character() {
    let layout = Layout::of(&[image("amd64")]);
    let named = |name: &str, architecture| {
        let mut entry = layout.manifest(&image(architecture));
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        entry
    };
    layout.index(&[named(&format!("one{HOSTILE}"), "amd64"), named(&format!("two{HOSTILE}"), "arm64")]);
    let ended = scan([layout.reference().as_str()]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert_safe(&ended, "choices");
    for reference in [format!("oci:/nonexistent{HOSTILE}"), format!("app{HOSTILE}"), format!("dir:/{HOSTILE}")] {
        let ended = scan([reference.as_str()]);
        assert_ne!(ended.code, 0);
        assert_safe(&ended, &reference);
    }
}

#[test]
fn no_report_and_no_cache_holds_a_secret() {
    let sample = Layout::sample();
    let bytes = fs::read(sample.blob_path(&sample.sample_layers(0)[1])).unwrap();
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    let after = |lead: &str| text.split(lead).nth(1).unwrap().lines().next().unwrap().to_owned();
    let (token, key) = (after("GITHUB_TOKEN="), after("-----BEGIN PRIVATE KEY-----\n"));
    assert!(token.starts_with("ghp_") && key.len() > 60, "{token} {key}");
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().to_str().unwrap();
    for format in ["table", "json", "sarif", "cyclonedx"] {
        let ended = scan([SAMPLE, "--format", format, "--show", "all", "--cache", cache]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        for secret in [&token[8..], &key[..], &key[20..]] {
            assert!(!ended.out.contains(secret) && !ended.err.contains(secret), "{format}");
        }
    }
    assert!(scan([SAMPLE]).out.contains("ghp_"), "it was found");
    let kept = fs::read_dir(cache).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let mut masked = 0;
    for bytes in kept {
        // The facts are a zstd frame behind a header.
        let frame = bytes.windows(4).position(|window| window == [0x28, 0xb5, 0x2f, 0xfd]).unwrap();
        let facts = zstd::decode_all(&bytes[frame..]).unwrap();
        let holds = |text: &str| facts.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(&token[8..]) && !holds(&key[20..]));
        masked += usize::from(holds("ghp_*"));
    }
    assert!(masked > 0, "facts were kept, and are read here");
}
