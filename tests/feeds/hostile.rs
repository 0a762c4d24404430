//! Feeds that are cut, reordered, doubled or made to harm: never a smaller store that looks whole.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use imgguard::advisory::{AdvisoryError, ImportOptions, Store, compile, import};

use super::matches::documents;
use super::refusal;

/// Our own documents. CSV and YAML have no end that could be missing; for those the count against the older store must do.
fn own() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(documents()).unwrap().map(|entry| entry.unwrap().path());
    let mut own: Vec<(String, Vec<u8>)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json" || extension == "xml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect();
    own.sort();
    assert!(own.len() > 12, "there is a document of every feed");
    own
}

#[test]
fn every_document_of_ours_is_read_whole() {
    for (name, _) in own() {
        let (_, report) = compile(&[documents().join(&name)], ImportOptions::default()).unwrap();
        let source = &report.provenance.sources[0];
        assert_eq!((source.malformed, report.unrecognised), (0, 0), "{name}");
        assert!(source.records > 0, "{name}");
        assert!(!source.url.is_empty() && !source.name.is_empty(), "{name}");
    }
}

#[test]
fn a_cut_document_is_never_taken_for_a_whole_one() {
    for (name, bytes) in own() {
        let whole = bytes.trim_ascii_end().len();
        let step = (whole / 40).max(1);
        for length in (0..whole).step_by(step) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(&name);
            fs::write(&path, &bytes[..length]).unwrap();
            if let Ok((_, report)) = compile(&[path], ImportOptions::default()) {
                let malformed: u32 = report.provenance.sources.iter().map(|source| source.malformed).sum();
                assert!(malformed > 0, "{name} cut at {length} of {whole} was believed");
            }
        }
    }
}

#[test]
fn a_cut_archive_is_refused() {
    let tar = {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in own() {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, &name, bytes.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let mut bzip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(&tar).unwrap();
    let zstandard = zstd::encode_all(tar.as_slice(), 1).unwrap();
    for (name, bytes) in [
        ("a.tar", tar.clone()),
        ("a.tar.gz", gzip.finish().unwrap()),
        ("a.tar.bz2", bzip.finish().unwrap()),
        ("a.tar.zst", zstandard),
    ] {
        assert!(refusal(name, &bytes).is_none(), "{name} is read");
        for length in [1, bytes.len() / 3, bytes.len() / 2, bytes.len() - bytes.len() / 10] {
            assert!(refusal(name, &bytes[..length]).is_some(), "{name} cut at {length} of {}", bytes.len());
        }
    }
}

/// The documents, each under its name and in a folder of its own.
fn written(folder: &Path, documents: &[(&str, &str)]) -> Vec<PathBuf> {
    documents
        .iter()
        .map(|(name, text)| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            path
        })
        .collect()
}

const FLAW: &str = r#"{"releases":{"bookworm":{"status":"open","repositories":{"bookworm":"1"},"urgency":"low"}}}"#;

/// A tracker with that many packages, in one order or the other.
fn tracker(packages: usize, backwards: bool) -> String {
    let mut members: Vec<String> =
        (0..packages).map(|n| format!(r#""p{n:04}":{{"CVE-2030-{n:04}":{FLAW}}}"#)).collect();
    if backwards {
        members.reverse();
    }
    format!("{{{}}}", members.join(","))
}

#[test]
fn order_and_repetition_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (forwards, backwards) = (tracker(50, false), tracker(50, true));
    let doubled = format!("{},{}", forwards.strip_suffix('}').unwrap(), backwards.strip_prefix('{').unwrap());
    let paths = written(folder.path(), &[("a.json", &forwards), ("b.json", &backwards), ("c.json", &doubled)]);
    let rows = |path: &PathBuf| {
        let (bytes, report) = compile(std::slice::from_ref(path), ImportOptions::default()).unwrap();
        let store = Store::from_memory(bytes).unwrap();
        let rows: Vec<_> = store.packages().unwrap().iter().map(|(e, n)| store.rows(e, n).unwrap()).collect();
        (report.provenance.rows, report.provenance.advisories, rows)
    };
    let first = rows(&paths[0]);
    assert_eq!((first.0, first.1), (50, 50));
    assert_eq!(rows(&paths[1]), first);
    assert_eq!(rows(&paths[2]), first);
}

#[test]
fn a_feed_that_shrinks_is_refused_and_the_older_store_stays() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("store");
    let texts = [tracker(300, false), tracker(280, false), tracker(100, false)];
    let paths = written(folder.path(), &[("a.json", &texts[0]), ("b.json", &texts[1]), ("c.json", &texts[2])]);
    let strict = ImportOptions::default();
    import(&paths[..1], &output, strict).unwrap();
    import(&paths[1..2], &output, strict).expect("a few flaws less are normal");
    let before = fs::read(&output).unwrap();
    let error = import(&paths[2..], &output, strict).unwrap_err();
    assert!(matches!(error, AdvisoryError::Fewer { now: 100, expected: 280, .. }), "{error}");
    assert_eq!(fs::read(&output).unwrap(), before);
    import(&paths[2..], &output, ImportOptions { accept_fewer: true, ..strict }).expect("who says so gets it");
}

#[test]
fn a_release_that_loses_half_of_its_rows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("store");
    let whole = tracker(300, false);
    let emptied = whole.replacen("bookworm", "bullseye", 2 * 200); // as many records, other releases
    let paths = written(folder.path(), &[("a.json", &whole), ("b.json", &emptied)]);
    import(&paths[..1], &output, ImportOptions::default()).unwrap();
    let error = import(&paths[1..], &output, ImportOptions::default()).unwrap_err();
    assert!(matches!(&error, AdvisoryError::Fewer { source_name, .. } if source_name == "Debian:12"), "{error}");
}

