//! The Dockerfile reader against BuildKit's own vectors: syntax trees, files that must be refused, expansion of variables, splitting into words.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/shared.rs"]
mod shared;

use std::fs;
use std::path::{Path, PathBuf};

use imgguard::dockerfile::{self, Body, Dockerfile, DockerfileError, Environment, Instruction, Keyword, Word};

fn folder(name: &str) -> Option<PathBuf> {
    shared::folder("data/dockerfiles").map(|folder| folder.join(name))
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Text in quotes as Go's `strconv.Quote` writes it.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            c if u32::from(c) < 0x20 => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn words<'a>(words: impl IntoIterator<Item = &'a Word>) -> String {
    words.into_iter().map(|word| format!(" {}", quote(&word.text))).collect()
}

/// The tree of an instruction as BuildKit prints it.
fn tree(instruction: &Instruction, source: &str) -> String {
    let flags: Vec<String> = instruction
        .flags
        .iter()
        .map(|flag| {
            let value = flag.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
            quote(&format!("--{}{value}", flag.name))
        })
        .collect();
    let flags = if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(" ")) };
    format!("({}{flags}{})", instruction.name.text.to_lowercase(), body(&instruction.body, instruction.keyword, source))
}

fn body(body: &Body, keyword: Keyword, source: &str) -> String {
    match body {
        Body::Words(list) | Body::Exec(list) => words(list),
        Body::Shell(text) => format!(" {}", quote(text.text())),
        Body::Text(word) => words([word]),
        Body::Trigger(inner) => format!(" {}", tree(inner, source)),
        Body::Health(kind, command) => words([kind]) + &self::body(command, keyword, source),
        Body::Empty => String::new(),
        Body::Pairs(pairs) if keyword == Keyword::Arg => pairs
            .iter()
            .map(|pair| {
                let value = pair.value.as_ref().map(|value| format!("={}", value.text)).unwrap_or_default();
                format!(" {}", quote(&format!("{}{value}", pair.name.text)))
            })
            .collect(),
        Body::Pairs(pairs) => pairs
            .iter()
            .map(|pair| {
                words([&pair.name, pair.value.as_ref().unwrap()]) + if pair.is_old { " \"\"" } else { " \"=\"" }
            })
            .collect(),
    }
}

#[test]
fn trees_are_those_of_buildkit() {
    let Some(folder) = folder("buildkit-parser") else { return };
    let cases = cases(&folder);
    assert!(cases.len() >= 21, "the vectors are there");
    for case in cases {
        let parsed = Dockerfile::parse(&fs::read(case.join("Dockerfile")).unwrap());
        let parsed = parsed.unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        let trees: Vec<String> =
            parsed.instructions.iter().map(|instruction| tree(instruction, parsed.source.text())).collect();
        let expected = fs::read_to_string(case.join("result")).unwrap();
        assert_eq!(trees.join("\n"), expected.trim_end(), "{}", case.display());
    }
}

#[test]
fn what_buildkit_refuses_is_refused() {
    let Some(folder) = folder("buildkit-parser-negative") else { return };
    for case in cases(&folder) {
        let parsed = Dockerfile::parse(&fs::read(case.join("Dockerfile")).unwrap());
        assert!(parsed.is_err(), "{}", case.display());
    }
}

