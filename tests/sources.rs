//! Every local source gives the same image, checked with the field's own writers: skopeo, Buildah and Podman convert layouts that the test makes, and each form must lead
//! to the same platforms, diff IDs and entries. Then the same sources damaged and hostile.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use imgguard::digest::Digest;
use imgguard::layer::{Entry, EntryKind, LayerError, PassOptions, Visitor, read_layer};
use imgguard::source::archive::{self, Format};
use imgguard::source::layout::{self, Selection};
use imgguard::source::{Content, Image, Layer, Place, PlatformChoice, SourceError, rootfs, storage};
use serde_json::{Value, json};

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Writers: a tar, an image, a layout, Docker's archives.

/// What an entry of a written tar is.
#[derive(Clone)]
enum Item {
    File(Vec<u8>),
    Folder,
    Symlink(&'static str),
    HardLink(&'static str),
}

fn file(text: &str) -> Item {
    Item::File(text.as_bytes().to_vec())
}

fn header(name: &str, kind: u8, size: u64, link: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    assert!(name.len() <= 100 && link.len() <= 100);
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn tar(items: &[(&str, Item)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, item) in items {
        match item {
            Item::File(bytes) => {
                out.extend(header(name, b'0', bytes.len() as u64, ""));
                out.extend_from_slice(bytes);
                out.resize(out.len().next_multiple_of(512), 0);
            }
            Item::Folder => out.extend(header(name, b'5', 0, "")),
            Item::Symlink(target) => out.extend(header(name, b'2', 0, target)),
            Item::HardLink(target) => out.extend(header(name, b'1', 0, target)),
        }
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image before it is stored.
struct Built {
    config: Vec<u8>,
    layers: Vec<Vec<u8>>,
    architecture: &'static str,
}

fn build(architecture: &'static str) -> Built {
    let large: Vec<u8> = (0..700_000u32).flat_map(|n| (n / 3).to_le_bytes()).collect();
    let base = tar(&[
        ("etc/", Item::Folder),
        ("etc/os-release", file(&format!("ID=test\nVARIANT={architecture}\n"))),
        ("usr/", Item::Folder),
        ("usr/lib/", Item::Folder),
        ("usr/lib/large", Item::File(large)),
        ("lib", Item::Symlink("usr/lib")),
        ("etc/alias", Item::HardLink("etc/os-release")),
        ("empty", file("")),
    ]);
    let second =
        tar(&[("etc/", Item::Folder), ("etc/.wh.alias", file("")), ("srv/", Item::Folder), ("srv/app", file("app\n"))]);
    // The same content once more: Docker's archives store it once and link to it.
    let layers = vec![base, second.clone(), second];
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::sha256(layer).to_string()).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"User": "1000", "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": "ADD base"}, {"created_by": "COPY app"}, {"created_by": "COPY app"}],
    });
    Built { config: serde_json::to_vec(&config).unwrap(), layers, architecture }
}

/// A layout being written.
struct Layout {
    folder: tempfile::TempDir,
}

impl Layout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn blob_path(&self, digest: &str) -> PathBuf {
        self.path().join("blobs").join(digest.replace(':', "/"))
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes).to_string();
        fs::write(self.blob_path(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    fn manifest(&self, built: &Built) -> Value {
        let layers: Vec<Value> = built
            .layers
            .iter()
            .map(|layer| self.blob("application/vnd.oci.image.layer.v1.tar+gzip", &gzip(layer)))
            .collect();
        let config = self.blob("application/vnd.oci.image.config.v1+json", &built.config);
        let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers});
        self.blob("application/vnd.oci.image.manifest.v1+json", &serde_json::to_vec(&manifest).unwrap())
    }

    fn image_index(&self, built: &[Built]) -> Value {
        let entry = |built: &Built| {
            let mut entry = self.manifest(built);
            entry["platform"] = json!({"os": "linux", "architecture": built.architecture});
            entry
        };
        let manifests: Vec<Value> = built.iter().map(entry).collect();
        let index =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
        self.blob("application/vnd.oci.image.index.v1+json", &serde_json::to_vec(&index).unwrap())
    }

    fn index(&self, entries: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": entries});
        fs::write(self.path().join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    }

    fn open(&self, selection: &Selection, choice: &PlatformChoice) -> Result<Image, SourceError> {
        layout::open(self.path(), selection, choice, "oci:test")
    }

    /// The whole layout as the items of a tar.
    fn items(&self) -> Vec<(String, Vec<u8>)> {
        let mut items: Vec<(String, Vec<u8>)> = ["oci-layout", "index.json"]
            .iter()
            .map(|name| ((*name).to_owned(), fs::read(self.path().join(name)).unwrap()))
            .collect();
        for entry in fs::read_dir(self.path().join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            items.push((
                format!("blobs/sha256/{}", entry.file_name().to_str().unwrap()),
                fs::read(entry.path()).unwrap(),
            ));
        }
        items.sort();
        items
    }
}

