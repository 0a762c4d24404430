//! The store inside the program.

use std::fs;

use imgguard::advisory::{Data, import};

use super::*;

/// The ecosystems whose licences allow to ship their records inside the program.
const EMBEDDED: [&str; 6] = ["AlmaLinux", "Bitnami", "Go", "PyPI", "RubyGems", "crates.io"];

/// Remakes `data/advisories.store` with `UPDATE_STORE=1 cargo test --test advisories embedded_store`; else it must be what the shared data give.
#[test]
fn the_embedded_store_is_what_its_sources_give() {
    let Some(root) = shared::folder("data/osv") else {
        return;
    };
    let inputs: Vec<PathBuf> = EMBEDDED.iter().map(|name| root.join(name)).collect();
    let (bytes, report) =
        compile(&inputs, ImportOptions { redistributable_only: true, ..ImportOptions::default() }).expect("imports");
    assert!(bytes.len() < 4 << 20, "{} bytes are more than the program may grow", bytes.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/advisories.store");
    if std::env::var_os("UPDATE_STORE").is_some() {
        let report = import(&inputs, &path, ImportOptions { redistributable_only: true, ..ImportOptions::default() })
            .expect("written");
        eprintln!("{}: {} bytes, {}", path.display(), report.bytes, report.digest);
        return;
    }
    let embedded = Store::embedded().expect("the program's store opens; if it is empty, make it with UPDATE_STORE=1");
    assert_eq!(embedded.digest(), &report.digest, "run `UPDATE_STORE=1 cargo test --test advisories embedded_store`");
}

#[test]
fn the_embedded_store_is_sound_and_every_source_is_in_the_notice() {
    if std::env::var_os("UPDATE_STORE").is_some() {
        return; // being remade
    }
    let store = Store::embedded().expect("opens");
    store.verify().expect("every block is sound");
    let names: Vec<&str> = store.provenance().sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, EMBEDDED);
    let notice = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("NOTICE")).expect("NOTICE");
    for source in &store.provenance().sources {
        let date = source.modified.as_deref().and_then(|date| date.get(..10)).expect("a date");
        assert!(notice.contains(&source.name) && notice.contains(date), "{} of {date} in NOTICE", source.name);
        assert!(
            source.licenses.iter().all(|license| notice.contains(license)),
            "licences of {} in NOTICE",
            source.name
        );
    }
    assert_eq!(store.provenance().ecosystem("crates.io").map(|known| known.data), Some(Data::Full));
    assert_eq!(store.provenance().ecosystem("AlmaLinux:9").map(|known| known.data), Some(Data::FixedOnly));
}

#[test]
fn opening_reads_only_the_index() {
    if std::env::var_os("UPDATE_STORE").is_some() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/advisories.store");
    let started = std::time::Instant::now();
    let store = Store::open(&path).expect("opens");
    let opened = started.elapsed();
    let packages = store.packages().expect("sound");
    let started = std::time::Instant::now();
    let store = Store::open(&path).expect("opens");
    let mut rows = 0;
    for (ecosystem, name) in packages.iter().step_by((packages.len() / 1000).max(1)).take(1000) {
        rows += store.rows(ecosystem, name).expect("sound").len();
    }
    eprintln!("open {opened:?}; open and 1000 cold look-ups {:?} ({rows} rows)", started.elapsed());
    assert!(rows >= 1000);
}
