//! The merged view against what is there when the same layers are unpacked by umoci: generated stacks with everything that layers can do to each other.
//!
//! Every seed is scanned by the whole program, whose cache gives the facts of each layer; the merge then names the surviving paths. The answers of umoci 0.4.7 are in
//! `testdata/merge/umoci.txt`, so that the comparison runs where it is not installed; where it is, both are compared. `UPDATE_GOLDEN=1` writes them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[expect(dead_code, reason = "only the numbers are used here")]
#[path = "tar_differential/generate.rs"]
mod generate;
#[expect(dead_code, reason = "written for hostile archives, of which only plain ones are needed here")]
#[path = "tar_differential/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::digest::Digest;
use imgguard::facts::LayerFacts;
use imgguard::facts::cache::Cache;
use imgguard::facts::merge;
use imgguard::facts::tree::Node;
use imgguard::scan::{CollectOptions, cache_key};
use serde_json::json;

use generate::Random;
use writer::{Archive, Block, Format};

/// How many stacks are compared.
const SEEDS: u64 = 500;

/// What is at a path: its kind, and of files with content the layer that brought it.
type Seen = BTreeMap<String, String>;

/// The layers of a seed, as tar streams.
fn stack(seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    (0..2 + random.below(4)).map(|layer| self::layer(layer, &mut random)).collect()
}

fn path(random: &mut Random) -> String {
    let depth = 1 + random.below(4);
    (0..depth).map(|_| random.pick(&["a", "b", "c", "lib"])).collect::<Vec<_>>().join("/")
}

fn layer(number: usize, random: &mut Random) -> Vec<u8> {
    let mut archive = Archive::default();
    let mut files: Vec<String> = Vec::new();
    let add = |archive: Archive, kind: u8, path: &str, link: &str, content: &[u8]| {
        let block = Block::new(Format::Ustar, kind, path.as_bytes(), content.len() as i64).link(link.as_bytes());
        archive.entry(block, content)
    };
    for entry in 0..1 + random.below(8) {
        let path = path(random);
        archive = match random.below(12) {
            0 | 1 => add(archive, b'5', &path, "", b""),
            2 | 3 => {
                let target = random.pick(&["a", "../b", "/c", "b/lib", "../../a", "/", ".", "nowhere", "/lib/a"]);
                add(archive, b'2', &path, target, b"")
            }
            4 if !files.is_empty() => {
                let target = random.pick(&files);
                add(archive, b'1', &path, &target, b"")
            }
            5 | 6 => {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
                add(archive, b'0', &format!("{folder}/.wh.{name}"), "", b"")
            }
            7 => add(archive, b'0', &format!("{path}/.wh..wh..opq"), "", b""),
            _ => {
                files.push(path.clone());
                add(archive, b'0', &path, "", format!("{number} {entry}").as_bytes())
            }
        };
    }
    archive.end().0
}

/// A layout of uncompressed layers.
fn write_layout(folder: &Path, layers: &[Vec<u8>]) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let blob = |bytes: &[u8], kind: &str| {
        let digest = Digest::sha256(bytes);
        fs::write(blobs.join(digest.hex()), bytes).unwrap();
        json!({"mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest.to_string(), "size": bytes.len()})
    };
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::sha256(layer).to_string()).collect();
    let layers: Vec<_> = layers.iter().map(|layer| blob(layer, "layer.v1.tar")).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = blob(config.to_string().as_bytes(), "config.v1+json");
    let mut manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
    manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json".into();
    let mut descriptor = blob(manifest.to_string().as_bytes(), "manifest.v1+json");
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "x"});
    fs::write(folder.join("index.json"), json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string()).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

