//! The house stays a street: a room may know only the rooms that come before it in the flow.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in the order data flows. A room may import from those before it and from itself.
const ORDER: &[&str] = &[
    "digest",
    "diagnostics",
    "dockerfile",
    "shell",
    "version",
    "oci",
    "reference",
    "workload",
    "net",
    "source",
    "layer",
    "nested",
    "facts",
    "inspect",
    "secret",
    "advisory",
    "sign",
    "artifact",
    "finding",
    "base",
    "lint",
    "check",
    "policy",
    "report",
    "scan",
    "harden",
    "cli",
];

/// Arrows that go the other way, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("source", "layer", "a folder and an archive give and read entries, which are the layer room's types")];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn rooms_know_only_earlier_rooms() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let place: BTreeMap<&str, usize> = ORDER.iter().enumerate().map(|(index, room)| (*room, index)).collect();
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for file in all {
        let relative = file.strip_prefix(&src).unwrap();
        let room = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if ["main", "lib"].contains(&room) {
            continue;
        }
        let own = *place.get(room).unwrap_or_else(|| panic!("the room `{room}` is not in the order"));
        let text = fs::read_to_string(&file).unwrap();
        for import in text.split("crate::").skip(1) {
            let other: String = import.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let Some(known) = place.get(other.as_str()) else { continue };
            arrows += 1;
            let excepted = EXCEPTIONS.iter().any(|(from, to, _)| *from == room && *to == other);
            if *known > own && !excepted {
                wrong.push(format!("{} knows `{other}`", relative.display()));
            }
        }
    }
    assert!(arrows > 50, "imports were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
