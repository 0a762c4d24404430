//! The secret scan in memory: `cargo bench --bench secrets -- FOLDER…`. Prints CPU times of this process, and fails where a limit is passed.
//!
//! What is scanned: the text files of the folders (the system's Python without any), up to 200 MB, read before the clock starts. What it is compared with, in the
//! same run and on the same bytes: the aho-corasick DFA over the same keywords, which is the fastest that crate has for so many.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use imgguard::secret::{Scanner, Scratch};

/// Bytes of files that are scanned.
const MAX_BYTES: usize = 200 << 20;

/// Files as they are in images: larger ones are data.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// Least bytes a second on text, and least share of the automaton's speed.
const LEAST_SPEED: f64 = 300e6;
const LEAST_RATIO: f64 = 0.6;

const ROUNDS: usize = 5;

/// CPU time of this process, user and system.
fn cpu() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).try_into().unwrap()
}

/// The text files below a folder: those without a zero in their first bytes.
fn read(folder: &Path, files: &mut Vec<(String, Vec<u8>)>, left: &mut usize) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            read(&path, files, left);
        } else if kind.is_file() && entry.metadata().is_ok_and(|metadata| metadata.len() <= MAX_FILE_BYTES) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let is_text = !bytes.iter().take(8000).any(|byte| *byte == 0);
            if is_text && bytes.len() <= *left {
                *left -= bytes.len();
                files.push((path.display().to_string(), bytes));
            }
        }
    }
}

/// The keywords of all rules, from their files.
fn keywords() -> Vec<String> {
    let mut keywords = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/secrets")).unwrap() {
        let file: toml::Table = toml::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        let rules = file.get("rules").and_then(toml::Value::as_array).into_iter().flatten();
        let of_rules = rules.filter_map(|rule| rule.get("keywords")?.as_array()).flatten();
        keywords.extend(of_rules.filter_map(|keyword| keyword.as_str().map(str::to_owned)));
    }
    keywords.sort();
    keywords.dedup();
    keywords
}

/// CPU seconds of the fastest round.
fn fastest(mut work: impl FnMut() -> usize) -> (f64, usize) {
    let mut best = (f64::MAX, 0);
    for _ in 0..ROUNDS {
        let before = cpu();
        let count = work();
        best = (best.0.min((cpu() - before).as_secs_f64()), count);
    }
    best
}

fn main() {
    let folders: Vec<PathBuf> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").map(PathBuf::from).collect();
    let folders = if folders.is_empty() { vec![PathBuf::from("/usr/lib/python3")] } else { folders };
    let (mut files, mut left) = (Vec::new(), MAX_BYTES);
    folders.iter().for_each(|folder| read(folder, &mut files, &mut left));
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    if bytes == 0 {
        println!("SKIPPED: no text files in {folders:?}");
        return;
    }
    let keywords = keywords();
    let automaton =
        AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).ascii_case_insensitive(true).build(&keywords).unwrap();
    let scanner = Scanner::builtin();
    let mut scratch = Scratch::default();
    let mut scan = scanner.scan(&mut scratch);
    let (dfa, hits) = fastest(|| files.iter().map(|(_, bytes)| automaton.find_overlapping_iter(bytes).count()).sum());
    let (engine, found) = fastest(|| {
        let one = |(path, bytes): &(String, Vec<u8>)| {
            scan.begin(path.as_bytes(), bytes.len() as u64);
            scan.feed(bytes);
            scan.finish().len()
        };
        files.iter().map(one).sum()
    });
    let speed = |seconds: f64| bytes as f64 / seconds;
    println!("{} text files, {:.1} MB, {} keywords", files.len(), bytes as f64 / 1e6, keywords.len());
    println!("automaton: {:.0} MB/s, {hits} hits", speed(dfa) / 1e6);
    println!("scan: {:.0} MB/s (at least {:.0}), {found} secrets", speed(engine) / 1e6, LEAST_SPEED / 1e6);
    println!("ratio: {:.2} (at least {LEAST_RATIO})", dfa / engine);
    assert!(dfa / engine >= LEAST_RATIO && speed(engine) >= LEAST_SPEED, "the scan is too slow");
}
