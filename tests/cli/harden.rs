//! Images made harder: what changes, what stays, and what other tools make of the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::secret::template::fill;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{AS_OF, Built, Ended, Layout, SAMPLE, end, program, run, with_end};
use crate::writer::{Archive, Block, Format};

/// Runs `harden` without network.
fn harden(from: &str, to: &str, more: &[&str]) -> Ended {
    let fixed = ["harden", "--offline", "--as-of", AS_OF, "--cache", "none", from, "-t", to];
    run(fixed.into_iter().chain(more.iter().copied()))
}

/// A folder for a new layout, and its reference.
fn target() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("oci:{}:app", folder.path().join("new").display());
    (folder, reference)
}

fn layout_of(folder: &TempDir) -> PathBuf {
    folder.path().join("new")
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Path, digest: &Value) -> PathBuf {
    layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))
}

/// The digest that the layout's only tag points to.
fn root(layout: &Path) -> Value {
    json_of(&layout.join("index.json"))["manifests"][0]["digest"].clone()
}

/// The manifests below the root, the root itself where it is one.
fn manifests(layout: &Path) -> Vec<Value> {
    let root = json_of(&blob(layout, &root(layout)));
    match root["manifests"].as_array() {
        Some(entries) => entries.iter().map(|entry| json_of(&blob(layout, &entry["digest"]))).collect(),
        None => vec![root],
    }
}

fn config(layout: &Path, platform: usize) -> Value {
    json_of(&blob(layout, &manifests(layout)[platform]["config"]["digest"]))
}