fn tar_of(items: &[(String, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<(&str, Item)> =
        items.iter().map(|(name, bytes)| (name.as_str(), Item::File(bytes.clone()))).collect();
    tar(&items)
}

fn named(mut entry: Value, name: &str) -> Value {
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    entry
}

fn single(built: &Built) -> Layout {
    let layout = Layout::new();
    let entry = named(layout.manifest(built), "v1");
    layout.index(&[entry]);
    layout
}

fn on_disk(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}

fn open_archive(bytes: &[u8], format: Format, selection: &Selection) -> Result<Image, SourceError> {
    archive::open_file(on_disk(bytes).path(), format, selection, &PlatformChoice::All, "archive")
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Reader: what an image gives.

/// Notes every entry with the digest of its content.
#[derive(Default)]
struct Notes {
    entries: Vec<String>,
    content: Vec<u8>,
    current: String,
    skipped: Vec<String>,
}

impl Visitor for Notes {
    fn entry(&mut self, entry: &Entry<'_>) {
        let (path, link) = (String::from_utf8_lossy(entry.path), String::from_utf8_lossy(entry.link));
        self.current = format!("{path} {:?} {} {:o} {link}", entry.kind, entry.size, entry.mode);
        self.content.clear();
    }
    fn data(&mut self, bytes: &[u8]) {
        self.content.extend_from_slice(bytes);
    }
    fn hole(&mut self, length: u64) {
        self.content.resize(self.content.len() + usize::try_from(length).unwrap(), 0);
    }
    fn end(&mut self) {
        let digest = Digest::sha256(&self.content);
        self.entries.push(format!("{} {}", self.current, &digest.hex()[..12]));
    }
    fn skipped(&mut self, path: &[u8], reason: &str) {
        self.skipped.push(format!("{}: {reason}", String::from_utf8_lossy(path)));
    }
}

fn read(image: &Image, layer: &Layer) -> Result<Vec<String>, LayerError> {
    let mut notes = Notes::default();
    match image.blobs.open(layer)? {
        Content::Bytes(reader) => {
            let options = PassOptions { split: false, verify_diff_id: true };
            let pass = read_layer(reader, layer, options, &mut notes)?;
            assert_eq!(pass.diff_id, layer.diff_id, "every layer of these tests has a diff ID, and it is verified");
        }
        Content::Tree(root) => assert_eq!(rootfs::walk(&root, &mut notes)?, None),
    }
    assert_eq!(notes.skipped, Vec::<String>::new());
    Ok(notes.entries)
}

/// What one platform gives: its diff IDs and the entries of each layer.
type Given = BTreeMap<String, Vec<(String, Vec<String>)>>;

fn given(image: &Image) -> Given {
    let layer = |layer: &Layer| (layer.diff_id.as_ref().unwrap().to_string(), read(image, layer).unwrap());
    image
        .manifests
        .iter()
        .map(|manifest| (manifest.platform.to_string(), manifest.layers.iter().map(layer).collect()))
        .collect()
}

/// Runs a tool; false and a loud note when it is not there.
fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    let outcome = Command::new(program).args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).output();
    let output = match outcome {
        Ok(output) => output,
        Err(error) => {
            skipped!("`{program}` is not here ({error})");
            return false;
        }
    };
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn error_of(outcome: Result<Image, SourceError>) -> SourceError {
    match outcome {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Every form gives the same.

#[test]
fn a_layout_gives_every_platform() {
    let layout = Layout::new();
    let (amd64, arm64) = (build("amd64"), build("arm64"));
    let index = layout.image_index(&[amd64, arm64]);
    layout.index(&[named(index.clone(), "v1")]);
    let image = layout.open(&Selection::Only, &PlatformChoice::All).unwrap();
    assert_eq!(image.digest.as_ref().unwrap().as_str(), index["digest"].as_str().unwrap());
    assert_eq!(
        image.manifests.iter().map(|m| m.platform.to_string()).collect::<Vec<_>>(),
        ["linux/amd64", "linux/arm64"]
    );
    let all = given(&image);
    assert_eq!(all["linux/amd64"][0].1.len(), 8);
    assert_ne!(all["linux/amd64"], all["linux/arm64"]);
    assert!(all["linux/amd64"][1].1.iter().any(|entry| entry.starts_with("etc/.wh.alias File 0")));
    let one = layout
        .open(&Selection::Name("v1".into()), &PlatformChoice::Only(vec!["linux/arm64".parse().unwrap()]))
        .unwrap();
    assert_eq!(given(&one)["linux/arm64"], all["linux/arm64"]);
    assert_eq!(one.manifests.len(), 1);
}

#[test]
fn skopeo_forms_give_the_same_as_the_layout() {
    let layout = Layout::new();
    let index = layout.image_index(&[build("amd64"), build("arm64")]);
    layout.index(&[named(index, "v1")]);
    let expected = given(&layout.open(&Selection::Only, &PlatformChoice::All).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let source = format!("oci:{}:v1", text(layout.path()));
    let all = folder.path().join("all.tar");
    if !run("skopeo", &["copy", "--insecure-policy", "--all", &source, &format!("oci-archive:{}:v1", text(&all))], &[])
    {
        return;
    }
    let image =
        archive::open_file(&all, Format::Oci, &Selection::Name("v1".into()), &PlatformChoice::All, "all").unwrap();
    assert_eq!((image.transport, given(&image)), ("oci-archive", expected.clone()));
    for architecture in ["amd64", "arm64"] {
        let one = folder.path().join(format!("{architecture}.tar"));
        let target = format!("docker-archive:{}:example.org/app:1", text(&one));
        run("skopeo", &["--override-arch", architecture, "copy", "--insecure-policy", &source, &target], &[]);
        let image = archive::open_file(
            &one,
            Format::Docker,
            &Selection::Name("example.org/app:1".into()),
            &PlatformChoice::All,
            "one",
        )
        .unwrap();
        let platform = format!("linux/{architecture}");
        assert_eq!(given(&image)[&platform], expected[&platform]);
        assert_eq!((image.transport, image.manifests[0].config.config.user.as_str()), ("docker-archive", "1000"));
        let detected = archive::open_file(&one, Format::Detect, &Selection::Only, &PlatformChoice::All, "one").unwrap();
        assert_eq!(given(&detected)[&platform], expected[&platform]);
    }
}

/// A storage.conf for a store of the test's own.
fn store(folder: &Path, driver: &str) -> PathBuf {
    let path = folder.join(format!("{driver}.conf"));
    let (root, run) = (folder.join(driver), folder.join(format!("{driver}-run")));
    fs::write(
        &path,
        format!("[storage]\ndriver = '{driver}'\ngraphroot = '{}'\nrunroot = '{}'\n", text(&root), text(&run)),
    )
    .unwrap();
    path
}

fn open_stored(name: &str, configuration: &Path) -> Result<Image, SourceError> {
    let variables = |variable: &str| (variable == "CONTAINERS_STORAGE_CONF").then(|| text(configuration).to_owned());
    storage::open(name, &PlatformChoice::All, name, &variables)
}

#[test]
fn stores_of_podman_give_the_same_as_the_layout() {
    let built = build("amd64");
    let layout = single(&built);
    let expected = given(&layout.open(&Selection::Only, &PlatformChoice::All).unwrap());
    let manifest = layout.open(&Selection::Only, &PlatformChoice::All).unwrap().digest.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for driver in ["overlay", "vfs"] {
        let configuration = store(folder.path(), driver);
        let environment = [("CONTAINERS_STORAGE_CONF", text(&configuration))];
        if driver == "overlay" && rustix::process::geteuid().as_raw() != 0 {
            skipped!("an overlay store needs root here");
            continue;
        }
        let source = format!("oci:{}:v1", text(layout.path()));
        if !run("skopeo", &["copy", "--insecure-policy", &source, "containers-storage:localhost/app:1"], &environment) {
            return;
        }
        let id = Digest::sha256(&built.config).hex().to_owned();
        for name in
            ["localhost/app:1", "app:1", &id, &id[..12], &format!("localhost/app@{manifest}"), &format!("@{id}")]
        {
            let image = open_stored(name, &configuration).unwrap_or_else(|error| panic!("{driver} {name}: {error}"));
            assert_eq!(given(&image), expected, "{driver} {name}");
            assert_eq!(image.digest.as_ref(), Some(&manifest));
            assert!(
                image.manifests[0]
                    .layers
                    .iter()
                    .all(|layer| layer.digest == layer.diff_id && matches!(layer.place, Place::Stored(_)))
            );
        }
        assert!(matches!(error_of(open_stored("other:1", &configuration)), SourceError::NotFound { .. }));
        let root = format!("[{driver}@{}+/run/x]app:1", text(&folder.path().join(driver)));
        assert_eq!(given(&storage::open(&root, &PlatformChoice::All, &root, &|_| None).unwrap()), expected);
        check_damaged_store(&folder.path().join(driver), driver, &configuration);
    }
}

/// A file of a layer that was changed in the store is found out, whatever its length.
fn check_damaged_store(root: &Path, driver: &str, configuration: &Path) {
    let mut changed = 0;
    for entry in fs::read_dir(root.join(if driver == "vfs" { "vfs/dir" } else { "overlay" })).unwrap() {
        let path = entry.unwrap().path();
        for large in [path.join("diff/usr/lib/large"), path.join("usr/lib/large")] {
            if let Ok(mut bytes) = fs::read(&large) {
                bytes[1000] ^= 1;
                fs::write(&large, bytes).unwrap();
                changed += 1;
            }
        }
    }
    assert!(changed > 0);
    let image = open_stored("app:1", configuration).unwrap();
    let outcome = read(&image, &image.manifests[0].layers[0]);
    assert!(outcome.is_err_and(|error| error.is_mismatch()), "{driver}");
    // Without the record of the headers the files themselves are read, where the folder is the layer's alone.
    for entry in fs::read_dir(root.join(format!("{driver}-layers"))).unwrap() {
        let path = entry.unwrap().path();
        if text(&path).ends_with("tar-split.gz") {
            fs::remove_file(path).unwrap();
        }
    }
    if driver == "vfs" {
        assert!(matches!(error_of(open_stored("app:1", configuration)), SourceError::Malformed { .. }));
        return;
    }
    let image = open_stored("app:1", configuration).unwrap();
    let entries = read(&image, &image.manifests[0].layers[1]).unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| entry.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["etc", "etc/.wh.alias", "srv", "srv/app"], "the whiteout device is a whiteout entry again");
}

#[test]
fn podman_and_buildah_archives_give_the_same() {
    let layout = single(&build("amd64"));
    let expected = given(&layout.open(&Selection::Only, &PlatformChoice::All).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let configuration = store(folder.path(), "vfs");
    let environment = [("CONTAINERS_STORAGE_CONF", text(&configuration))];
    if !run(
        "skopeo",
        &[
            "copy",
            "--insecure-policy",
            &format!("oci:{}:v1", text(layout.path())),
            "containers-storage:localhost/app:1",
        ],
        &environment,
    ) {
        return;
    }
    let check = |path: &Path, format| {
        let image = archive::open_file(path, format, &Selection::Only, &PlatformChoice::All, "saved").unwrap();
        assert_eq!(given(&image), expected, "{}", path.display());
    };
    for (kind, format) in [("docker-archive", Format::Docker), ("oci-archive", Format::Oci)] {
        let saved = folder.path().join(format!("podman-{kind}.tar"));
        if run("podman", &["save", "--format", kind, "-o", text(&saved), "localhost/app:1"], &environment) {
            check(&saved, format);
        }
        let pushed = folder.path().join(format!("buildah-{kind}.tar"));
        if run("buildah", &["push", "localhost/app:1", &format!("{kind}:{}", text(&pushed))], &environment) {
            check(&pushed, format);
        }
    }
}

/// An image that Buildah itself commits, its layers read back from the store against what it exports.
#[test]
fn a_committed_container_gives_what_buildah_exports() {
    let folder = tempfile::tempdir().unwrap();
    let driver = if rustix::process::geteuid().as_raw() == 0 { "overlay" } else { "vfs" };
    let configuration = store(folder.path(), driver);
    let environment = [("CONTAINERS_STORAGE_CONF", text(&configuration))];
    let content = folder.path().join("content");
    fs::write(&content, "content\n").unwrap();
    let made = run("buildah", &["from", "--name", "work", "scratch"], &environment);
    if !made {
        return;
    }
    run("buildah", &["copy", "work", text(&content), "/srv/content"], &environment);
    run("buildah", &["commit", "work", "localhost/committed:1"], &environment);
    let exported = folder.path().join("exported.tar");
    run("buildah", &["push", "localhost/committed:1", &format!("oci-archive:{}", text(&exported))], &environment);
    let stored = given(&open_stored("committed:1", &configuration).unwrap());
    let archived =
        given(&archive::open_file(&exported, Format::Oci, &Selection::Only, &PlatformChoice::All, "exported").unwrap());
    assert_eq!(stored, archived);
    assert!(stored.values().next().unwrap()[0].1.iter().any(|entry| entry.starts_with("srv/content File 8 ")));
}

/// `docker save` before 25: a folder a layer, and a link where a layer repeats.
fn saved_by_docker(built: &Built) -> Vec<u8> {
    let config = format!("{}.json", Digest::sha256(&built.config).hex());
    let manifest = json!([{"Config": config, "RepoTags": ["app:1", "example.org/app:2"], "Layers": ["aa/layer.tar", "bb/layer.tar", "cc/layer.tar"]}]);
    tar(&[
        ("aa/", Item::Folder),
        ("aa/VERSION", file("1.0")),
        ("aa/layer.tar", Item::File(built.layers[0].clone())),
        ("bb/layer.tar", Item::File(built.layers[1].clone())),
        ("cc/layer.tar", Item::Symlink("../bb/layer.tar")),
        (&config, Item::File(built.config.clone())),
        ("manifest.json", Item::File(serde_json::to_vec(&manifest).unwrap())),
        ("repositories", file(r#"{"app":{"1":"cc"}}"#)),
    ])
}

#[test]
fn docker_archives_of_every_age_give_the_same() {
    let built = build("amd64");
    let expected = given(&single(&built).open(&Selection::Only, &PlatformChoice::All).unwrap());
    let saved = saved_by_docker(&built);
    for selection in [
        Selection::Only,
        Selection::Name("app:1".into()),
        Selection::Name("docker.io/library/app:1".into()),
        Selection::Index(0),
    ] {
        assert_eq!(given(&open_archive(&saved, Format::Docker, &selection).unwrap()), expected, "{selection:?}");
    }
    let id = Selection::Digest(Digest::sha256(&built.config));
    assert_eq!(given(&open_archive(&saved, Format::Docker, &id).unwrap()), expected);
    for compressed in [gzip(&saved), zstd::encode_all(&saved[..], 3).unwrap()] {
        assert_eq!(given(&open_archive(&compressed, Format::Detect, &Selection::Only).unwrap()), expected);
    }
    assert!(matches!(
        error_of(open_archive(&saved, Format::Docker, &Selection::Name("app:9".into()))),
        SourceError::NotFound { .. }
    ));
    assert!(matches!(error_of(open_archive(&saved, Format::Oci, &Selection::Only)), SourceError::Malformed { .. }));
    // Kaniko and crane: compressed layers and a configuration named by its digest.
    let id = Digest::sha256(&built.config).to_string();
    let manifest = json!([{"Config": id, "RepoTags": null, "Layers": ["a.tar.gz", "b.tar.gz", "b.tar.gz"]}]);
    let kaniko = tar(&[
        (&id, Item::File(built.config.clone())),
        ("a.tar.gz", Item::File(gzip(&built.layers[0]))),
        ("b.tar.gz", Item::File(gzip(&built.layers[1]))),
        ("manifest.json", Item::File(serde_json::to_vec(&manifest).unwrap())),
    ]);
    let image = open_archive(&kaniko, Format::Docker, &Selection::Only).unwrap();
    assert_eq!(given(&image), expected);
    assert_eq!(image.manifests[0].layers[0].digest, None, "only the diff ID pins a compressed layer");
}

#[test]
fn the_oldest_docker_archive_is_a_chain_of_parents() {
    let built = build("amd64");
    let items = |parent: &str| {
        tar(&[
            ("repositories", file(r#"{"app":{"1":"bb"}}"#)),
            ("aa/json", file(&format!(r#"{{"id":"aa"{parent},"container_config":{{"Cmd":["ADD","base"]}}}}"#))),
            ("aa/layer.tar", Item::File(built.layers[0].clone())),
            (
                "bb/json",
                file(
                    r#"{"id":"bb","parent":"aa","os":"linux","architecture":"arm","config":{"User":"app"},"container_config":{"Cmd":["COPY"]}}"#,
                ),
            ),
            ("bb/layer.tar", Item::HardLink("aa/layer.tar")),
        ])
    };
    let image = open_archive(&items(""), Format::Detect, &Selection::Name("app:1".into())).unwrap();
    let manifest = &image.manifests[0];
    assert_eq!((manifest.platform.to_string().as_str(), manifest.config.config.user.as_str()), ("linux/arm", "app"));
    assert_eq!(manifest.config.instruction(0, 2), Some("ADD base"));
    assert_eq!(manifest.layers[0].digest, Some(Digest::sha256(&built.layers[0])));
    let mut notes = Notes::default();
    let Content::Bytes(reader) = image.blobs.open(&manifest.layers[1]).unwrap() else { panic!() };
    read_layer(reader, &manifest.layers[1], PassOptions::default(), &mut notes).unwrap();
    assert_eq!(notes.entries.len(), 8);
    let circle = error_of(open_archive(&items(r#","parent":"bb""#), Format::Docker, &Selection::Only));
    assert!(matches!(circle, SourceError::Malformed { .. }), "{circle}");
}

#[test]
fn a_modern_docker_archive_is_read_by_digest_and_must_not_contradict_itself() {
    let (one, other) = (build("amd64"), build("arm64"));
    let layout = Layout::new();
    let mut entry = layout.manifest(&one);
    entry["annotations"] = json!({"io.containerd.image.name": "docker.io/library/app:latest", "org.opencontainers.image.ref.name": "latest"});
    layout.index(&[entry.clone()]);
    let mut items = layout.items();
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::sha256(bytes).hex());
    let layers: Vec<String> = one.layers.iter().map(|layer| blob(layer)).collect();
    let manifest = |config: &[u8]| {
        json!([{"Config": blob(config), "RepoTags": ["app:latest"], "Layers": layers}]).to_string().into_bytes()
    };
    items.push((blob(&other.config), other.config.clone()));
    items.push(("manifest.json".into(), manifest(&one.config)));
    let image = open_archive(&tar_of(&items), Format::Docker, &Selection::Name("app".into())).unwrap();
    assert_eq!(image.digest.as_ref().unwrap().as_str(), entry["digest"].as_str().unwrap());
    assert_eq!(given(&image), given(&layout.open(&Selection::Only, &PlatformChoice::All).unwrap()));
    items.pop();
    items.push(("manifest.json".into(), manifest(&other.config)));
    for selection in [Selection::Only, Selection::Name("app".into())] {
        let error = error_of(open_archive(&tar_of(&items), Format::Detect, &selection));
        assert!(error.is_damage() && error.to_string().contains("different images"), "{error}");
    }
}

/// An engine that pulled one platform saves the index of all.
#[test]
fn platforms_that_docker_did_not_save_are_not_there() {
    let layout = Layout::new();
    let (amd64, arm64) = (build("amd64"), build("arm64"));
    let index = layout.image_index(&[build("amd64"), build("arm64")]);
    layout.index(&[index]);
    let expected =
        given(&layout.open(&Selection::Only, &PlatformChoice::Only(vec!["linux/amd64".parse().unwrap()])).unwrap());
    let gone = layout.manifest(&arm64)["digest"].as_str().unwrap().to_owned();
    let mut items: Vec<(String, Vec<u8>)> =
        layout.items().into_iter().filter(|(name, _)| !gone.ends_with(name.rsplit('/').next().unwrap())).collect();
    assert!(
        matches!(error_of(open_archive(&tar_of(&items), Format::Oci, &Selection::Only)), SourceError::NotFound { .. }),
        "not complete"
    );
    let config = format!("blobs/sha256/{}", Digest::sha256(&amd64.config).hex());
    items.push((
        "manifest.json".into(),
        json!([{"Config": config, "RepoTags": [], "Layers": []}]).to_string().into_bytes(),
    ));
    assert_eq!(given(&open_archive(&tar_of(&items), Format::Docker, &Selection::Only).unwrap()), expected);
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Choosing.

#[test]
fn several_images_need_a_choice() {
    let layout = Layout::new();
    let (a, b) = (layout.manifest(&build("amd64")), layout.manifest(&build("arm64")));
    layout.index(&[named(a.clone(), "one"), named(b.clone(), "two"), named(a.clone(), "again")]);
    let error = error_of(layout.open(&Selection::Only, &PlatformChoice::All));
    assert!(matches!(&error, SourceError::Ambiguous { choices, .. } if choices == "one, two, again"), "{error}");
    for (selection, expected) in [
        (Selection::Name("two".into()), &b),
        (Selection::Name("again".into()), &a),
        (Selection::Index(1), &b),
        (Selection::Digest(a["digest"].as_str().unwrap().parse().unwrap()), &a),
    ] {
        let image = layout.open(&selection, &PlatformChoice::All).unwrap();
        assert_eq!(image.digest.unwrap().as_str(), expected["digest"].as_str().unwrap(), "{selection:?}");
    }
    assert!(matches!(
        error_of(layout.open(&Selection::Name("three".into()), &PlatformChoice::All)),
        SourceError::NotFound { .. }
    ));
    assert!(matches!(error_of(layout.open(&Selection::Index(3), &PlatformChoice::All)), SourceError::NotFound { .. }));
    // Two names of one image are one image.
    layout.index(&[named(a.clone(), "one"), named(a.clone(), "again")]);
    assert!(layout.open(&Selection::Only, &PlatformChoice::All).is_ok());
    // Platforms of one image side by side are one index.
    let with = |entry: &Value, architecture: &str| {
        let mut entry = entry.clone();
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    };
    layout.index(&[with(&a, "amd64"), with(&b, "arm64")]);
    assert_eq!(layout.open(&Selection::Only, &PlatformChoice::All).unwrap().manifests.len(), 2);
    layout.index(&[with(&a, "amd64"), with(&b, "amd64")]);
    assert!(
        matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::Ambiguous { .. }),
        "two images of one platform"
    );
    layout.index(&[]);
    assert!(matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::NotFound { .. }));
    // A manifest below an index is found by its digest.
    let index = layout.image_index(&[build("amd64")]);
    layout.index(&[index]);
    let below: Digest = a["digest"].as_str().unwrap().parse().unwrap();
    assert_eq!(layout.open(&Selection::Digest(below.clone()), &PlatformChoice::All).unwrap().digest, Some(below));
}

#[test]
fn an_archive_of_several_images_needs_a_choice() {
    let (a, b) = (build("amd64"), build("arm64"));
    let mut items = Vec::new();
    let mut manifest = Vec::new();
    for (tag, built) in [("a:1", &a), ("b:1", &b)] {
        let config = format!("{}.json", Digest::sha256(&built.config).hex());
        let layers: Vec<String> =
            built.layers.iter().map(|layer| format!("{}.tar", Digest::sha256(layer).hex())).collect();
        items.push((config.clone(), built.config.clone()));
        items.extend(layers.iter().cloned().zip(built.layers.iter().cloned()));
        manifest.push(json!({"Config": config, "RepoTags": [tag], "Layers": layers}));
    }
    items.push(("manifest.json".into(), serde_json::to_vec(&manifest).unwrap()));
    let bytes = tar_of(&items);
    let error = error_of(open_archive(&bytes, Format::Docker, &Selection::Only));
    assert!(matches!(&error, SourceError::Ambiguous { choices, .. } if choices == "a:1, b:1"), "{error}");
    for selection in [Selection::Name("b:1".into()), Selection::Index(1)] {
        let image = open_archive(&bytes, Format::Docker, &selection).unwrap();
        assert_eq!(image.manifests[0].platform.to_string(), "linux/arm64");
    }
    let choice = PlatformChoice::Only(vec!["linux/amd64".parse().unwrap()]);
    let outcome = archive::open_file(on_disk(&bytes).path(), Format::Docker, &Selection::Index(1), &choice, "b");
    assert!(matches!(error_of(outcome), SourceError::NoPlatform { .. }));
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Damaged and hostile.

#[test]
fn a_damaged_layout_is_refused() {
    let built = build("amd64");
    let layout = single(&built);
    let image = layout.open(&Selection::Only, &PlatformChoice::All).unwrap();
    let manifest = layout.blob_path(image.digest.as_ref().unwrap().as_str());
    let layer = layout.blob_path(image.manifests[0].layers[0].digest.as_ref().unwrap().as_str());
    let whole = fs::read(&layer).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&layer, &flipped).unwrap();
    assert!(read(&image, &image.manifests[0].layers[0]).is_err_and(|error| matches!(error, LayerError::Digest { .. })));
    fs::write(&layer, &whole[..whole.len() - 1]).unwrap();
    let error = read(&image, &image.manifests[0].layers[0]).unwrap_err();
    assert!(error.is_mismatch() && matches!(error, LayerError::Source(SourceError::SizeMismatch { .. })));
    fs::remove_file(&layer).unwrap();
    assert!(matches!(
        read(&image, &image.manifests[0].layers[0]),
        Err(LayerError::Source(SourceError::NotFound { .. }))
    ));
    rustix::fs::mknodat(rustix::fs::CWD, &layer, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    assert!(
        matches!(read(&image, &image.manifests[0].layers[0]), Err(LayerError::Source(SourceError::Malformed { .. }))),
        "it must not wait for a writer"
    );
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("schemaVersion\":2", "schemaVersion\":3")).unwrap();
    assert!(matches!(
        error_of(layout.open(&Selection::Only, &PlatformChoice::All)),
        SourceError::DigestMismatch { .. }
    ));
    fs::write(&manifest, &text[..100]).unwrap();
    assert!(matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::SizeMismatch { .. }));
}

#[test]
fn a_lying_index_is_refused() {
    let layout = Layout::new();
    let entry = layout.manifest(&build("amd64"));
    let with = |key: &str, value: Value| {
        let mut entry = entry.clone();
        entry[key] = value;
        entry
    };
    for (lie, why) in [
        (with("digest", json!("sha256:../../../../etc/passwd")), "a path for a digest"),
        (with("digest", json!("md5:d41d8cd98f00b204e9800998ecf8427e")), "another algorithm"),
        (with("size", json!(7)), "another size"),
        (with("size", json!(u64::MAX)), "a huge size"),
        (with("size", json!(-1)), "a negative size"),
        (with("mediaType", json!("application/vnd.oci.image.index.v1+json")), "another type"),
    ] {
        layout.index(&[lie]);
        let error = error_of(layout.open(&Selection::Only, &PlatformChoice::All));
        assert!(error.is_damage(), "{why}: {error}");
    }
    layout.index(&vec![entry; 513]);
    assert!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)).is_damage(), "too many entries");
    fs::write(layout.path().join("index.json"), vec![b' '; (4 << 20) + 1]).unwrap();
    assert!(matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::TooLarge { .. }));
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::Malformed { .. }));
    fs::remove_file(layout.path().join("oci-layout")).unwrap();
    assert!(matches!(error_of(layout.open(&Selection::Only, &PlatformChoice::All)), SourceError::NotFound { .. }));
}

#[test]
fn a_hostile_archive_is_refused() {
    let built = build("amd64");
    let saved = saved_by_docker(&built);
    let manifest =
        |layers: Value| json!([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": layers}]).to_string().into_bytes();
    let config = |count: usize| {
        let id = Digest::sha256(&built.layers[0]).to_string();
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": vec![id; count]}})
            .to_string()
            .into_bytes()
    };
    let one = |extra: &[(&str, Item)], layer: &str| {
        let mut items =
            vec![("c.json", Item::File(config(1))), ("manifest.json", Item::File(manifest(json!([layer]))))];
        items.extend(extra.iter().cloned());
        tar(&items)
    };
    let layer = Item::File(built.layers[0].clone());
    assert!(open_archive(&one(&[("l.tar", layer.clone())], "l.tar"), Format::Docker, &Selection::Only).is_ok());
    let sparse = {
        let record = b"28 GNU.sparse.realsize=9999\n";
        let mut bytes = header("PaxHeaders/l.tar", b'x', record.len() as u64, "");
        bytes.extend_from_slice(record);
        bytes.resize(1024, 0);
        [bytes, one(&[("l.tar", layer.clone())], "l.tar")].concat()
    };
    for (bytes, why) in [
        (one(&[("../../l.tar", layer.clone())], "l.tar"), "a name out of the archive"),
        (one(&[("l.tar", Item::Symlink("../../../etc/passwd"))], "l.tar"), "a link out of the archive"),
        (one(&[("l.tar", Item::Symlink("m.tar")), ("m.tar", Item::Symlink("l.tar"))], "l.tar"), "links in a circle"),
        (
            one(&[("l.tar", Item::HardLink("later.tar")), ("later.tar", layer.clone())], "l.tar"),
            "a hard link to what is not there yet",
        ),
        (
            one(&[("l.tar", layer.clone()), ("manifest.json", Item::File(manifest(json!([]))))], "l.tar"),
            "two manifests",
        ),
        (
            one(&[("l.tar", layer.clone()), ("./manifest.json", Item::File(manifest(json!([]))))], "l.tar"),
            "two manifests, one in disguise",
        ),
        (
            tar(&[
                ("c.json", Item::File(config(2))),
                ("manifest.json", Item::File(manifest(json!(["l.tar"])))),
                ("l.tar", layer.clone()),
            ]),
            "other counts",
        ),
        (
            tar(&[
                ("c.json", Item::File(config(2000))),
                ("manifest.json", Item::File(manifest(json!(vec!["l.tar"; 2000])))),
                ("l.tar", layer),
            ]),
            "many layers",
        ),
        (saved[..saved.len() / 2].to_vec(), "a cut archive"),
        (sparse, "a sparse entry"),
        (b"not a tar".repeat(100), "something else"),
        (b"\xfd7zXZ\0 and so on".to_vec(), "xz"),
        (gzip(&saved)[..100].to_vec(), "cut compression"),
        (vec![0; 4096], "an empty archive"),
    ] {
        let error = error_of(open_archive(&bytes, Format::Detect, &Selection::Only));
        assert!(error.is_damage(), "{why}: {error}");
    }
    let missing = error_of(open_archive(&one(&[], "l.tar"), Format::Docker, &Selection::Only));
    assert!(matches!(missing, SourceError::NotFound { .. }), "{missing}");
}

#[test]
fn a_changed_docker_archive_is_found_out() {
    let built = build("amd64");
    let saved = saved_by_docker(&built);
    let find = |needle: &[u8]| saved.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut content = saved.clone();
    content[find(b"VARIANT=amd64")] ^= 1;
    let image = open_archive(&content, Format::Docker, &Selection::Only).unwrap();
    assert!(read(&image, &image.manifests[0].layers[0]).is_err_and(|error| error.is_mismatch()));
    let mut config = saved.clone();
    config[find(b"\"User\":\"1000\"") + 8] = b'0';
    assert!(matches!(
        error_of(open_archive(&config, Format::Docker, &Selection::Only)),
        SourceError::DigestMismatch { .. }
    ));
}

// ---------------------------------------------------------------------------------------------------------------------------------------------
// Folders.

fn walk(root: &Path) -> Notes {
    let mut notes = Notes::default();
    assert_eq!(rootfs::walk(root, &mut notes).unwrap(), None);
    notes
}

#[test]
fn a_folder_is_walked_in_order_and_never_left() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("etc/deep")).unwrap();
    fs::write(folder.path().join("outside"), "secret").unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0\n").unwrap();
    fs::set_permissions(root.join("etc/passwd"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::hard_link(root.join("etc/passwd"), root.join("etc/passwd-")).unwrap();
    symlink("../../outside", root.join("etc/out")).unwrap();
    symlink("..", root.join("etc/deep/up")).unwrap();
    symlink(folder.path(), root.join("away")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let image = rootfs::open(&root, "dir:root").unwrap();
    assert_eq!((image.transport, image.manifests.len(), image.digest.is_none()), ("dir", 1, true));
    let Content::Tree(tree) = image.blobs.open(&image.manifests[0].layers[0]).unwrap() else { panic!() };
    let notes = walk(&tree);
    let hash = |text: &str| Digest::sha256(text.as_bytes()).hex()[..12].to_owned();
    let (content, none) = (hash("root:x:0:0\n"), hash(""));
    let expected = [
        format!("away Symlink 0 777 {} {none}", text(folder.path())),
        format!("etc Directory 0 755  {none}"),
        format!("etc/deep Directory 0 755  {none}"),
        format!("etc/deep/up Symlink 0 777 .. {none}"),
        format!("etc/out Symlink 0 777 ../../outside {none}"),
        format!("etc/passwd File 11 4755  {content}"),
        format!("etc/passwd- File 11 4755  {content}"),
        format!("pipe Special 0 600  {none}"),
    ];
    assert_eq!(notes.entries, expected);
    assert_eq!(notes.skipped, Vec::<String>::new());
    assert!(matches!(error_of(rootfs::open(&root.join("absent"), "dir:absent")), SourceError::NotFound { .. }));
    assert!(matches!(error_of(rootfs::open(&root.join("etc/passwd"), "dir:file")), SourceError::Io { .. }));
}

#[test]
fn what_cannot_be_read_of_a_folder_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut deep = folder.path().join("d");
    for _ in 0..140 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(folder.path().join(".wh.folder")).unwrap();
    fs::write(folder.path().join(".wh.full"), "content").unwrap();
    fs::write(folder.path().join(".wh.gone"), "").unwrap();
    let notes = walk(folder.path());
    assert_eq!(notes.skipped.len(), 3, "{:?}", notes.skipped);
    assert!(notes.skipped[2].contains("nested"));
    assert!(notes.entries.iter().any(|entry| entry.starts_with(".wh.gone File 0")));
    assert_eq!(notes.entries.len(), 1 + 129, "the mark and the folders down to the limit");
}

/// Marks of overlayfs, where this user may set them.
#[test]
fn marks_of_overlayfs_become_whiteouts() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    let device = rustix::fs::mknodat(
        rustix::fs::CWD,
        folder.path().join("etc/gone"),
        rustix::fs::FileType::CharacterDevice,
        0.into(),
        0,
    );
    let opaque = rustix::fs::setxattr(
        folder.path().join("etc"),
        "trusted.overlay.opaque",
        b"y",
        rustix::fs::XattrFlags::empty(),
    );
    fs::write(folder.path().join("ping"), "x").unwrap();
    let value = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let capability = rustix::fs::setxattr(
        folder.path().join("ping"),
        "security.capability",
        &value,
        rustix::fs::XattrFlags::empty(),
    );
    if device.is_err() || opaque.is_err() || capability.is_err() {
        skipped!("no right to make whiteout devices or attributes here ({device:?} {opaque:?} {capability:?})");
        return;
    }
    let names: Vec<String> =
        walk(folder.path()).entries.iter().map(|entry| entry.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["etc", "etc/.wh..wh..opq", "etc/.wh.gone", "ping"]);
    struct Capability(Option<Vec<u8>>);
    impl Visitor for Capability {
        fn entry(&mut self, entry: &Entry<'_>) {
            if entry.kind == EntryKind::File && entry.path == b"ping" {
                self.0 = entry.capability.map(<[u8]>::to_vec);
            }
        }
        fn data(&mut self, _bytes: &[u8]) {}
        fn hole(&mut self, _length: u64) {}
        fn end(&mut self) {}
        fn skipped(&mut self, _path: &[u8], _reason: &str) {}
    }
    let mut found = Capability(None);
    rootfs::walk(folder.path(), &mut found).unwrap();
    assert_eq!(found.0.as_deref(), Some(&value[..]));
}
