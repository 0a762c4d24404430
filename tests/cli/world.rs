//! The program with a scrubbed environment, and images made for a test.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use imgguard::digest::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::writer::{Archive, Block, Format};

/// The date at which these tests judge: the embedded store's own time, so that its data is not old.
pub(crate) const AS_OF: &str = "2026-08-25";

/// The bundled image, as the README names it.
pub(crate) const SAMPLE: &str = "oci:testdata/sample";

/// How a run ended.
pub(crate) struct Ended {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ended {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.err, self.out))
    }
}

/// The program, to be run in the repository's root without any variable of the user's.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgguard"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().stdin(Stdio::null());
    command
}

/// Runs the program with these arguments.
pub(crate) fn run<S: Into<OsString>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    end(program().args(arguments.into_iter().map(Into::into)))
}

/// Runs `scan` or `gate` without network, at [`AS_OF`].
pub(crate) fn judge<'a>(verb: &'a str, arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    run([verb, "--offline", "--as-of", AS_OF].into_iter().chain(arguments))
}

/// Runs `scan` without network, at [`AS_OF`].
pub(crate) fn scan<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ended {
    judge("scan", arguments)
}

/// Runs a command to its end.
pub(crate) fn end(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command that reads `input`.
pub(crate) fn end_with_input(command: &mut Command, input: &[u8]) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The program may end without reading everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    })
}

/// Runs every block of a page that begins with `# tested`, in order, in one folder; what they write to standard output.
pub(crate) fn page_runs(page: &str, folder: &Path) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let blocks: Vec<&str> =
        page.split("```sh\n# tested\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty(), "the page has commands");
    let program = Path::new(env!("CARGO_BIN_EXE_imgguard"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut told = String::new();
    for block in blocks {
        let mut shell = Command::new("sh");
        shell.args(["-ec", block]).current_dir(folder).env_clear();
        let output = shell.env("PATH", &path).env("HOME", folder).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{block}\n{}{}", text(&output.stdout), text(&output.stderr));
        told.push_str(&text(&output.stdout));
    }
    told
}

/// A layer of these files.
pub(crate) fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let add = |archive: Archive, (name, content): &(&str, &str)| {
        let size = i64::try_from(content.len()).unwrap();
        let mut block = Block::new(Format::Ustar, b'0', name.as_bytes(), size);
        // Root's, as builders copy them.
        block.number(108, 8, 0);
        block.number(116, 8, 0);
        archive.entry(block.seal(), content.as_bytes())
    };
    with_end(files.iter().fold(Archive::default(), add))
}

/// An archive with the two blocks that end one.
pub(crate) fn with_end(archive: Archive) -> Vec<u8> {
    archive.block(&Block([0; 512])).block(&Block([0; 512])).0
}

/// One platform of an image in the making.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) architecture: &'static str,
    pub(crate) layers: Vec<Vec<u8>>,
    /// Run settings, as Docker spells them.
    pub(crate) config: Value,
    /// Build steps, one a layer.
    pub(crate) history: Vec<String>,
}

impl Built {
    /// An image that nothing is wrong with, of these layers.
    pub(crate) fn new(layers: Vec<Vec<u8>>) -> Self {
        let history = (1..=layers.len()).map(|number| format!("COPY layer{number} /")).collect();
        let labels = ["created", "licenses", "revision", "source", "title"]
            .map(|name| (format!("org.opencontainers.image.{name}"), json!("told")));
        let config = json!({
            "User": "10001:10001", "Healthcheck": {"Test": ["CMD", "true"]}, "Labels": Value::from_iter(labels),
        });
        Self { architecture: "amd64", layers, config, history }
    }

    fn config_bytes(&self) -> Vec<u8> {
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| Digest::sha256(layer).to_string()).collect();
        let history: Vec<Value> = self.history.iter().map(|step| json!({"created_by": step})).collect();
        let config = json!({
            "architecture": self.architecture, "os": "linux", "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
        });
        serde_json::to_vec(&config).unwrap()
    }

    /// As `docker save` of today writes it: an archive with a `manifest.json`.
    pub(crate) fn docker_archive(&self, name: &str) -> Vec<u8> {
        let config = self.config_bytes();
        let config_name = format!("blobs/sha256/{}", Digest::sha256(&config).hex());
        let layers: Vec<(String, &Vec<u8>)> =
            self.layers.iter().map(|layer| (format!("blobs/sha256/{}", Digest::sha256(layer).hex()), layer)).collect();
        let names: Vec<&String> = layers.iter().map(|(name, _)| name).collect();
        let manifest = json!([{"Config": config_name, "RepoTags": [name], "Layers": names}]).to_string();
        let mut archive = Archive::default().file(Format::Ustar, config_name.as_bytes(), &config);
        for (name, layer) in &layers {
            archive = archive.file(Format::Ustar, name.as_bytes(), layer);
        }
        with_end(archive.file(Format::Ustar, b"manifest.json", manifest.as_bytes()))
    }
}

/// An OCI layout on disk.
pub(crate) struct Layout {
    pub(crate) folder: TempDir,
}