/// Every blob, without its compression.
fn inflated(layout: &Path) -> Vec<Vec<u8>> {
    let blobs =
        fs::read_dir(layout.join("blobs/sha256")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let plain = |bytes: Vec<u8>| match bytes.as_slice() {
        [0x1f, 0x8b, ..] => {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
            plain
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    };
    let index = fs::read(layout.join("index.json")).unwrap();
    blobs.map(plain).chain([index]).collect()
}

fn holds(layout: &Path, text: &str) -> bool {
    inflated(layout).iter().any(|blob| memchr::memmem::find(blob, text.as_bytes()).is_some())
}

/// A token of GitHub's, new for each number.
fn token(number: u64) -> String {
    fill("ghp_{github}", number).text
}

fn folder(archive: Archive, name: &str) -> Archive {
    archive.entry(Block::new(Format::Ustar, b'5', name.as_bytes(), 0), b"")
}

/// An image with secrets in two layers, one of them deleted later, and in the configuration.
fn leaky(tokens: &[String]) -> Built {
    let [first, deleted, env, label, history] = tokens else { panic!("five tokens") };
    let passwd = b"root:x:0:0:root:/root:/bin/sh\n";
    let archive = folder(folder(Archive::default(), "etc/"), "srv/");
    let archive = archive.file(Format::Ustar, b"etc/passwd", passwd).file(Format::Ustar, b"etc/group", b"root:x:0:\n");
    let archive = archive.file(Format::Ustar, b"srv/app.conf", format!("github_token = {first}\n").as_bytes());
    let archive = archive.file(Format::Ustar, b"srv/.env", format!("GITHUB_TOKEN={deleted}\n").as_bytes());
    let upper = with_end(Archive::default().file(Format::Ustar, b"srv/.wh..env", b""));
    Built {
        config: json!({
            "Env": ["PATH=/bin", format!("GITHUB_TOKEN={env}")], "WorkingDir": "/srv", "Labels": {"deploy": label},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000_u64}, "StopSignal": "SIGTERM",
            "ExposedPorts": {"8080/tcp": {}}, "Entrypoint": ["/bin/true"],
        }),
        history: vec!["COPY . /".into(), format!("RUN |1 TOKEN={history} /bin/sh -c rm /srv/.env")],
        ..Built::new(vec![with_end(archive), upper])
    }
}

#[test]
fn no_blob_of_the_new_image_has_a_secret() {
    let tokens: Vec<String> = (1..=5).map(token).collect();
    let layout = Layout::of(&[leaky(&tokens), Built { architecture: "arm64", ..leaky(&tokens) }]);
    layout.annotate("deploy", &tokens[3], "token", &tokens[2]);
    assert!(tokens.iter().all(|token| holds(layout.path(), token)));
    let (folder, to) = target();
    let ended = harden(&layout.reference(), &to, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let new = layout_of(&folder);
    for token in &tokens {
        assert!(!holds(&new, token));
        assert!(!ended.out.contains(token.as_str()) && !ended.err.contains(token.as_str()));
    }
    for place in
        ["/srv/.env", "/srv/app.conf", "env:GITHUB_TOKEN", "label:deploy", "history:1:TOKEN", "annotation:deploy"]
    {
        assert!(ended.out.contains(place), "{place}\n{}", ended.out);
    }
    assert!(ended.out.contains("rotate at https://github.com/settings/tokens"));
    // What is not a secret stays.
    let config = config(&new, 0);
    assert_eq!(config["config"]["Healthcheck"]["Interval"], 5_000_000_000_u64);
    assert_eq!(
        (&config["config"]["StopSignal"], &config["config"]["Env"][0]),
        (&json!("SIGTERM"), &json!("PATH=/bin"))
    );
    let steps = config["history"].as_array().unwrap();
    let layers = steps.iter().filter(|step| step["empty_layer"] != true).count();
    assert_eq!(layers, manifests(&new)[0]["layers"].as_array().unwrap().len());
    assert_eq!(layers, config["rootfs"]["diff_ids"].as_array().unwrap().len());
}

#[test]
fn the_gate_that_refused_the_old_image_takes_the_new_one() {
    let tokens: Vec<String> = (10..15).map(token).collect();
    let layout = Layout::of(&[leaky(&tokens)]);
    let (_folder, to) = target();
    let gate = |image: &str| run(["gate", "--offline", "--as-of", AS_OF, "--cache", "none", image]).code;
    assert_eq!(gate(&layout.reference()), 1);
    assert_eq!(harden(&layout.reference(), &to, &[]).code, 0);
    assert_eq!(gate(&to), 0);
}

#[test]
fn hardening_again_changes_nothing() {
    let ((first, to), (second, again), (third, twice)) = (target(), target(), target());
    for (from, to) in [(SAMPLE, &to), (SAMPLE, &again), (&to, &twice)] {
        let ended = harden(from, to, &[]);
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        if from != SAMPLE {
            assert!(ended.out.contains("Nothing to do."), "{}", ended.out);
        }
    }
    let digest = root(&layout_of(&first));
    assert_eq!(digest, root(&layout_of(&second)));
    assert_eq!(digest, root(&layout_of(&third)));
    assert_ne!(digest, root(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample").as_path()));
}

#[test]
fn platforms_that_are_not_chosen_keep_their_bytes() {
    let tokens: Vec<String> = (20..25).map(token).collect();
    let arm = |architecture| Built { architecture, ..leaky(&tokens) };
    let layout = Layout::of(&[leaky(&tokens), arm("arm64"), arm("arm")]);
    let (folder, to) = target();
    let ended = harden(&layout.reference(), &to, &["--platform", "linux/arm64"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let entries = |layout: &Path| json_of(&blob(layout, &root(layout)))["manifests"].as_array().unwrap().clone();
    let (before, after) = (entries(layout.path()), entries(&layout_of(&folder)));
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_ne!(before[1]["digest"], after[1]["digest"]);
    assert_eq!(before[1]["platform"], after[1]["platform"]);
    let plan = harden(&layout.reference(), &to, &["--plan"]).out;
    assert!(plan.contains("[linux/amd64, linux/arm64, linux/arm]"), "{plan}");
}

#[test]
fn what_is_at_the_destination_is_replaced_only_on_demand() {
    let tokens: Vec<String> = (30..35).map(token).collect();
    let layout = Layout::of(&[leaky(&tokens)]);
    let (folder, to) = target();
    assert_eq!(harden(SAMPLE, &to, &[]).code, 0);
    let before = root(&layout_of(&folder));
    let refused = harden(&layout.reference(), &to, &[]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("is there already") && refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(root(&layout_of(&folder)), before);
    assert_eq!(harden(&layout.reference(), &to, &["--yes"]).code, 0);
    assert_ne!(root(&layout_of(&folder)), before);
}

#[test]
fn a_plan_writes_nothing_and_has_a_schema() {
    let tokens: Vec<String> = (40..45).map(token).collect();
    let layout = Layout::of(&[leaky(&tokens)]);
    let (folder, to) = target();
    let ended = harden(&layout.reference(), &to, &["--plan", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!layout_of(&folder).exists());
    let schema = json_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/harden-plan-1.0.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let plan = ended.json();
    let errors: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let names: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["transform"].as_str().unwrap()).collect();
    assert_eq!(names, ["secrets", "non-root-user"]);
    let done = harden(&layout.reference(), &to, &["--format", "json"]).json();
    assert_eq!((&done["plan"]["steps"], &done["digest"]), (&plan["steps"], &root(&layout_of(&folder))));
}

#[test]
fn what_cannot_be_right_is_refused_and_said() {
    let mut built = leaky(&(50..55).map(token).collect::<Vec<_>>());
    built.config["ExposedPorts"] = json!({"80/tcp": {}, "8080/tcp": {}});
    built.config["Entrypoint"] = json!(["/bin/sh", "-c", "serve"]);
    let layout = Layout::of(&[built]);
    let (_folder, to) = target();
    let plan = harden(&layout.reference(), &to, &["--plan", "--remove", "shells"]).out;
    assert!(plan.contains("it stays root") && plan.contains("port 80/tcp"), "{plan}");
    assert!(plan.contains("shells stay: the entrypoint needs one"), "{plan}");
    for (from, to) in [("dir:testdata", to.as_str()), (SAMPLE, "dir:x"), (SAMPLE, "docker-archive:/nowhere/x.tar")] {
        let ended = harden(from, to, &[]);
        assert_ne!(ended.code, 0, "{from} {to}");
        assert!(ended.err.starts_with("imgguard: "), "{}", ended.err);
    }
}

/// Duplicates, a hard link out of the root, names that lead upwards or are long, a file that begins with a whiteout's prefix.
#[test]
fn a_hostile_layer_survives() {
    let long = "n/".repeat(120) + "end";
    let link = |name: &str, target: &str| Block::new(Format::Ustar, b'1', name.as_bytes(), 0).link(target.as_bytes());
    let gnu_name = [long.as_bytes(), b"\0"].concat();
    let archive = Archive::default()
        .file(Format::Ustar, b"twice", b"first")
        .file(Format::Ustar, b"../../etc/passwd", b"root:x:0:0::/:/bin/sh\n")
        .entry(link("out", "../../../etc/passwd"), b"")
        .file(Format::Ustar, b"drop/me", b"gone")
        .entry(link("also", "drop/me"), b"")
        .entry(Block::new(Format::Gnu, b'L', b"././@LongLink", gnu_name.len() as i64), &gnu_name)
        .file(Format::Gnu, b"short", b"long")
        .file(Format::Ustar, b"twice", b"second");
    let built = Built::new(vec![with_end(archive)]);
    let layout = Layout::of(&[built]);
    let (folder, to) = target();
    let ended = harden(&layout.reference(), &to, &["--remove-path", "/drop/me", "--skip", "non-root-user"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let new = layout_of(&folder);
    let layer = inflated(&new).into_iter().find(|blob| memchr::memmem::find(blob, b"second").is_some()).unwrap();
    for (text, is_there) in
        [("first", true), ("gone", false), ("also", false), ("../../../etc/passwd", true), (long.as_str(), true)]
    {
        assert_eq!(memchr::memmem::find(&layer, text.as_bytes()).is_some(), is_there, "{text}");
    }
}

/// Kind, mode, owner and content by path.
type Tree = BTreeMap<String, (u32, u32, u32, Vec<u8>)>;

/// What `umoci unpack` makes of a layout's only manifest: kind, mode, owner, content of every path.
fn unpacked(layout: &Path, tag: &str) -> Option<Tree> {
    let bundle = tempfile::tempdir().unwrap();
    let image = format!("{}:{tag}", layout.display());
    let mut command = Command::new("umoci");
    command.args(["unpack", "--image", &image]).arg(bundle.path().join("bundle"));
    let output = match command.output() {
        Err(_) => {
            skipped!("umoci is absent");
            return None;
        }
        Ok(output) => output,
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let root = bundle.path().join("bundle/rootfs");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let known = fs::symlink_metadata(&path).unwrap();
            let content = if known.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            found.insert(name, (known.mode(), known.uid(), known.gid(), content));
            if known.is_dir() {
                folders.push(path);
            }
        }
    }
    Some(found)
}

/// A single image with a setuid program, an application, a secret and a cache.
fn whole_image() -> Layout {
    let with_mode = |archive: Archive, name: &str, mode: i64, content: &[u8]| {
        let mut block = Block::new(Format::Ustar, b'0', name.as_bytes(), content.len() as i64);
        [(100, mode), (108, 0), (116, 0)].into_iter().for_each(|(at, value)| block.number(at, 8, value));
        archive.entry(block, content)
    };
    // `srv/app` is there only by what is in it.
    let folders = ["var/", "var/lib/", "var/lib/apt/", "var/lib/apt/lists/"];
    let mut archive = folders.iter().fold(Archive::default(), |archive, name| folder(archive, name));
    for (name, content, mode) in [
        ("etc/passwd", &b"root:x:0:0:root:/root:/bin/sh\n"[..], 0o644),
        ("etc/group", b"root:x:0:\n", 0o644),
        ("usr/bin/su", b"\x7fELF su", 0o4755),
        ("srv/app/server", b"\x7fELF server", 0o755),
        ("srv/app/tls.key", b"nothing secret", 0o644),
        ("srv/app/.env", format!("GITHUB_TOKEN={}\n", token(60)).as_bytes(), 0o644),
        ("var/lib/apt/lists/big", &[b'x'; 400_000], 0o644),
    ] {
        archive = with_mode(archive, name, mode, content);
    }
    let built = Built {
        config: json!({"Entrypoint": ["/srv/app/server"], "WorkingDir": "/srv/app", "Volumes": {"/data": {}}}),
        ..Built::new(vec![with_end(archive)])
    };
    let layout = Layout::of(&[built]);
    let mut index = json_of(&layout.path().join("index.json"));
    index["manifests"][0]["annotations"] = json!({"org.opencontainers.image.ref.name": "app"});
    fs::write(layout.path().join("index.json"), index.to_string()).unwrap();
    layout
}

/// Unpacked by another tool, old and new differ in what the plan says and in nothing else.
#[test]
fn only_what_was_planned_differs() {
    let layout = whole_image();
    let (folder, to) = target();
    let ended = harden(&format!("{}:app", layout.reference()), &to, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let Some(before) = unpacked(layout.path(), "app") else { return };
    let Some(after) = unpacked(&layout_of(&folder), "app") else { return };
    let differs = |path: &&String| before.get(path.as_str()) != after.get(path.as_str());
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<&str> = all.into_iter().filter(differs).map(String::as_str).collect();
    let expected = [
        "data",
        "etc/group",
        "etc/passwd",
        "srv/app",
        "srv/app/.env",
        "srv/app/server",
        "srv/app/tls.key",
        "usr/bin/su",
        "var/lib/apt/lists/big",
    ];
    assert_eq!(changed, expected);
    let mode = |path: &str| after.get(path).map(|(mode, uid, gid, _)| (mode & 0o7777, *uid, *gid));
    assert_eq!(mode("usr/bin/su"), Some((0o755, 0, 0)));
    assert_eq!(mode("srv/app/tls.key"), Some((0o600, 10001, 10001)));
    assert_eq!(mode("srv/app/server"), Some((0o755, 10001, 10001)));
    assert_eq!(mode("data"), Some((0o755, 10001, 10001)));
    assert_eq!(after["usr/bin/su"].3, b"\x7fELF su");
    assert!(after["etc/passwd"].3.ends_with(b"app:x:10001:10001:app:/srv/app:/sbin/nologin\n"));
}

/// skopeo reads and verifies what was written: both compressions, both archives.
#[test]
fn skopeo_takes_every_form() {
    let layout = whole_image();
    let from = format!("{}:app", layout.reference());
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let targets = [
        (format!("oci:{}:app", place("gzip")), &["--compression", "gzip"][..]),
        (format!("oci:{}:app", place("zstd")), &["--compression", "zstd"]),
        (format!("oci-archive:{}:app", place("oci.tar")), &[]),
        (format!("docker-archive:{}:app:hardened", place("docker.tar")), &[]),
    ];
    for (number, (to, more)) in targets.iter().enumerate() {
        let ended = harden(&from, to, more);
        assert_eq!(ended.code, 0, "{to}: {}{}", ended.out, ended.err);
        let copy = format!("dir:{}", place(&format!("copy{number}")));
        let mut command = Command::new("skopeo");
        match command.args(["copy", "--insecure-policy", to, &copy]).output() {
            Err(_) => skipped!("skopeo is absent"),
            Ok(output) => assert!(output.status.success(), "{to}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    let magic = |layout: &str| inflate_heads(&folder.path().join(layout));
    assert!(magic("gzip").contains(&[0x1f, 0x8b]) && magic("zstd").contains(&[0x28, 0xb5]));
}

/// One layer with what the merged view has, and no more.
#[test]
fn layers_become_one_on_demand() {
    let tokens: Vec<String> = (70..75).map(token).collect();
    let layout = Layout::of(&[leaky(&tokens)]);
    let (folder, to) = target();
    let ended = harden(&layout.reference(), &to, &["--squash"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let new = layout_of(&folder);
    let steps = config(&new, 0)["history"].as_array().unwrap().clone();
    assert_eq!(steps.iter().filter(|step| step["empty_layer"] != true).count(), 1);
    assert_eq!(manifests(&new)[0]["layers"].as_array().unwrap().len(), 1);
    assert!(!holds(&new, ".wh."), "whiteouts are applied");
    let Some(files) = unpacked(&new, "app") else { return };
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["etc", "etc/group", "etc/passwd", "srv"]);
    assert!(files["etc/passwd"].3.ends_with(b"/sbin/nologin\n"), "the last of a path stands");
}

/// Packages that are removed are in no record, and links of the system that they list as folders stay.
#[test]
fn package_managers_go_with_their_records() {
    let status = "Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\n\n\
                  Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n\n";
    let link = Block::new(Format::Ustar, b'2', b"lib", 0).link(b"usr/lib");
    let applet = Block::new(Format::Ustar, b'2', b"usr/bin/apt-link", 0).link(b"apt");
    let archive =
        ["etc/", "usr/", "usr/bin/", "usr/lib/"].iter().fold(Archive::default(), |archive, name| folder(archive, name));
    let archive = archive.entry(link, b"").entry(applet, b"");
    let file = |archive: Archive, (name, content): &(&str, &str)| {
        archive.file(Format::Ustar, name.as_bytes(), content.as_bytes())
    };
    let files = [
        ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        ("usr/bin/apt", "program"),
        ("usr/bin/serve", "service"),
        ("usr/lib/apt-helper", "helper"),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/apt.list", "/.\n/lib\n/lib/apt-helper\n/usr\n/usr/bin\n/usr/bin/apt\n"),
        ("var/lib/dpkg/info/base-files.list", "/.\n/etc\n/etc/os-release\n"),
    ];
    let layout = Layout::of(&[Built::new(vec![with_end(files.iter().fold(archive, file))])]);
    let (bundle, to) = target();
    let ended = harden(&layout.reference(), &to, &["--remove", "package-managers"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let report = run(["scan", "--offline", "--as-of", AS_OF, "--cache", "none", "--format", "json", &to]).json();
    let names: Vec<&str> =
        report["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["base-files"]);
    let Some(files) = unpacked(&layout_of(&bundle), "app") else { return };
    for (path, stays) in [
        ("lib", true),
        ("usr/bin/serve", true),
        ("usr/bin/apt", false),
        ("usr/bin/apt-link", false),
        ("usr/lib/apt-helper", false),
        ("var/lib/dpkg/info/apt.list", false),
        ("var/lib/dpkg/info/base-files.list", true),
    ] {
        assert_eq!(files.contains_key(path), stays, "{path}");
    }
}

fn inflate_heads(layout: &Path) -> BTreeSet<[u8; 2]> {
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap();
    blobs.filter_map(|entry| fs::read(entry.unwrap().path()).unwrap().first_chunk().copied()).collect()
}

/// What is signed with `--sign-key` verifies.
#[test]
fn the_new_image_is_signed_on_demand() {
    let (folder, to) = target();
    let prefix = folder.path().join("key");
    let with_password = || {
        let mut command = program();
        command.env("IMGGUARD_KEY_PASSWORD", "test");
        command
    };
    let made = end(with_password().args(["generate-key-pair", "--output-prefix"]).arg(&prefix));
    assert_eq!(made.code, 0, "{}", made.err);
    let mut command = with_password();
    command.args(["harden", "--offline", "--as-of", AS_OF, "--cache", "none", SAMPLE, "-t", &to, "--sign-key"]);
    let ended = end(command.arg(prefix.with_extension("key")));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    let verified =
        run(["verify", "--offline", &to, "--allow-no-log", "--key", prefix.with_extension("pub").to_str().unwrap()]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
}
