//! Our tar parser against Go's `archive/tar`, with which container engines unpack: same entries, same content, same refusals.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[path = "tar_differential/cases.rs"]
mod cases;
#[path = "tar_differential/deviations.rs"]
mod deviations;
#[path = "tar_differential/generate.rs"]
mod generate;
#[path = "tar_differential/writer.rs"]
mod writer;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::layer::tar::{EntryKind, Header, Parser, Sink, TarError};
use proptest::prelude::*;
use sha2::Digest as _;

use crate::cases::cases;
use crate::generate::Random;
use crate::writer::Block;

/// Writes what the parser says in the oracle's words.
#[derive(Default)]
struct Lines {
    text: String,
    head: String,
    capability: String,
    hash: sha2::Sha256,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sink for Lines {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        let kind = match header.kind {
            EntryKind::Regular => '0',
            EntryKind::HardLink => '1',
            EntryKind::Symlink => '2',
            EntryKind::CharDevice => '3',
            EntryKind::BlockDevice => '4',
            EntryKind::Directory => '5',
            EntryKind::Fifo => '6',
        };
        self.head = format!(
            "{kind} {} {} {} {:o} {} {}",
            hex(header.path),
            hex(header.link_target),
            header.size,
            header.mode,
            header.uid,
            header.gid
        );
        self.capability = hex(header.capability.unwrap_or_default());
        self.hash = sha2::Sha256::default();
        ControlFlow::Continue(())
    }
    fn data(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }
    fn hole(&mut self, mut length: u64) {
        let zeros = [0; 8192];
        while length > 0 {
            let n = length.min(8192);
            self.hash.update(&zeros[..n as usize]);
            length -= n;
        }
    }
    fn end_entry(&mut self) {
        let hash = std::mem::take(&mut self.hash).finalize();
        writeln!(self.text, "{} {} {}", self.head, hex(&hash), self.capability).unwrap();
    }
}

/// What we say of an archive, fed in pieces of the given lengths in turn.
fn ours(archive: &[u8], pieces: &[usize]) -> String {
    let mut lines = Lines::default();
    let outcome = parse(archive, pieces, &mut lines);
    lines.text.push_str(if outcome.is_ok() { "END\n" } else { "ERROR\n" });
    lines.text
}

fn parse(archive: &[u8], pieces: &[usize], sink: &mut Lines) -> Result<(), TarError> {
    let mut parser = Parser::new();
    let mut rest = archive;
    let mut lengths = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let n = lengths.next().unwrap_or(rest.len()).clamp(1, rest.len());
        parser.push(&rest[..n], sink)?;
        rest = &rest[n..];
    }
    parser.finish().map(|_| ())
}

struct Oracle(PathBuf, #[expect(dead_code, reason = "keeps the folder")] tempfile::TempDir);

impl Oracle {
    fn build() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("oracle");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tar/oracle");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&binary)
            .arg(".")
            .current_dir(source)
            .env("GOFLAGS", "-mod=mod")
            .output();
        match built {
            Ok(output) if output.status.success() => Some(Self(binary, folder)),
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => {
                skipped!("go is absent");
                None
            }
        }
    }

    /// What Go says of each archive, in the order given.
    fn describe(&self, archives: &[(String, Vec<u8>)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (index, (_, archive)) in archives.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{index}.tar")), archive).unwrap();
        }
        let output = Command::new(&self.0).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut answers = vec![String::new(); archives.len()];
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Said = serde_json::from_slice(line).unwrap();
            let (Said::Entry { archive, .. } | Said::End { archive, .. }) = &line;
            let index: usize = archive.strip_suffix(".tar").unwrap().parse().unwrap();
            answers[index].push_str(&line.to_string());
        }
        answers
    }
}

/// A line of the oracle.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Said {
    Entry {
        archive: String,
        name: String,
        link: String,
        #[serde(rename = "type")]
        kind: u8,
        size: u64,
        mode: u32,
        uid: u32,
        gid: u32,
        capability: String,
        sha256: String,
    },
    End {
        archive: String,
        end: String,
    },
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End { end, .. } => writeln!(f, "{}", if end == "ok" { "END" } else { "ERROR" }),
            Self::Entry { name, link, kind, size, mode, uid, gid, capability, sha256, .. } => {
                // Contiguous and old GNU sparse files are plain files to whoever reads them.
                let kind = if matches!(kind, b'7' | b'S') { '0' } else { char::from(*kind) };
                writeln!(f, "{kind} {name} {link} {size} {mode:o} {uid} {gid} {sha256} {capability}")
            }
        }
    }
}

