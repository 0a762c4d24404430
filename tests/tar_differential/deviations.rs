//! How GNU tar and the `tar` crate read the named archives, where that is not what the engines unpack: the table of `docs/tar-deviations.md`.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use imgguard::layer::tar::{EntryKind, Header, Parser, Sink};

use crate::cases::cases;

/// The version whose column stands in the page; another one may differ.
const GNU_TAR: &str = "tar (GNU tar) 1.34";

/// Longest file that is read here: some of the archives claim holes of terabytes.
const MAX_READ: u64 = 1 << 20;

/// The files that a reader hands out, in order, and whether it took the archive to its end.
#[derive(Debug, Default)]
struct Reading {
    files: Vec<File>,
    refused: bool,
}

#[derive(Debug, Default)]
struct File {
    name: Vec<u8>,
    size: u64,
    /// Of the whole content; none where a reader does not show the holes of sparse files.
    content: Option<u64>,
    /// Of what is left without holes; none where a reader does not tell.
    data: Option<u64>,
}

impl File {
    fn is_as(&self, other: &Self) -> bool {
        let differ = |a: Option<u64>, b: Option<u64>| a.is_some() && b.is_some() && a != b;
        self.name == other.name
            && self.size == other.size
            && !differ(self.content, other.content)
            && !differ(self.data, other.data)
    }
}

impl Reading {
    fn is_as(&self, other: &Self) -> bool {
        let same = |(a, b): (&File, &File)| a.is_as(b);
        self.refused == other.refused
            && self.files.len() == other.files.len()
            && self.files.iter().zip(&other.files).all(same)
    }

    fn shown(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            let _ = write!(text, "{} ({} B), ", short(&file.name), file.size);
        }
        text.push_str(match (self.refused, self.files.is_empty()) {
            (true, true) => "refused",
            (true, false) => "then refused",
            (false, true) => "no files",
            (false, false) => return text.trim_end_matches(", ").to_owned(),
        });
        text
    }
}

fn short(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(&name[..name.len().min(24)]).escape_debug().to_string();
    format!("`{}`", name.replace('|', "\\|"))
}

fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

#[derive(Default)]
struct Ours {
    reading: Reading,
    current: Option<(File, Vec<u8>, Vec<u8>)>,
}

impl Sink for Ours {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        let file = File { name: header.path.to_vec(), size: header.size, ..File::default() };
        self.current = (header.kind == EntryKind::Regular).then(|| (file, Vec::new(), Vec::new()));
        ControlFlow::Continue(())
    }
    fn data(&mut self, bytes: &[u8]) {
        if let Some((_, content, data)) = &mut self.current {
            content.extend_from_slice(bytes);
            data.extend_from_slice(bytes);
        }
    }
    fn hole(&mut self, length: u64) {
        if let Some((_, content, _)) = &mut self.current {
            content.resize(content.len() + length.min(MAX_READ) as usize, 0);
        }
    }
    fn end_entry(&mut self) {
        if let Some((file, content, data)) = self.current.take() {
            self.reading.files.push(File { content: Some(hash(&content)), data: Some(hash(&data)), ..file });
        }
    }
}

fn ours(archive: &[u8]) -> Reading {
    let (mut parser, mut sink) = (Parser::new(), Ours::default());
    let outcome = parser.push(archive, &mut sink).and_then(|()| parser.finish());
    Reading { refused: outcome.is_err(), ..sink.reading }
}

fn tar_crate(archive: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut walk = || -> std::io::Result<()> {
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                let mut content = Vec::new();
                let (name, size) = (entry.path_bytes().into_owned(), entry.size());
                entry.by_ref().take(MAX_READ).read_to_end(&mut content)?;
                reading.files.push(File { name, size, content: Some(hash(&content)), data: None });
            }
        }
        Ok(())
    };
    let refused = walk().is_err();
    Reading { refused, ..reading }
}

/// GNU tar hands each file to a command, which writes it down; what it hands over of a sparse file is not its content.
fn gnu_tar(archive: &[u8]) -> Reading {
    let folder = tempfile::tempdir().unwrap();
    let archive_file = folder.path().join("a.tar");
    std::fs::write(&archive_file, archive).unwrap();
    let script = r#"n=$(ls "$OUT" | wc -l); printf '%s' "$TAR_REALNAME" >"$OUT/$n.name"; printf '%s' "$TAR_SIZE" >"$OUT/$((n + 1)).size"; head -c 1048576 >"$OUT/$((n + 2)).data"; cat >/dev/null"#;
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    // GNU tar does not wait for the script when it gives up; what both may write to ends when both have ended.
    let status = Command::new("tar")
        .args(["--absolute-names", "--to-command", script, "-xf"])
        .arg(&archive_file)
        .current_dir(folder.path())
        .env("OUT", &out)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap()
        .status;
    let mut files = Vec::new();
    for number in (0..).step_by(3) {
        let Ok(name) = std::fs::read(out.join(format!("{number}.name"))) else { break };
        let size = std::fs::read_to_string(out.join(format!("{}.size", number + 1))).unwrap();
        let data = std::fs::read(out.join(format!("{}.data", number + 2))).unwrap();
        let size: u64 = size.parse().unwrap();
        files.push(File { name, size, content: None, data: (data.len() as u64 == size).then(|| hash(&data)) });
    }
    Reading { files, refused: !status.success() }
}

fn page() -> String {
    let mut page = String::from(
        "# How other readers of tar differ\n\n\
         Container engines unpack layers with Go's `archive/tar`; `tests/tar_differential.rs` holds our parser to it on these archives and thousands of\n\
         others. A scanner that reads them with another library can be shown other files than the engine unpacks. Each row is one of the archives of\n\
         `tests/tar_differential/cases.rs` that the `tar` crate or GNU tar 1.34 reads in another way; `=` is the same. Files only: names, sizes, contents.\n\
         Generated by `UPDATE_DOCS=1 cargo test --test tar_differential deviations`.\n\n\
         | archive | engines and imgguard | `tar` crate | GNU tar |\n|---|---|---|---|\n",
    );
    for (name, archive) in cases() {
        let (ours, tar_crate, gnu_tar) = (ours(&archive), tar_crate(&archive), gnu_tar(&archive));
        let column = |other: &Reading| match other {
            other if other.is_as(&ours) => "=".to_owned(),
            other if other.shown() == ours.shown() => format!("{}, other content", other.shown()),
            other => other.shown(),
        };
        if !tar_crate.is_as(&ours) || !gnu_tar.is_as(&ours) {
            let _ = writeln!(page, "| {name} | {} | {} | {} |", ours.shown(), column(&tar_crate), column(&gnu_tar));
        }
    }
    page
}

#[test]
fn deviations_are_listed() {
    let version = Command::new("tar").arg("--version").output();
    if !version.is_ok_and(|output| output.stdout.starts_with(GNU_TAR.as_bytes())) {
        skipped!("{GNU_TAR} is absent");
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tar-deviations.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), page, "run again with UPDATE_DOCS=1");
}
