//! dpkg and apk databases of real distributions against the lists that their own tools print.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/shared.rs"]
mod shared;

use std::collections::BTreeSet;
use std::path::Path;

use imgguard::facts::{Fact, PackageFact};
use imgguard::inspect::INSPECTORS;
use imgguard::layer::{Entry, EntryKind, FileView};

/// What the inspector that wants `path` says of `bytes`.
fn inspect(path: &str, bytes: &[u8]) -> Vec<Fact> {
    let size = bytes.len() as u64;
    let entry = Entry {
        path: path.as_bytes(),
        kind: EntryKind::File,
        size,
        mode: 0o644,
        uid: 0,
        gid: 0,
        link: b"",
        capability: None,
    };
    let head = &bytes[..bytes.len().min(512)];
    let inspector = INSPECTORS
        .iter()
        .find(|inspector| inspector.wants(&entry, head))
        .unwrap_or_else(|| panic!("nobody wants {path}"));
    let mut facts = Vec::new();
    inspector.inspect(&FileView::in_memory(entry, bytes), &mut facts).unwrap();
    facts
}

fn packages(facts: Vec<Fact>) -> Vec<PackageFact> {
    facts.into_iter().filter_map(|fact| if let Fact::Package(package) = fact { Some(package) } else { None }).collect()
}

/// `package version arch source source-version`, as dpkg-query prints it.
fn row(package: &PackageFact) -> String {
    let (source, version) = package.source_or_self();
    [&package.name, &package.version, package.arch.as_deref().unwrap_or_default(), source, version].join("\t")
}

/// The golden rows of installed packages, without the status column.
fn golden(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let installed = text.lines().filter(|line| {
        !line.starts_with('#')
            && line
                .split('\t')
                .nth(5)
                .is_none_or(|status| status.contains("installed") || status == "ii" || status.starts_with("ii"))
    });
    installed.map(|line| line.split('\t').take(5).collect::<Vec<_>>().join("\t")).collect()
}

#[test]
fn dpkg_names_what_dpkg_query_names() {
    let Some(shared) = shared::folder("data/pkgdb") else { return };
    for (release, count) in [("bullseye", 96), ("bookworm", 96), ("trixie", 78), ("bookworm-lang", 503)] {
        let folder = shared.join("debian").join(release);
        let status = folder.join("var/lib/dpkg/status");
        let bytes = if status.exists() {
            std::fs::read(status).unwrap()
        } else {
            zstd::decode_all(std::fs::File::open(status.with_extension("zst")).unwrap()).unwrap()
        };
        let ours: BTreeSet<String> = packages(inspect("var/lib/dpkg/status", &bytes)).iter().map(row).collect();
        assert_eq!(ours.len(), count, "{release}");
        assert_eq!(ours, golden(&folder.join("expected.tsv")), "{release}");
        accuracy::listed("dpkg-query", &format!("Debian {release}"), count);
    }
}

#[test]
fn distroless_folders_name_their_packages() {
    let Some(shared) = shared::folder("data/pkgdb") else { return };
    let folder = shared.join("debian/distroless-style/var/lib/dpkg/status.d");
    let mut names = BTreeSet::new();
    let mut owned = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let facts = inspect(&format!("var/lib/dpkg/status.d/{name}"), &std::fs::read(&path).unwrap());
        owned += facts.iter().filter(|fact| matches!(fact, Fact::Owned(files) if !files.paths.is_empty())).count();
        names.extend(packages(facts).into_iter().map(|package| package.name));
    }
    assert_eq!(names.len(), 15);
    assert!(names.contains("libssl3") && names.contains("python3.11-minimal"));
    assert!(owned >= 14, "{owned}");
}

#[test]
fn apk_names_every_record_of_every_release() {
    let Some(shared) = shared::folder("data/pkgdb") else { return };
    let mut releases = 0;
    for entry in std::fs::read_dir(shared.join("alpine")).unwrap() {
        let entry = entry.unwrap();
        let (release, file) = (entry.file_name(), entry.path().join("lib/apk/db/installed"));
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        // apk's own answer is one record a `P:` line; its version and origin stand in the same paragraph.
        let field = |paragraph: &str, letter: &str| {
            paragraph.lines().find_map(|line| line.strip_prefix(letter)).unwrap_or_default().to_owned()
        };
        let expected: BTreeSet<_> = text
            .split("\n\n")
            .filter(|p| !p.trim().is_empty())
            .map(|p| (field(p, "P:"), field(p, "V:"), field(p, "A:"), field(p, "o:")))
            .collect();
        let ours: BTreeSet<_> = packages(inspect("lib/apk/db/installed", &bytes))
            .into_iter()
            .map(|package| {
                let origin = package.source_or_self().0.to_owned();
                (package.name, package.version, package.arch.unwrap_or_default(), origin)
            })
            .collect();
        assert!((13..=15).contains(&ours.len()), "{}", file.display());
        assert_eq!(ours, expected, "{}", file.display());
        accuracy::listed("apk's own records", &format!("Alpine {}", release.to_string_lossy()), ours.len());
        releases += 1;
    }
    assert!(releases >= 15, "{releases}");
}