/// Archives that GNU tar and Python write of one folder.
fn written_by_tools() -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir_all(tree.join(format!("deep/{}", "d".repeat(120)))).unwrap();
    std::fs::write(tree.join(format!("deep/{}/{}", "d".repeat(120), "f".repeat(120))), b"long").unwrap();
    std::fs::write(tree.join("b\u{e4}r"), b"unicode").unwrap();
    std::fs::write(tree.join("plain"), vec![b'p'; 3000]).unwrap();
    std::fs::hard_link(tree.join("plain"), tree.join("hard")).unwrap();
    std::os::unix::fs::symlink("t".repeat(150), tree.join("soft")).unwrap();
    let sparse = std::fs::File::create(tree.join("sparse")).unwrap();
    sparse.set_len(2_000_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 1_000_000).unwrap();
    let mut archives = Vec::new();
    for format in ["v7", "ustar", "gnu", "oldgnu", "pax"] {
        for sparse in ["", "--sparse", "--sparse-version=0.0", "--sparse-version=0.1"] {
            let mut command = Command::new("tar");
            command.args(["-cf", "-", "--format", format]);
            if !sparse.is_empty() {
                command.arg("--sparse").arg(sparse);
            }
            let output = command.arg("-C").arg(folder.path()).arg("tree").output();
            match output {
                Ok(output) => archives.push((format!("gnu-tar-{format}{sparse}"), output.stdout)),
                Err(_) => skipped!("tar is absent"),
            }
        }
    }
    for format in ["USTAR", "GNU", "PAX"] {
        let script = format!(
            "import tarfile,sys; t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|',format=tarfile.{format}_FORMAT,errors='surrogateescape'); t.add('plain'); t.add('soft') if '{format}'!='USTAR' else None; t.add('hard'); t.close()"
        );
        match Command::new("python3").args(["-c", &script]).current_dir(&tree).output() {
            Ok(output) => archives.push((format!("python-{format}"), output.stdout)),
            Err(_) => skipped!("python3 is absent"),
        }
    }
    archives
}

/// Byte flips and cuts of the cases, from a fixed seed.
fn damaged(cases: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut out = Vec::new();
    for (name, archive) in cases.iter().filter(|(_, archive)| (1..20_000).contains(&archive.len())) {
        for round in 0..12 {
            let mut changed = archive.clone();
            for _ in 0..=random(3) {
                let at = random(changed.len());
                changed[at] = match random(4) {
                    0 => 0,
                    1 => b'0' + random(8) as u8,
                    2 => 0xff,
                    _ => random(256) as u8,
                };
            }
            // A header whose checksum no longer fits is refused by both for that alone; fitting it again reaches deeper.
            for start in (0..changed.len().saturating_sub(511)).step_by(512) {
                let block: [u8; 512] = changed[start..start + 512].try_into().unwrap();
                if &block[257..262] == b"ustar" {
                    changed[start..start + 512].copy_from_slice(&Block(block).seal().0);
                }
            }
            if round % 4 == 3 {
                let length = random(changed.len());
                changed.truncate(length);
            }
            out.push((format!("{name}~{round}"), changed));
        }
    }
    out
}

/// How many archives come from seeds.
const GENERATED: u64 = 4000;

/// The archive of a seed; two of three are damaged.
fn generated(seed: u64) -> (String, Vec<u8>) {
    let mut archive = generate::archive(seed);
    let mut random = Random::new(!seed);
    if !seed.is_multiple_of(3) {
        generate::damage(&mut archive, &mut random);
    }
    (format!("seed {seed}"), archive)
}

#[test]
fn go_reads_the_same_entries() {
    let Some(oracle) = Oracle::build() else { return };
    let mut archives = cases();
    archives.extend(written_by_tools());
    archives.extend(damaged(&archives.clone()));
    archives.extend((0..GENERATED).map(generated));
    assert!(archives.len() > 900 + GENERATED as usize, "{}", archives.len());
    let answers = oracle.describe(&archives);
    let mut wrong = Vec::new();
    let mut accepted = 0;
    for ((name, archive), go) in archives.iter().zip(&answers) {
        let us = ours(archive, &[usize::MAX]);
        accepted += usize::from(us.ends_with("END\n"));
        if go != &us {
            wrong.push(format!("{name}\n  go:\n{go}  us:\n{us}"));
        }
    }
    assert!(accepted > 300, "{accepted}");
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), archives.len(), wrong[..wrong.len().min(12)].join("\n"));
}

#[test]
fn splits_change_nothing() {
    let mut archives = cases();
    archives.extend(damaged(&archives.clone()));
    for (name, archive) in archives.iter().filter(|(_, archive)| archive.len() < 30_000) {
        let whole = ours(archive, &[usize::MAX]);
        for pieces in [&[1][..], &[511], &[512, 1], &[513, 7, 100], &[1024]] {
            assert_eq!(ours(archive, pieces), whole, "{name} {pieces:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), seal in any::<bool>()) {
        if seal && bytes.len() >= 512 {
            let block: [u8; 512] = bytes[..512].try_into().unwrap();
            bytes[..512].copy_from_slice(&Block(block).seal().0);
        }
        let whole = ours(&bytes, &[usize::MAX]);
        prop_assert_eq!(ours(&bytes, &[97]), whole);
    }
}
