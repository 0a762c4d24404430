use std::path::PathBuf;

use super::*;
use crate::advisory::{ImportOptions, compile};

/// A store of these records: id, package, fixed version.
pub(in crate::advisory::store) fn store(records: &[(&str, &str, &str)]) -> Store {
    let folder = tempfile::tempdir().expect("temporary folder");
    let source = folder.path().join("crates.io");
    std::fs::create_dir(&source).expect("folder");
    for (id, package, fixed) in records {
        let record = format!(
            r#"{{"id":"{id}","modified":"2026-01-01T00:00:00Z","affected":[
                {{"package":{{"ecosystem":"crates.io","name":"{package}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
        );
        std::fs::write(source.join(format!("{id}.json")), record).expect("record");
    }
    let (bytes, _) = compile(&[source], ImportOptions::default()).expect("compiles");
    Store::from_memory(bytes).expect("opens")
}

/// `count` records, without those whose number is in `without`.
fn numbered(count: u32, without: &[u32]) -> Store {
    let names: Vec<_> = (0..count)
        .filter(|number| !without.contains(number))
        .map(|number| (format!("T-{number:05}"), format!("crate-{}", number % 97), format!("1.{number}.0")))
        .collect();
    let records: Vec<_> = names.iter().map(|(id, name, fixed)| (id.as_str(), name.as_str(), fixed.as_str())).collect();
    store(&records)
}

#[test]
fn a_delta_leads_to_the_new_store_byte_for_byte() {
    let base: &[_] = &[("A-1", "a", "1.0.0"), ("B-1", "b", "1.0.0"), ("C-1", "a", "2.0.0")];
    let cases: &[&[_]] = &[
        base,
        &[("A-0", "c", "1.0.0"), ("A-1", "a", "1.0.0"), ("B-1", "b", "1.0.0"), ("C-1", "a", "2.0.0")],
        &[("B-1", "b", "1.0.0"), ("C-1", "a", "2.0.0")],
        &[("A-1", "a", "1.0.1"), ("B-1", "z", "1.0.0"), ("C-1", "a", "2.0.0"), ("D-11", "q", "3.0.0")],
        &[("X-1", "x", "1.0.0")],
    ];
    for new in cases {
        let (old, new) = (store(base), store(new));
        let delta = make(&old, &new).expect("a delta");
        assert_eq!(apply(&old, &delta).expect("applies"), new.as_bytes());
        let back = make(&new, &old).expect("a delta");
        assert_eq!(apply(&new, &back).expect("applies"), old.as_bytes());
        assert_eq!(ends(&delta).expect("ends"), [old.digest().to_string(), new.digest().to_string()]);
    }
}

/// One record more at the beginning gives every other record another number, and the delta is small all the same.
#[test]
fn what_only_got_another_number_costs_nothing() {
    let (old, new) = (numbered(1000, &[0, 500]), numbered(1000, &[999]));
    let delta = make(&old, &new).expect("a delta");
    assert_eq!(apply(&old, &delta).expect("applies"), new.as_bytes());
    assert!(delta.len() < new.as_bytes().len() / 10, "{} of {}", delta.len(), new.as_bytes().len());
}

#[test]
fn a_delta_is_for_one_store() {
    let (old, new, other) = (numbered(50, &[3]), numbered(50, &[]), numbered(50, &[7]));
    let delta = make(&old, &new).expect("a delta");
    let error = apply(&other, &delta).expect_err("another store");
    assert!(matches!(error, DeltaError::WrongBase { .. }), "{error}");
    // The same with a base that only says that it is the right one.
    let lie = [delta.get(..16).expect("head"), &root(other.digest()), delta.get(48..).expect("rest")].concat();
    let error = apply(&other, &lie).expect_err("another store");
    assert!(matches!(error, DeltaError::Damaged(_) | DeltaError::WrongResult { .. }), "{error}");
}

#[test]
fn a_damaged_delta_leads_nowhere() {
    let (old, new) = (numbered(200, &[3, 77]), numbered(200, &[100]));
    let delta = make(&old, &new).expect("a delta");
    for length in (0..delta.len()).step_by(7) {
        assert!(apply(&old, &delta[..length]).is_err(), "cut at {length}");
    }
    let mut longer = delta.clone();
    longer.push(0);
    assert!(apply(&old, &longer).is_err());
    for at in (0..delta.len()).step_by(3) {
        let mut damaged = delta.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(bytes) = apply(&old, &damaged) {
            assert_eq!(bytes, new.as_bytes(), "what is accepted is right: byte {at}");
        }
    }
}

/// A section that says it has gigabytes is refused before they are made.
#[test]
fn promised_lengths_are_not_believed() {
    let (old, new) = (numbered(20, &[3]), numbered(20, &[]));
    let delta = make(&old, &new).expect("a delta");
    let lie = [delta.get(..HEAD).expect("head"), &[0xff; 4], delta.get(HEAD + 4..).expect("rest")].concat();
    let error = apply(&old, &lie).expect_err("too long");
    assert!(matches!(error, DeltaError::Damaged("a section is too long")), "{error}");
    let mut bomb = delta.get(..HEAD).expect("head").to_vec();
    section::write(&mut bomb, &[], &vec![0; section::MAX_PLAN_BYTES]).expect("writes");
    assert!(apply(&old, &bomb).is_err());
}

/// The embedded store, which has real records of many sources, against itself with one source renewed.
#[test]
fn real_records_survive_the_way() {
    let embedded = Store::embedded().expect("opens");
    let records = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory/records");
    let (bytes, _) = compile(&[records], ImportOptions::default()).expect("compiles");
    let other = Store::from_memory(bytes).expect("opens");
    for (old, new) in [(&embedded, &other), (&other, &embedded), (&embedded, &embedded)] {
        let delta = make(old, new).expect("a delta");
        assert!(apply(old, &delta).expect("applies") == new.as_bytes());
    }
}
