//! What `cargo auditable` leaves in a program: its crates as JSON, compressed with zlib, in a section of their own.
//!
//! Source: cargo-auditable's `PARSING.md` and its JSON schema.

use std::io::Read as _;

use serde::Deserialize;

use super::super::InspectError;
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{ReadAt as _, Slice};

/// Name of the section in ELF, PE and Mach-O.
pub(super) const SECTION: &[u8] = b".dep-v0";

/// Longest record as stored; a thousand crates have 20 KiB.
const MAX_STORED_BYTES: u64 = 4 << 20;

/// Longest record when inflated.
const MAX_JSON_BYTES: u64 = 32 << 20;

#[derive(Deserialize)]
struct Record {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    /// `build` for what only the build used (build scripts and macros), absent or `runtime` for what is in the program.
    #[serde(default)]
    kind: String,
}

/// The crates that are in the program, of the record at `place`. Those from a folder have the version that their project gave them, under a name that need not
/// be theirs at crates.io.
pub(super) fn crates(file: Slice<'_>, place: (u64, u64)) -> Result<Vec<Fact>, InspectError> {
    let stored = file.part(place.0, place.1);
    if stored.len() > MAX_STORED_BYTES {
        return Err(InspectError::TooLarge { size: stored.len(), limit: MAX_STORED_BYTES });
    }
    let mut bytes = vec![0; usize::try_from(stored.len()).unwrap_or(0)];
    stored.read_exact_at(0, &mut bytes)?;
    let record: Record = serde_json::from_slice(&inflate(&bytes)?)?;
    let fact = |found: Crate| {
        let package = PackageFact::new(PackageKind::Cargo, found.name, found.version);
        if found.source == "local" { Fact::Program(package) } else { Fact::Package(package) }
    };
    Ok(record.packages.into_iter().filter(|found| found.kind != "build").map(fact).collect())
}

/// Linkers may fill the section up with zeros, which come after the compressed data's end.
fn inflate(stored: &[u8]) -> Result<Vec<u8>, InspectError> {
    let mut json = Vec::new();
    let inflated = flate2::read::ZlibDecoder::new(stored).take(MAX_JSON_BYTES + 1).read_to_end(&mut json);
    inflated.map_err(|_| InspectError::Malformed("its record of crates does not inflate"))?;
    if json.len() as u64 > MAX_JSON_BYTES {
        return Err(InspectError::TooLarge { size: json.len() as u64, limit: MAX_JSON_BYTES });
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn record(json: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(json).unwrap();
        encoder.finish().unwrap()
    }

    fn read(stored: &[u8]) -> Result<Vec<Fact>, InspectError> {
        let stored = &stored;
        crates(Slice::whole(stored), (0, u64::MAX))
    }

    #[test]
    fn crates_that_only_the_build_used_are_left_out() {
        let json = br#"{"packages":[{"name":"a","version":"1.0.0","source":"crates.io"},{"name":"b","version":"1.0.0","source":"crates.io","kind":"build"},
                       {"name":"c","version":"0.1.0","source":"local","root":true,"dependencies":[0]}],"format":8}"#;
        let mut stored = record(json);
        stored.extend([0; 16]);
        let facts = read(&stored).unwrap();
        let package = |name: &str, version: &str| PackageFact::new(PackageKind::Cargo, name, version);
        assert_eq!(facts, [Fact::Package(package("a", "1.0.0")), Fact::Program(package("c", "0.1.0"))]);
    }

    #[test]
    fn damaged_and_endless_records_are_refused() {
        assert!(matches!(read(b"no zlib"), Err(InspectError::Malformed(_))));
        assert!(matches!(read(&record(b"{")), Err(InspectError::Json(_))));
        let zeros = vec![b' '; MAX_JSON_BYTES as usize + 1];
        assert!(matches!(read(&record(&zeros)), Err(InspectError::TooLarge { .. })));
    }
}
