//! The frame on small images that are made here; the whole way, with the reference tools, is tested in `tests/harden`.

use std::io::{Cursor, Read as _};
use std::sync::Arc;

use super::*;
use crate::digest::Digest;
use crate::facts::FilePath;
use crate::layer::inflate::Compression;
use crate::layer::tar::HeaderChange;
use crate::source::{Layer, Place};

/// A file that `tar::Builder` writes.
fn file(builder: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    builder.append_data(&mut header, path, content).unwrap();
}

fn link(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, path: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    builder.append_link(&mut header, path, target).unwrap();
}

/// Files of one byte to several windows, a long name, hard links, one name twice, a whiteout.
fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    file(&mut builder, "bin/su", 0o4755, b"su");
    file(&mut builder, &format!("long/{}", "n".repeat(180)), 0o644, b"long");
    file(&mut builder, "big", 0o600, &vec![7; 700_001]);
    file(&mut builder, "secret", 0o644, b"hunter2hunter2");
    link(&mut builder, tar::EntryType::Link, "copy", "secret");
    link(&mut builder, tar::EntryType::Link, "copy2", "copy");
    file(&mut builder, "secret", 0o644, b"again");
    file(&mut builder, "etc/.wh.gone", 0o644, b"");
    link(&mut builder, tar::EntryType::Symlink, "s", "bin/su");
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
    let mut packed = Vec::new();
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

fn layer(stored: &[u8], tar: &[u8]) -> Layer {
    Layer {
        digest: Some(Digest::sha256(stored)),
        size: stored.len() as u64,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        diff_id: Some(Digest::sha256(tar)),
        place: Place::Digest,
    }
}

/// The tar stream of what came out, and whether anything changed.
fn rewritten(tar: &[u8], editor: &mut dyn Editor, compression: Compression) -> (Vec<u8>, bool) {
    let stored = gzip(tar);
    let stage = Stage::new().unwrap();
    let done = rewrite::rewrite_layer(
        Box::new(Cursor::new(stored.clone())),
        &layer(&stored, tar),
        editor,
        &stage,
        Packing::usual(compression),
    );
    let done = done.unwrap();
    let mut out = Vec::new();
    stage.open(&done.staged.digest).unwrap().read_to_end(&mut out).unwrap();
    assert_eq!(Digest::sha256(&out), done.staged.digest);
    assert_eq!(out.len() as u64, done.staged.size);
    let out = match compression {
        Compression::None => out,
        Compression::Gzip => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&out[..]).read_to_end(&mut plain).unwrap();
            plain
        }
        Compression::Zstd => zstd::decode_all(&out[..]).unwrap(),
    };
    assert_eq!(Digest::sha256(&out), done.staged.diff_id);
    (out, done.changed)
}

fn names(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string());
    entries.collect()
}

fn paths(paths: &[&str]) -> std::collections::BTreeSet<FilePath> {
    paths.iter().map(|path| FilePath::new(path.as_bytes())).collect()
}

#[test]
fn what_nobody_edits_stays_byte_for_byte() {
    let tar = archive();
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let (out, changed) = rewritten(&tar, &mut LayerEdits::default(), compression);
        assert!(!changed);
        assert!(out == tar, "{compression:?}");
    }
}

#[test]
fn dropped_files_go_with_their_links_and_doubles() {
    let tar = archive();
    let mut edits = LayerEdits { drop: paths(&["secret"]), ..LayerEdits::default() };
    let (out, changed) = rewritten(&tar, &mut edits, Compression::Gzip);
    assert!(changed);
    assert_eq!(names(&out), ["bin/su", &format!("long/{}", "n".repeat(180)), "big", "etc/.wh.gone", "s"]);
    assert!(memchr::memmem::find(&out, b"hunter2").is_none());
}

#[test]
fn headers_and_contents_change_and_entries_are_added() {
    let change = HeaderChange { mode: Some(0o755), ..HeaderChange::default() };
    let new = NewEntry::new(b"secret", NewKind::File(NewContent::Bytes(Arc::from(&b"masked"[..]))), 0o600, 5);
    let mut edits = LayerEdits {
        change: [(FilePath::new(b"bin/su"), change)].into(),
        replace: [(FilePath::new(b"secret"), new)].into(),
        ..LayerEdits::default()
    };
    let (out, changed) = rewritten(&archive(), &mut edits, Compression::Zstd);
    assert!(changed);
    assert_eq!(names(&out).len(), names(&archive()).len());
    let mut archive = tar::Archive::new(&out[..]);
    let mut entries = archive.entries().unwrap();
    assert_eq!(entries.next().unwrap().unwrap().header().mode().unwrap() & 0o7777, 0o755);
    assert!(memchr::memmem::find(&out, b"hunter2").is_none());
    assert!(memchr::memmem::find(&out, b"masked").is_some());
}

/// What stands behind the end mark is looked at by nobody, so it may hold anything.
#[test]
fn what_follows_the_end_mark_is_not_copied() {
    let mut tar = archive();
    tar.extend_from_slice(&[b'x'; 100_000]);
    let mut edits = LayerEdits { drop: paths(&["big"]), ..LayerEdits::default() };
    let (out, _) = rewritten(&tar, &mut edits, Compression::None);
    assert!(!out.contains(&b'x') && out.ends_with(&[0; 1024]));
}

#[test]
fn a_layer_that_is_not_the_configurations_is_refused() {
    let tar = archive();
    let stored = gzip(&tar);
    let stage = Stage::new().unwrap();
    for (is_stored, expected) in [(true, "the layer has the digest"), (false, "the uncompressed layer has the digest")]
    {
        let mut wrong = layer(&stored, &tar);
        let other = Some(Digest::sha256(b"other"));
        if is_stored {
            wrong.digest = other
        } else {
            wrong.diff_id = other
        }
        let reader = Box::new(Cursor::new(stored.clone()));
        let packing = Packing::usual(Compression::Gzip);
        let error = rewrite::rewrite_layer(reader, &wrong, &mut LayerEdits::default(), &stage, packing).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn made_layers_are_read_by_others_and_always_the_same() {
    let long = format!("a/{}", "é".repeat(100));
    let capability = ("security.capability".to_owned(), vec![1, 0, 0, 2, 0, 0, 0, 0]);
    let mut program = NewEntry::new(b"a/p", NewKind::File(NewContent::Bytes(Arc::from(&b"abc"[..]))), 0o755, 9);
    program.xattrs.push(capability);
    let entries = [
        NewEntry::new(b"a", NewKind::Directory, 0o750, 9).owned(10001, 3_000_000),
        program,
        NewEntry::new(long.as_bytes(), NewKind::HardLink(FilePath::new(b"a/p")), 0o755, 9),
        NewEntry::new(b"a/s", NewKind::Symlink(b"p".to_vec()), 0o777, 9),
        NewEntry::new(b"a/gone", NewKind::Whiteout, 0, 9),
    ];
    let stage = Stage::new().unwrap();
    let make = || entry::layer_of(&entries, &stage, Packing::usual(Compression::None)).unwrap();
    let staged = make();
    assert_eq!(staged, make());
    let mut bytes = Vec::new();
    stage.open(&staged.digest).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(names(&bytes), ["a/", "a/p", &long, "a/s", "a/.wh.gone"]);
    let mut archive = tar::Archive::new(&bytes[..]);
    let first = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!((first.header().uid().unwrap(), first.header().gid().unwrap()), (10001, 3_000_000));
}
