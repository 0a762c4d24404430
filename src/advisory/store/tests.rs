//! Hostile stores: damaged, truncated, and consistent but wrong. None may panic, loop or allocate beyond its limits.

use proptest::prelude::*;
use sha2::Digest as _;

use super::format::{self, FORMAT};
use super::table::{self, Block, MAX_BLOCK_BYTES};
use super::*;
use crate::advisory::feed::osv::translate;
use crate::advisory::feed::{Draft, Translated};
use crate::advisory::osv::Record;

const PROLOGUE: usize = 36;
const ROOT_END: usize = PROLOGUE + 32;

fn draft(json: &str) -> Draft {
    match translate(&Record::parse(json.as_bytes()).expect("a record")) {
        Translated::Kept(draft) => *draft,
        other => panic!("{other:?}"),
    }
}

fn small_store() -> Vec<u8> {
    let mut compiler = Compiler::default();
    compiler.set_sources(vec![SourceTotals {
        source: Source { name: "test".to_owned(), ..Source::default() },
        newest: Some(1_700_000_000),
        ..SourceTotals::default()
    }]);
    for number in 0..5 {
        let json = format!(
            r#"{{"id":"T-{number}","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2026-000{number}"],"affected":[
                {{"package":{{"ecosystem":"crates.io","name":"crate-{number}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{number}.0"}}]}}]}}]}}"#
        );
        compiler.add(draft(&json), 0).expect("fits");
    }
    compiler.add_withdrawn("T-9".to_owned(), None);
    compiler.finish().expect("compiles").0
}

/// Asks everything; errors are fine, panics are not.
fn ask_everything(bytes: Vec<u8>) -> Result<(), AdvisoryError> {
    let store = Store::from_memory(bytes)?;
    let answers = [
        store.verify(),
        store.packages().map(drop),
        store.rows("crates.io", "crate-3").map(drop),
        store.rows("", "").map(drop),
        store.advisory(3).map(drop),
        store.advisory(u32::MAX).map(drop),
        store.id("CVE-2026-0003").map(drop),
    ];
    answers.into_iter().collect()
}

/// Makes the root fit again, as an attacker would who hands out an unsigned store.
fn with_fitting_root(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = |at: usize| bytes.get(at..at + 8).and_then(|text| text.try_into().ok()).map(u64::from_le_bytes);
    let (Some(provenance), Some(index)) = (length(12), length(20)) else {
        return bytes;
    };
    let end = provenance.saturating_add(index).saturating_add(ROOT_END as u64).min(bytes.len() as u64) as usize;
    let mut root = sha2::Sha256::new();
    root.update(&bytes[..PROLOGUE.min(bytes.len())]);
    root.update(bytes.get(ROOT_END..end).unwrap_or_default());
    if let Some(place) = bytes.get_mut(PROLOGUE..ROOT_END) {
        place.copy_from_slice(&root.finalize());
    }
    bytes
}

#[test]
fn answers_are_what_was_put_in() {
    let store = Store::from_memory(small_store()).expect("opens");
    store.verify().expect("sound");
    let rows = store.rows("crates.io", "crate-3").expect("sound");
    let shown: Vec<(String, String)> = rows
        .iter()
        .map(|(number, row)| (store.advisory(*number).expect("there").id.clone(), row.intervals[0].to_string()))
        .collect();
    assert_eq!(shown, [("T-3".to_owned(), "< 1.3.0".to_owned())]);
    assert_eq!(store.packages().expect("sound").len(), 5);
    assert_eq!(store.id("T-9").expect("sound"), Some(IdEntry { records: vec![], withdrawn: Some(0) }));
    assert!(matches!(store.advisory(5), Err(AdvisoryError::Damaged(Damage::Reference))));
}

#[test]
fn every_flipped_bit_is_found() {
    let sound = small_store();
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(ask_everything(damaged).is_err(), "byte {at} of {}", sound.len());
    }
}

#[test]
fn every_truncation_is_found() {
    let sound = small_store();
    for length in 0..sound.len() {
        assert!(Store::from_memory(sound[..length].to_vec()).is_err(), "{length} bytes");
    }
    assert!(matches!(
        Store::from_memory([sound.as_slice(), b"x"].concat()),
        Err(AdvisoryError::Damaged(Damage::Length))
    ));
}

#[test]
fn other_files_and_formats_are_told_apart() {
    assert!(matches!(Store::from_memory(&b""[..]), Err(AdvisoryError::NotAStore)));
    assert!(matches!(
        Store::from_memory(&b"PK\x03\x04 some zip file, long enough to hold a prologue and a root digest"[..]),
        Err(AdvisoryError::NotAStore)
    ));
    let mut newer = small_store();
    newer[8] = 99;
    assert!(matches!(Store::from_memory(newer), Err(AdvisoryError::Format { found: 99, supported: FORMAT })));
}

#[test]
fn a_block_that_inflates_to_more_than_it_says_is_refused() {
    let bomb = zstd::bulk::compress(&vec![0; MAX_BLOCK_BYTES + 1], 1).expect("compresses");
    let block = |inflated: u32| Block {
        first_key: b"a\0b".to_vec(),
        sha256: sha2::Sha256::digest(&bomb).into(),
        stored: bomb.clone(),
        inflated,
    };
    for inflated in [10, MAX_BLOCK_BYTES as u32, MAX_BLOCK_BYTES as u32 + 1, u32::MAX] {
        let header = serde_json::to_vec(&Provenance::default()).expect("JSON");
        let bytes = format::assemble(
            &header,
            &std::array::from_fn(|table| if table == 0 { vec![block(inflated)] } else { vec![] }),
        )
        .expect("fits");
        let store = Store::from_memory(bytes).expect("opens");
        assert!(
            matches!(store.rows("a", "b"), Err(AdvisoryError::Damaged(Damage::Encoding | Damage::Index))),
            "{inflated}"
        );
    }
}

proptest! {
    /// Bytes of prologue, provenance and index changed at will, under a root that fits.
    #[test]
    fn a_consistent_lie_in_the_index_is_harmless(changes in prop::collection::vec((0usize..2000, any::<u8>()), 1..8)) {
        let mut bytes = small_store();
        for (at, value) in changes {
            let length = bytes.len();
            bytes[8 + at % (length - 8)] = value;
        }
        let _ = ask_everything(with_fitting_root(bytes));
    }

    /// Blocks of arbitrary content, correctly packed.
    #[test]
    fn arbitrary_content_is_harmless(mut pairs in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..12), prop::collection::vec(any::<u8>(), 0..64)), 0..20)) {
        pairs.push((3u32.to_be_bytes().to_vec(), vec![0xff; 9]));
        pairs.push((b"crates.io\0crate-3".to_vec(), pairs.first().map(|(_, value)| value.clone()).unwrap_or_default()));
        pairs.push((b"CVE-2026-0003".to_vec(), vec![0xff, 0xff, 0xff, 0xff, 0x0f]));
        pairs.sort();
        let header = serde_json::to_vec(&Provenance::default()).expect("JSON");
        let pack = || table::pack(&pairs).expect("packs");
        let _ = ask_everything(format::assemble(&header, &std::array::from_fn(|_| pack())).expect("fits"));
    }
}
