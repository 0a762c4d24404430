//! Java archives as builds lay them out, and hostile ones, made here.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{Cursor, Write as _};

use imgguard::facts::Fact;
use imgguard::inspect::INSPECTORS;
use imgguard::layer::{Entry, EntryKind, FileView};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive of these entries; those whose name begins with `=` are stored without it.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let (name, method) = match name.strip_prefix('=') {
            Some(name) => (name, CompressionMethod::Stored),
            None => (*name, CompressionMethod::Deflated),
        };
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A library with what Maven puts into it.
fn library(artifact: &str, version: &str) -> Vec<u8> {
    let path = format!("META-INF/maven/org.example/{artifact}/pom.properties");
    let pom =
        format!("#Created by Apache Maven 3.8.7\nartifactId={artifact}\ngroupId=org.example\nversion={version}\n");
    archive(&[
        ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\n\r\n"),
        (&path, pom.as_bytes()),
        ("org/example/A.class", b""),
    ])
}

fn entry(path: &str, size: usize) -> Entry<'_> {
    let kind = EntryKind::File;
    Entry { path: path.as_bytes(), kind, size: size as u64, mode: 0o644, uid: 0, gid: 0, link: b"", capability: None }
}

/// `NAME VERSION PLACE` of each package in the archive at `path`, and what was wrong.
fn read(path: &str, bytes: &[u8]) -> (Vec<String>, Option<String>) {
    let entry = entry(path, bytes.len());
    let head = bytes.get(..512).unwrap_or(bytes);
    let inspector = INSPECTORS.iter().find(|inspector| inspector.wants(&entry, head)).unwrap();
    assert_eq!(inspector.meta().name, "language/java-archive");
    let mut facts = Vec::new();
    let outcome = inspector.inspect(&FileView::in_memory(entry, bytes), &mut facts);
    let shown = |fact: &Fact| {
        let package = fact.package().unwrap();
        let inside = package.inside.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        format!("{} {} {inside}", package.name, package.version)
    };
    (facts.iter().map(shown).collect(), outcome.err().map(|error| error.to_string()))
}

#[test]
fn an_executable_jar_shows_its_libraries_where_they_are() {
    let (app, lib) = (library("app", "1.0"), library("lib", "2.0"));
    let mut reader = zip::ZipArchive::new(Cursor::new(&app)).unwrap();
    let mut pom = Vec::new();
    std::io::copy(&mut reader.by_name("META-INF/maven/org.example/app/pom.properties").unwrap(), &mut pom).unwrap();
    let jar = archive(&[
        ("META-INF/maven/org.example/app/pom.properties", &pom),
        ("BOOT-INF/classes/A.class", b""),
        ("=BOOT-INF/lib/lib-2.0.jar", &lib),
    ]);
    let expected = ["org.example:app 1.0 -", "org.example:lib 2.0 /BOOT-INF/lib/lib-2.0.jar"];
    assert_eq!(read("app.jar", &jar), (expected.map(str::to_owned).to_vec(), None));
    // Executable jars begin with a script, and the offsets in them may count from the archive or from the file.
    let script = [b"#!/bin/sh\nexec java -jar \"$0\"\n", jar.as_slice()].concat();
    assert_eq!(read("app.jar", &script), (expected.map(str::to_owned).to_vec(), None));
}

#[test]
fn archives_are_read_in_archives() {
    let lib = |name: &str| library(name, "1.0");
    let shaded = archive(&[
        ("META-INF/maven/org.example/shaded/pom.properties", b"groupId=org.example\nartifactId=shaded\nversion=3\n"),
        ("META-INF/maven/com.google/guava/pom.properties", b"groupId=com.google\nartifactId=guava\nversion=31.1-jre\n"),
    ]);
    let war = archive(&[
        ("WEB-INF/lib/a-1.0.jar", &lib("a")),
        ("WEB-INF/lib-provided/b-1.0.jar", &lib("b")),
        ("WEB-INF/lib/shaded-3.jar", &shaded),
    ]);
    let ear = archive(&[("web.war", &war), ("lib/a-1.0.jar", &lib("a")), ("=APP-INF/lib/c-1.0.JAR", &lib("c"))]);
    let (mut found, error) = read("opt/app.ear", &ear);
    found.sort();
    assert_eq!(error, None);
    assert_eq!(
        found,
        [
            "com.google:guava 31.1-jre /web.war!/WEB-INF/lib/shaded-3.jar!/META-INF/maven/com.google/guava/pom.properties",
            "org.example:a 1.0 /lib/a-1.0.jar",
            "org.example:a 1.0 /web.war!/WEB-INF/lib/a-1.0.jar",
            "org.example:b 1.0 /web.war!/WEB-INF/lib-provided/b-1.0.jar",
            "org.example:c 1.0 /APP-INF/lib/c-1.0.JAR",
            "org.example:shaded 3 /web.war!/WEB-INF/lib/shaded-3.jar",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let jar = archive(&[("lib/broken.jar", b"PK\x03\x04 cut off"), ("lib/a-1.0.jar", &library("a", "1.0"))]);
    let (found, error) = read("app.jar", &jar);
    assert_eq!(found, ["org.example:a 1.0 /lib/a-1.0.jar"]);
    assert!(error.as_ref().is_some_and(|error| error.contains("/lib/broken.jar")), "{error:?}");
    for damaged in [&b"no archive"[..], &jar[..jar.len() / 2], &jar[..jar.len() - 10]] {
        let (found, error) = read("app.jar", damaged);
        assert!(found.is_empty() && error.is_some_and(|error| error.contains("zip archive")));
    }
    assert_eq!(read("empty.jar", b""), (Vec::new(), None));
    let nameless = archive(&[("org/example/A.class", b"")]);
    assert!(read("lib-1.0.jar", &nameless).1.unwrap().contains("which library it is"));
    assert_eq!(read("app.jar", &nameless), (Vec::new(), None), "an application needs no name");
}

#[test]
fn an_entry_that_does_not_have_its_checksum_is_refused() {
    let mut jar =
        archive(&[("=META-INF/maven/org.example/a/pom.properties", b"groupId=org.example\nartifactId=a\nversion=1\n")]);
    let at = jar.windows(9).position(|window| window == b"version=1").unwrap();
    jar[at + 8] = b'2';
    let (found, error) = read("a-1.jar", &jar);
    assert!(found.is_empty() && error.is_some());
}

#[test]
fn nesting_ends() {
    let mut jar = library("a", "1.0");
    for _ in 0..10 {
        jar = archive(&[("=n.jar", &jar)]);
    }
    let (found, error) = read("n.jar", &jar);
    assert!(found.is_empty());
    assert!(error.unwrap().contains("more than 6 deep"));
}

#[test]
fn only_the_beginning_of_a_text_is_inflated() {
    let zeros = vec![0; 40 << 20];
    let bomb = archive(&[("META-INF/MANIFEST.MF", &zeros), ("META-INF/maven/a/b/pom.properties", &zeros)]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read("bomb.jar", &bomb), (Vec::new(), None));
}