/// What the merge says survives.
fn ours(layout: &Path, layers: &[Vec<u8>]) -> Seen {
    let cache = layout.join("cache");
    let output = Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", &format!("oci:{}", layout.display()), "--format", "json", "--cache"])
        .arg(&cache)
        .output()
        .unwrap();
    assert!(output.status.code() == Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let cache = Cache::open(&cache, cache_key(CollectOptions { secrets: true, ..CollectOptions::default() })).unwrap();
    let facts: Vec<LayerFacts> = layers.iter().map(|layer| cache.get(&Digest::sha256(layer)).unwrap()).collect();
    let stack: Vec<_> = facts.iter().map(Some).collect();
    let shown = |(layer, node)| match node {
        Node::File => format!("file {layer}"),
        Node::HardLink => "name".to_owned(),
        Node::Symlink => "link".to_owned(),
        Node::Directory => "folder".to_owned(),
        Node::Special | Node::Whiteout => panic!("{node:?}"),
    };
    merge::paths(&stack).into_iter().map(|(path, found)| (path.to_string()[1..].to_owned(), shown(found))).collect()
}

/// What is there after umoci unpacked the layers; nothing where it refuses them.
fn unpacked(layout: &Path) -> Option<Seen> {
    let bundle = layout.join("bundle");
    let output = Command::new("umoci")
        .args(["unpack", "--image", &format!("{}:x", layout.display())])
        .arg(&bundle)
        .output()
        .unwrap();
    let mut seen = Seen::new();
    if output.status.success() {
        walk(&bundle.join("rootfs"), &PathBuf::new(), &mut seen);
    }
    output.status.success().then_some(seen)
}

fn walk(root: &Path, at: &Path, seen: &mut Seen) {
    for entry in fs::read_dir(root.join(at)).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (at.join(entry.file_name()), entry.file_type().unwrap());
        let shown = match kind {
            kind if kind.is_dir() => "folder".to_owned(),
            kind if kind.is_symlink() => "link".to_owned(),
            _ => format!("file {}", fs::read_to_string(entry.path()).unwrap().split(' ').next().unwrap()),
        };
        seen.insert(String::from_utf8(path.as_os_str().as_bytes().to_vec()).unwrap(), shown);
        if kind.is_dir() {
            walk(root, &path, seen);
        }
    }
}

/// Where the two differ. Folders that no layer lists are made by unpacking and not named by us; what a hard link is another name of is not compared.
fn difference(native: &Seen, ours: &Seen) -> String {
    let mut out = String::new();
    let is_same = |native: &str, ours: &str| native == ours || (ours == "name" && native != "folder");
    for (path, native) in native {
        match ours.get(path) {
            Some(ours) if is_same(native, ours) => {}
            None if native == "folder" => {}
            other => writeln!(out, "  {path}: umoci {native}, we {other:?}").unwrap(),
        }
    }
    for (path, ours) in ours.iter().filter(|(path, _)| !native.contains_key(*path)) {
        writeln!(out, "  {path}: umoci nothing, we {ours}").unwrap();
    }
    out
}

fn golden_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/merge/umoci.txt")
}

/// `SEED|path=kind|…`, or `SEED|refused`.
fn write_golden(answers: &BTreeMap<u64, Option<Seen>>) -> String {
    let mut out = String::new();
    for (seed, answer) in answers {
        let shown: Vec<_> = match answer {
            Some(seen) => seen.iter().map(|(path, kind)| format!("|{path}={kind}")).collect(),
            None => vec!["|refused".to_owned()],
        };
        writeln!(out, "{seed}{}", shown.concat()).unwrap();
    }
    out
}

fn read_golden(text: &str) -> BTreeMap<u64, Option<Seen>> {
    let line = |line: &str| {
        let mut parts = line.split('|');
        let seed = parts.next().unwrap().parse().unwrap();
        let parts: Vec<_> = parts.collect();
        let pairs = || parts.iter().map(|part| part.split_once('=').unwrap());
        let seen =
            (parts != ["refused"]).then(|| pairs().map(|(path, kind)| (path.to_owned(), kind.to_owned())).collect());
        (seed, seen)
    };
    text.lines().map(line).collect()
}

#[test]
fn layers_merge_as_umoci_unpacks_them() {
    let has_umoci = Command::new("umoci").arg("--version").output().is_ok();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let golden = if update { BTreeMap::new() } else { read_golden(&fs::read_to_string(golden_file()).unwrap()) };
    if !has_umoci {
        skipped!("umoci is absent; its committed answers are compared");
    }
    let mut live = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for seed in 0..SEEDS {
        let layers = stack(seed);
        let folder = tempfile::tempdir().unwrap();
        write_layout(folder.path(), &layers);
        if has_umoci {
            live.insert(seed, unpacked(folder.path()));
        }
        let Some(native) = live.get(&seed).or_else(|| golden.get(&seed)).unwrap() else { continue };
        compared += usize::from(!native.is_empty());
        let found = difference(native, &ours(folder.path(), &layers));
        if !found.is_empty() {
            wrong.push(format!("seed {seed}\n{found}"));
        }
    }
    if update {
        fs::create_dir_all(golden_file().parent().unwrap()).unwrap();
        fs::write(golden_file(), write_golden(&live)).unwrap();
    } else if has_umoci {
        assert!(live == golden, "this umoci answers otherwise than the one of the committed answers");
    }
    assert!(compared > SEEDS as usize / 5, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared}\n{}", wrong.len(), wrong[..wrong.len().min(15)].join("\n"));
}
