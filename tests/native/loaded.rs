//! What an image's command can load, against what `ldd` says of the programs of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{compare, run, scan, text};

/// Programs with libraries of their own; those that this machine has are compared.
const PROGRAMS: &[&str] = &["curl", "git", "gpg", "openssl", "rsync", "ssh", "xz"];

/// The file that a name on `PATH` leads to.
fn find(program: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/local/bin", "/bin"].map(|folder| Path::new(folder).join(program));
    let found = folders.into_iter().find(|file| file.is_file())?;
    fs::read(&found).ok()?.starts_with(b"\x7fELF").then_some(found)
}

/// The files that the loader maps for a program, as `ldd` names them.
fn libraries(program: &Path) -> Option<BTreeSet<PathBuf>> {
    let output = run(Command::new("ldd").arg(program))?;
    let words = text(&output).split_whitespace().filter(|word| word.starts_with('/'));
    Some(words.map(PathBuf::from).collect())
}

/// An image of files, each of which is the only one of a package that is named after its place.
struct Image {
    files: BTreeMap<PathBuf, (Vec<u8>, u32)>,
    folder: tempfile::TempDir,
}

impl Image {
    fn new() -> Self {
        Self { files: BTreeMap::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn copy(&mut self, file: &Path) {
        self.files.insert(file.to_owned(), (fs::read(file).unwrap(), 0o755));
    }

    fn write(&mut self, file: &str, content: &str, mode: u32) {
        self.files.insert(PathBuf::from(file), (content.as_bytes().to_vec(), mode));
    }

    /// Names of packages may hold no slash.
    fn package_of(file: &Path) -> String {
        file.display().to_string().trim_start_matches('/').replace(['/', '_'], "-").to_lowercase()
    }

    fn layer(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut status = String::new();
        let mut add = |path: &str, content: &[u8], mode: u32| {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(mode);
            archive.append_data(&mut header, path.trim_start_matches('/'), content).unwrap();
        };
        for (file, (content, mode)) in &self.files {
            let (name, path) = (Self::package_of(file), file.to_str().unwrap());
            add(path, content, *mode);
            add(&format!("var/lib/dpkg/info/{name}.list"), format!("{path}\n").as_bytes(), 0o644);
            status.push_str(&format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
            ));
        }
        add("var/lib/dpkg/status", status.as_bytes(), 0o644);
        add("etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n", 0o644);
        archive.into_inner().unwrap()
    }

    /// The packages that are loaded when the image starts with `config`, or none where nothing is said.
    fn loaded(&self, config: &Value) -> Option<BTreeSet<String>> {
        let blobs = self.folder.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let store = |media_type: &str, bytes: &[u8]| {
            let digest = imgguard::digest::Digest::sha256(bytes);
            fs::write(blobs.join(digest.hex()), bytes).unwrap();
            json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
        };
        let oci = |kind: &str| format!("application/vnd.oci.image.{kind}");
        let layer = store(&oci("layer.v1.tar"), &self.layer());
        let config = json!({"os": "linux", "architecture": "amd64", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        let config = store(&oci("config.v1+json"), config.to_string().as_bytes());
        let manifest =
            json!({"schemaVersion": 2, "mediaType": oci("manifest.v1+json"), "config": config, "layers": [layer]});
        let manifest = store(&oci("manifest.v1+json"), manifest.to_string().as_bytes());
        let write = |name: &str, value: Value| fs::write(self.folder.path().join(name), value.to_string()).unwrap();
        write("index.json", json!({"schemaVersion": 2, "manifests": [manifest]}));
        write("oci-layout", json!({"imageLayoutVersion": "1.0.0"}));
        let report = scan(&format!("oci:{}", self.folder.path().display()));
        let packages = report["packages"].as_array().unwrap();
        let said: BTreeSet<bool> = packages.iter().map(|package| !package["loaded"].is_null()).collect();
        assert_eq!(said.len(), 1, "said of all or of none");
        let is_loaded = |package: &&Value| package["loaded"] == true;
        let names = packages.iter().filter(is_loaded).map(|package| package["name"].as_str().unwrap().to_owned());
        said.contains(&true).then(|| names.collect())
    }
}

/// The programs of this machine with their libraries.
fn programs() -> Vec<(PathBuf, BTreeSet<PathBuf>)> {
    let found = PROGRAMS.iter().filter_map(|program| find(program));
    found.filter_map(|program| libraries(&program).map(|libraries| (program, libraries))).collect()
}

fn packages<'f>(files: impl IntoIterator<Item = &'f PathBuf>) -> BTreeSet<String> {
    files.into_iter().map(|file| Image::package_of(file)).collect()
}

#[test]
fn programs_load_what_ldd_names() {
    let programs = programs();
    if programs.len() < 2 {
        skipped!("this machine has none of the programs, or no ldd");
        return;
    }
    let mut image = Image::new();
    programs
        .iter()
        .flat_map(|(program, libraries)| libraries.iter().chain([program]))
        .for_each(|file| image.copy(file));
    for (program, libraries) in &programs {
        let name = program.file_name().unwrap().to_str().unwrap();
        let native = packages(libraries.iter().chain([program]));
        for command in [json!({"Cmd": [name]}), json!({"Entrypoint": [program], "Cmd": ["--help"]})] {
            compare(name, &native, &image.loaded(&command).unwrap());
        }
    }
}

#[test]
fn scripts_load_what_their_commands_do() {
    let (Some((program, libraries)), Some(shell)) = (programs().pop(), find("dash")) else {
        skipped!("this machine has none of the programs, or no dash");
        return;
    };
    let name = program.file_name().unwrap().to_str().unwrap();
    let mut image = Image::new();
    image.copy(&program);
    libraries.iter().chain(&self::libraries(&shell).unwrap()).for_each(|file| image.copy(file));
    image.files.insert("/bin/sh".into(), (fs::read(&shell).unwrap(), 0o755));
    image.write("/usr/bin/other", "#!/bin/sh\n", 0o755);
    image.write("/entry", &format!("#!/bin/sh -e\nif test -n \"$X\"; then X=other exec {name} \"$@\"; fi\n"), 0o755);
    let mut native = packages(libraries.iter().chain(&self::libraries(&shell).unwrap()).chain([&program]));
    native.insert("bin-sh".into());
    compare(
        "shell form",
        &native,
        &image.loaded(&json!({"Cmd": ["/bin/sh", "-c", format!("cd /; {name} other")]})).unwrap(),
    );
    native.insert("entry".into());
    compare("script", &native, &image.loaded(&json!({"Entrypoint": ["/entry"], "Cmd": ["--flag"]})).unwrap());
    let open = [
        json!({"Cmd": ["/bin/sh"]}),
        json!({}),
        json!({"Cmd": ["/absent"]}),
        json!({"Entrypoint": ["/entry"], "Cmd": ["sh"]}),
    ];
    for config in open {
        assert_eq!(image.loaded(&config), None, "{config}");
    }
}

#[test]
fn interpreters_load_the_packages_of_their_language() {
    let mut image = Image::new();
    image.write("/usr/bin/python3.11", "\x7fELF", 0o755);
    image.write("/usr/bin/env", "\x7fELF", 0o755);
    image.write("/app/run", "#!/usr/bin/env python3.11\nimport six\n", 0o755);
    image.write("/usr/lib/python3/dist-packages/six.py", "", 0o644);
    image.write("/usr/share/perl5/Carp.pm", "", 0o644);
    let loaded = image.loaded(&json!({"WorkingDir": "/app", "Cmd": ["./run"]})).unwrap();
    let expected = ["app-run", "usr-bin-env", "usr-bin-python3.11", "usr-lib-python3-dist-packages-six.py"];
    assert_eq!(loaded, expected.map(str::to_owned).into());
}