#[test]
fn a_feed_that_has_less_than_it_says_is_refused() {
    let short = br#"{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"1","count":2,"vulnerabilities":[
        {"cveID":"CVE-2030-0001","dateAdded":"2030-01-01"}]}"#;
    assert!(matches!(refusal("kev.json", short), Some(AdvisoryError::Fewer { now: 1, expected: 2, .. })));
}

#[test]
fn what_would_harm_is_refused_in_bounded_memory() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE updates [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
        <updates><update from="amazon.com" type="security"><id>ALAS-&b;</id></update></updates>"#;
    assert!(refusal("updateinfo.xml", bomb.as_bytes()).is_some());
    let deep = format!("<updates><!-- amazon.com -->{}", "<update>".repeat(100_000));
    assert!(refusal("updateinfo.xml", deep.as_bytes()).is_some());
    let nested = format!(
        r#"{{"p":{{"CVE-2030-0001":{{"repositories":1,"releases":{}1{}}}}}}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let _ = refusal("debian.json", nested.as_bytes());
    // 100 MB of zeros in 100 KB, as one JSON string.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(br#"{"a":{"CVE-2030-0001":{"releases":{"x":{"repositories":{}}},"x":""#).unwrap();
    for _ in 0..100 {
        gzip.write_all(&vec![b'0'; 1 << 20]).unwrap();
    }
    assert!(refusal("debian.json.gz", &gzip.finish().unwrap()).is_some());
}

#[test]
fn ids_and_names_that_could_harm_a_terminal_do_not_get_in() {
    let hostile = "{\"p\\u001b[2J\":{\"CVE-2030-0001\":FLAW},\"q\":{\"CVE-2030-\\u0007\":FLAW}}".replace("FLAW", FLAW);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("debian.json");
    fs::write(&path, hostile).unwrap();
    let (bytes, report) = compile(&[path], ImportOptions::default()).unwrap();
    assert!(Store::from_memory(bytes).unwrap().packages().unwrap().is_empty());
    assert_eq!((report.sources[0].loss.without_versions, report.sources[0].malformed.len()), (1, 1));
}