#[test]
fn variables_expand_as_in_buildkit() {
    let Some(folder) = folder("buildkit-words") else { return };
    let environment: Environment = [("PWD", "/home"), ("SHELL", "bash"), ("KOREAN", "한국어"), ("NULL", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut tried = 0;
    for line in fs::read_to_string(folder.join("envVarTest")).unwrap().lines() {
        let line = line.split('#').next().filter(|_| line.trim_start().starts_with('#')).map_or(line, |_| "");
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [platform, input, expected] = fields[..] else { continue };
        if platform == "W" {
            continue;
        }
        tried += 1;
        match dockerfile::expand(input, &environment, '\\') {
            Ok(text) => assert_eq!(text, expected, "{input}"),
            Err(error) => assert_eq!(expected, "error", "{input}: {error}"),
        }
    }
    assert!(tried > 150, "{tried} vectors were tried");
}

#[test]
fn words_split_as_in_buildkit() {
    let Some(folder) = folder("buildkit-words") else { return };
    let mut environment = Environment::new();
    let mut tried = 0;
    for line in fs::read_to_string(folder.join("wordsTest")).unwrap().lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if let Some((name, value)) = line.strip_prefix("ENV ").and_then(|pair| pair.split_once('=')) {
            environment.insert(name.to_owned(), value.to_owned());
            continue;
        }
        let (input, expected) = line.split_once('|').unwrap();
        tried += 1;
        // The table puts one space on either side of the bar.
        let (input, expected) = (input.trim(), expected.trim_start());
        match dockerfile::expand_words(input, &environment, '\\') {
            Ok(words) => assert_eq!(words, expected.split(',').collect::<Vec<_>>(), "{input}"),
            Err(error) => assert_eq!(expected, "error", "{input}: {error}"),
        }
    }
    assert!(tried >= 20, "{tried} vectors were tried");
}

fn parse(text: &str) -> Dockerfile {
    Dockerfile::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn heredocs_are_read_as_the_reference_says() {
    // From the section on here-documents of the Dockerfile reference, and its corner cases.
    let text = "FROM a\nRUN <<EOF bash -ex\n  echo <<x\nEOF\nCOPY <<-\"one\" <<two /dst/\n\tfirst $A\n\tone\nsecond\ntwo\nRUN 3<<EOF cat\nx\nEOF\nRUN echo \"<<no\"\n";
    let parsed = parse(text);
    let [_, run, copy, third, last] = &parsed.instructions[..] else { panic!("{:#?}", parsed.instructions) };
    assert_eq!(run.heredocs[0].body.text(), "  echo <<x\n");
    let bodies: Vec<_> =
        copy.heredocs.iter().map(|doc| (&*doc.name, doc.expands, doc.strips_tabs, doc.body.text())).collect();
    assert_eq!(bodies, [("one", false, true, "\tfirst $A\n"), ("two", true, false, "second\n")]);
    assert_eq!(third.heredocs.len(), 1);
    assert!(last.heredocs.is_empty());
    assert_eq!(parsed.source.get(&run.span), "RUN <<EOF bash -ex\n  echo <<x\nEOF");
    let unclosed = Dockerfile::parse(b"FROM a\nRUN <<EOF\nx\n");
    assert!(matches!(unclosed, Err(DockerfileError::Syntax { line: 2, .. })), "{unclosed:?}");
}

#[test]
fn spans_lead_back_to_the_file() {
    let text = "# escape=`\nfrom --platform=$BUILDPLATFORM alpine:3.20 as build\nRUN --mount=type=cache,target=/x `\n  # a comment\n\n  echo a &&`\n echo b\nCOPY --link [\"a b\", \"/c/\"]\n";
    let parsed = parse(text);
    let [from, run, copy] = &parsed.instructions[..] else { panic!() };
    assert_eq!(parsed.source.get(&from.flags[0].span), "--platform=$BUILDPLATFORM");
    assert_eq!(parsed.source.get(&run.flags[0].span), "--mount=type=cache,target=/x");
    let Body::Shell(shell) = &run.body else { panic!() };
    assert_eq!(shell.text(), "echo a && echo b");
    assert_eq!(parsed.source.get(&shell.span(&(10..16))), "echo b");
    assert_eq!(parsed.source.get(&copy.words()[0].span), "a b");
    assert_eq!(parsed.comments[0].text, "a comment");
    assert_eq!(parsed.escape, '`');
    let stage = &parsed.stages[0];
    assert_eq!((stage.name.as_ref().unwrap().text.as_str(), stage.base.image()), ("build", Some("alpine:3.20")));
}

#[test]
fn arguments_before_the_first_stage_count_in_from() {
    let text = "ARG V=3.20\nARG NONE\nFROM alpine:${V} AS a\nFROM A\nFROM x:$NONE\nFROM ${BASE:-scratch}\n";
    let parsed = parse(text);
    let bases: Vec<_> = parsed.stages.iter().map(|stage| (stage.base.image(), stage.base.stage)).collect();
    assert_eq!(bases, [(Some("alpine:3.20"), None), (None, Some(0)), (None, None), (None, None)]);
    assert!(parsed.stages[3].base.is_scratch());
}

#[test]
fn hostile_files_end_with_an_error() {
    let long = [b"FROM a\nRUN ".to_vec(), vec![b'x'; 900 << 10]].concat();
    assert_eq!(Dockerfile::parse(&long).unwrap_err(), DockerfileError::LongLine { line: 2 });
    let large = vec![b'\n'; 10 << 20];
    assert_eq!(Dockerfile::parse(&large).unwrap_err(), DockerfileError::TooLarge(10 << 20));
    let nested = "FROM a\n".to_owned() + &"ONBUILD ".repeat(5000);
    assert!(matches!(Dockerfile::parse(nested.as_bytes()), Err(DockerfileError::Syntax { line: 2, .. })));
    let many = "FROM a\n".to_owned() + &"ENV a b\n".repeat(3000);
    assert_eq!(Dockerfile::parse(many.as_bytes()).unwrap_err(), DockerfileError::TooMany);
    let continued = "FROM a\nRUN a".to_owned() + &"\\\n a".repeat(100_000);
    assert!(Dockerfile::parse(continued.as_bytes()).is_ok());
    assert!(Dockerfile::parse(b"FROM a\n# \xff\xfe comment\nRUN caf\xe9\n").is_ok());
}