impl Layout {
    /// A layout that holds one image, as an index when it has several platforms.
    pub(crate) fn of(platforms: &[Built]) -> Self {
        let layout = Self::empty();
        let manifests: Vec<Value> = platforms.iter().map(|built| layout.manifest(built)).collect();
        let root = match manifests.as_slice() {
            [only] => only.clone(),
            _ => {
                let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
                layout.blob("application/vnd.oci.image.index.v1+json", index.to_string().as_bytes())
            }
        };
        layout.index(&[root]);
        layout
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder }
    }

    /// A copy of the bundled image.
    pub(crate) fn sample() -> Self {
        let layout = Self::empty();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample");
        fs::copy(from.join("index.json"), layout.path().join("index.json")).unwrap();
        for blob in fs::read_dir(from.join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap();
            fs::copy(blob.path(), layout.path().join("blobs/sha256").join(blob.file_name())).unwrap();
        }
        layout
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The reference that names it.
    pub(crate) fn reference(&self) -> String {
        format!("oci:{}", self.path().display())
    }

    pub(crate) fn blob_path(&self, digest: &str) -> PathBuf {
        self.path().join("blobs").join(digest.replace(':', "/"))
    }

    /// A stored document.
    pub(crate) fn document(&self, digest: &str) -> Value {
        serde_json::from_slice(&fs::read(self.blob_path(digest)).unwrap()).unwrap()
    }

    /// Stores a blob and gives its descriptor.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::sha256(bytes).to_string();
        fs::write(self.blob_path(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Stores one platform and gives its descriptor.
    pub(crate) fn manifest(&self, built: &Built) -> Value {
        let layers: Vec<Value> =
            built.layers.iter().map(|layer| self.blob("application/vnd.oci.image.layer.v1.tar", layer)).collect();
        let config = self.blob("application/vnd.oci.image.config.v1+json", &built.config_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers});
        let mut entry = self.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        entry["platform"] = json!({"os": "linux", "architecture": built.architecture});
        entry
    }

    /// Writes `index.json`.
    pub(crate) fn index(&self, entries: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": entries});
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    /// Adds an entry to the index of several platforms.
    pub(crate) fn add(&self, entry: Value) {
        let root: Value = serde_json::from_slice(&fs::read(self.path().join("index.json")).unwrap()).unwrap();
        let mut index = self.document(root["manifests"][0]["digest"].as_str().unwrap());
        index["manifests"].as_array_mut().unwrap().push(entry);
        self.index(&[self.blob("application/vnd.oci.image.index.v1+json", index.to_string().as_bytes())]);
    }

    /// Annotates the index of several platforms, and the manifest of its first.
    pub(crate) fn annotate(&self, of_index: &str, index_value: &str, of_manifest: &str, manifest_value: &str) {
        let root: Value = serde_json::from_slice(&fs::read(self.path().join("index.json")).unwrap()).unwrap();
        let mut index = self.document(root["manifests"][0]["digest"].as_str().unwrap());
        let mut manifest = self.document(index["manifests"][0]["digest"].as_str().unwrap());
        manifest["annotations"] = json!({of_manifest: manifest_value});
        let mut entry = self.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        entry["platform"] = index["manifests"][0]["platform"].clone();
        index["manifests"][0] = entry;
        index["annotations"] = json!({of_index: index_value});
        self.index(&[self.blob("application/vnd.oci.image.index.v1+json", index.to_string().as_bytes())]);
    }

    /// Digests of the layers of a platform of [`Layout::sample`], lowest first.
    pub(crate) fn sample_layers(&self, platform: usize) -> Vec<String> {
        let root: Value = serde_json::from_slice(&fs::read(self.path().join("index.json")).unwrap()).unwrap();
        let index = self.document(root["manifests"][0]["digest"].as_str().unwrap());
        let manifest = self.document(index["manifests"][platform]["digest"].as_str().unwrap());
        let layers = manifest["layers"].as_array().unwrap();
        layers.iter().map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// The whole layout as an archive.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut archive = Archive::default();
        for name in ["oci-layout", "index.json"] {
            archive = archive.file(Format::Ustar, name.as_bytes(), &fs::read(self.path().join(name)).unwrap());
        }
        for blob in fs::read_dir(self.path().join("blobs/sha256")).unwrap() {
            let blob = blob.unwrap();
            let name = format!("blobs/sha256/{}", blob.file_name().to_str().unwrap());
            archive = archive.file(Format::Ustar, name.as_bytes(), &fs::read(blob.path()).unwrap());
        }
        with_end(archive)
    }
}

/// A store of these OSV records, made by the program itself.
pub(crate) fn store(records: &[Value]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let inputs = folder.path().join("osv");
    fs::create_dir(&inputs).unwrap();
    for record in records {
        fs::write(inputs.join(format!("{}.json", record["id"].as_str().unwrap())), record.to_string()).unwrap();
    }
    let store = folder.path().join("advisories.store").to_str().unwrap().to_owned();
    let ended = run(["db", "import", inputs.to_str().unwrap(), "--output", &store]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    (folder, store)
}
