//! Advisory stores in registries: published, fetched by deltas, and what is not believed.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use imgguard::advisory::store::{FORMAT, Store};
use imgguard::digest::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::real::{Running, are_there};
use crate::server::{Answer, Asked, Body, Server};
use crate::signing::{Keys, Registry};
use crate::world::{Ended, end, program};

/// Seconds of 2026-08-01; a test's days are counted from there.
const FIRST_DAY: u64 = 1_785_542_400;

/// A publisher with a key, and a user with a store.
struct World {
    keys: Keys,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { keys: Keys::new(), folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The user's store.
    fn store(&self) -> PathBuf {
        self.path("user.store")
    }

    fn root(&self) -> String {
        Store::open(&self.store()).unwrap().digest().to_string()
    }

    /// The store of a day: 400 records, of which the first `day` are of that day, and as many more.
    fn build(&self, day: u32) -> PathBuf {
        let records = self.path(&format!("records-{day}")).join("crates.io");
        fs::create_dir_all(&records).unwrap();
        for number in 0..400 + day {
            let is_new = number < day || number >= 400;
            let of = if is_new { day + 1 } else { 1 };
            let record = json!({
                "schema_version": "1.7.0", "id": format!("X-{:04}", (number * 7919) % 10_000), "modified": format!("2026-08-{of:02}T00:00:00Z"),
                "affected": [{
                    "package": {"ecosystem": "crates.io", "name": format!("demo-{}", number % 50)},
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": format!("{number}.{of}.0")}]}],
                }],
            });
            fs::write(records.join(format!("{number}.json")), record.to_string()).unwrap();
        }
        let store = self.path(&format!("day-{day}.store"));
        let ended = end(program().args(["db", "build"]).arg(&records).arg("--output").arg(&store));
        assert_eq!(ended.code, 0, "{}", ended.err);
        store
    }

    /// Publishes the store of a day on that day.
    fn publish(&self, server: &Server, day: u32) -> Ended {
        self.push(server, day, &[])
    }

    fn push(&self, server: &Server, day: u32, options: &[&str]) -> Ended {
        let time = FIRST_DAY + u64::from(day) * 86_400;
        let mut command = program();
        command.env("IMGGUARD_KEY_PASSWORD", "").env("SOURCE_DATE_EPOCH", time.to_string());
        command.args(["db", "push", &reference(server), "--key", &self.keys.path("own.key"), "--db"]);
        end(command.arg(self.build(day)).args(options))
    }

    fn update(&self, mirrors: &[&Server], options: &[&str]) -> Ended {
        let mut command = program();
        command.args(["db", "update", "--as-of", "2026-08-10", "--output"]).arg(self.store());
        for mirror in mirrors {
            command.args(["--from", &reference(mirror)]);
        }
        end(command.args(options))
    }

    fn trusting(&self, mirrors: &[&Server]) -> Ended {
        self.update(mirrors, &["--key", &self.keys.path("own.pub"), "--allow-no-log"])
    }
}

fn reference(server: &Server) -> String {
    format!("{}/app:store", server.address)
}

/// Paths of blobs that were asked for since `from`, without the signature's.
fn blobs(server: &Server, from: usize, registry: &Registry) -> Vec<String> {
    let manifest = registry.kept("store").unwrap();
    let layers: Vec<String> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["digest"].as_str().unwrap().to_owned())
        .collect();
    let asked = server.asked().split_off(from);
    let name = |asked: Asked| asked.path.rsplit('/').next().unwrap().to_owned();
    asked.into_iter().filter(|asked| asked.method == "GET").map(name).filter(|name| layers.contains(name)).collect()
}

#[test]
fn a_day_later_only_a_delta_is_fetched() {
    for lists_referrers in [true, false] {
        let (world, registry) = (World::new(), Registry::new(lists_referrers));
        let server = registry.serve(|_| None);
        let first = world.publish(&server, 0);
        assert!(first.code == 0 && first.err.contains("no delta"), "{}", first.err);
        let whole = world.trusting(&[&server]);
        assert_eq!(whole.code, 0, "{}", whole.err);
        assert!(whole.out.contains("signed by key "), "{}", whole.out);
        assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-0.store")).unwrap());

        // Nothing new: not a byte of a layer.
        let from = server.asked().len();
        let again = world.trusting(&[&server]);
        assert!(again.code == 0 && again.out.contains("nothing new"), "{}{}", again.out, again.err);
        assert_eq!(blobs(&server, from, &registry), [""; 0]);

        // Two days at once: two deltas, small ones, and the same bytes as the whole store.
        for day in [1, 2] {
            assert_eq!(world.publish(&server, day).code, 0);
        }
        let layers = registry.kept("store").unwrap()["layers"].clone();
        let from = server.asked().len();
        let later = world.trusting(&[&server]);
        assert!(later.code == 0 && later.out.contains(": 2 deltas, "), "{}{}", later.out, later.err);
        assert_eq!(
            blobs(&server, from, &registry),
            [2, 1].map(|layer: usize| layers[layer]["digest"].as_str().unwrap().to_owned())
        );
        let sizes: Vec<u64> = layers.as_array().unwrap().iter().map(|layer| layer["size"].as_u64().unwrap()).collect();
        assert!(sizes[1] + sizes[2] < sizes[0] / 2, "{sizes:?}");
        assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-2.store")).unwrap());
    }
}

#[test]
fn what_the_manifest_says_can_be_read_by_everybody() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 3).code, 0);
    let manifest = registry.kept("store").unwrap();
    assert_eq!(manifest["artifactType"], "application/vnd.imgguard.advisories");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
    assert_eq!(manifest["layers"][0]["mediaType"], format!("application/vnd.imgguard.advisories.store.v{FORMAT}"));
    let annotations = &manifest["annotations"];
    assert_eq!(annotations["org.opencontainers.image.created"], "2026-08-04T00:00:00Z");
    assert_eq!(annotations["imgguard.sources"], "crates.io 2026-08-04");
    // The tag came last: until then nobody could meet an unsigned store.
    let puts: Vec<Asked> = server.asked().into_iter().filter(|asked| asked.method == "PUT").collect();
    assert!(puts.last().unwrap().path.ends_with("/manifests/store"));
    let ended =
        world.keys.run(&["verify", &reference(&server), "--key", &world.keys.path("own.pub"), "--allow-no-log"]);
    assert_eq!(ended.code, 0, "it is an image's signature: {}{}", ended.out, ended.err);
}

#[test]
fn a_store_that_is_not_signed_as_demanded_is_refused() {
    let (world, registry, stranger) = (World::new(), Registry::new(true), Keys::new());
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    assert_eq!(world.trusting(&[&server]).code, 0);
    let before = world.root();
    assert_eq!(world.publish(&server, 1).code, 0);

    let refused = |ended: Ended, code: u8, words: &str| {
        assert_eq!(i32::from(code), ended.code, "{words}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert_eq!(world.root(), before, "{words}: the store is as it was");
    };
    refused(world.update(&[&server], &[]), 2, "nobody is trusted");
    refused(
        world.update(&[&server], &["--key", &stranger.path("own.pub"), "--allow-no-log"]),
        4,
        "none of the trusted keys",
    );
    refused(world.update(&[&server], &["--key", &world.keys.path("own.pub")]), 4, "no entry of a transparency log");

    // The same artifact in a registry that lost the signature, or never had one.
    let bare = registry.serve(|asked| asked.path.contains("/referrers/").then(|| Answer::new(404, "")));
    refused(world.trusting(&[&bare]), 4, "no signature was found");
    let taken = world.update(&[&bare], &["--allow-unsigned"]);
    assert!(taken.code == 0 && taken.out.contains("not checked who signed it"), "{}{}", taken.out, taken.err);
    assert_ne!(world.root(), before);
}

/// Replaces what a digest or tag leads to.
fn instead(registry: &Registry, name: &str, bytes: Vec<u8>) -> Server {
    let name = name.to_owned();
    registry.serve(move |asked| {
        let is_meant = asked.method == "GET" && asked.path.ends_with(&name);
        is_meant
            .then(|| Answer::new(200, bytes.clone()).with("Content-Type", "application/vnd.oci.image.manifest.v1+json"))
    })
}

#[test]
fn a_store_that_was_tampered_with_is_refused() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    let manifest = registry.kept("store").unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let store = fs::read(world.path("day-0.store")).unwrap();
    let refused = |server: &Server, words: &str| {
        let ended = world.trusting(&[server]);
        assert_eq!(ended.code, 4, "{words}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert!(!world.store().exists(), "{words}");
        let left = fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".tmp")), "{words}: nothing is left over");
    };
    let mut flipped = store.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    refused(&instead(&registry, layer, flipped), "was damaged or replaced on the way");
    let mut longer = store.clone();
    longer.push(0);
    refused(&instead(&registry, layer, longer), "was damaged or replaced on the way");

    // A manifest that names other content has another digest, which nobody signed.
    let other = String::from_utf8(registry.kept.lock().unwrap()["store"].1.clone()).unwrap();
    let other = other.replace(layer, Digest::sha256(b"other").as_str()).into_bytes();
    refused(&instead(&registry, "/manifests/store", other), "no signature was found");
    refused(&instead(&registry, "/manifests/store", b"{}".to_vec()), "it is no advisory store, but an image");
    refused(&instead(&registry, "/manifests/store", b"{".to_vec()), "was damaged or replaced on the way");
}

/// Signed by the trusted key, and still not to be used: the publisher's own mistakes.
#[test]
fn a_signed_store_must_be_what_its_manifest_says() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    let manifest = registry.kept("store").unwrap();
    let root = manifest["layers"][0]["annotations"]["imgguard.store"].as_str().unwrap().to_owned();
    let kind = format!("advisories.store.v{FORMAT}");
    let text = manifest.to_string();
    for (from, to, words) in [
        (root.as_str(), Digest::sha256(b"other").to_string(), "its file is sha256:"),
        (kind.as_str(), "advisories.store.v99".to_owned(), "its file has format 99, this program reads"),
        ("2026-08-01T00:00:00Z", "2026-08-30T00:00:00Z".to_owned(), "is none, or lies in the future"),
        ("2026-08-01T00:00:00Z", "yesterday".to_owned(), "is none, or lies in the future"),
        (
            "2026-08-01T00:00:00Z",
            "2026-06-01T00:00:00Z".to_owned(),
            "it was published 70 days ago, and at most 30 are accepted",
        ),
    ] {
        let changed = text.replace(from, &to);
        assert_ne!(changed, text, "{from}");
        let stored = ("application/vnd.oci.image.manifest.v1+json".to_owned(), changed.clone().into_bytes());
        let digest = Digest::sha256(changed.as_bytes()).to_string();
        registry.kept.lock().unwrap().extend([(digest, stored.clone()), ("store".to_owned(), stored)]);
        let signed = world.keys.run(&["sign", &reference(&server), "--key", &world.keys.path("own.key")]);
        assert_eq!(signed.code, 0, "{}", signed.err);
        let ended = world.trusting(&[&server]);
        assert_eq!(ended.code, 4, "{words}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert!(ended.err.contains("hint: "), "{}", ended.err);
        assert!(!world.store().exists(), "{words}");
    }
}

#[test]
fn nobody_serves_an_old_store_again() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    let old = registry.kept.lock().unwrap()["store"].1.clone();
    assert_eq!(world.publish(&server, 2).code, 0);
    assert_eq!(world.trusting(&[&server]).code, 0);
    let before = world.root();
    let replayed = instead(&registry, "/manifests/store", old);
    let ended = world.trusting(&[&replayed]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(
        ended
            .err
            .contains("it was published at 2026-08-01T00:00:00Z, and one of 2026-08-03T00:00:00Z was accepted before"),
        "{}",
        ended.err
    );

    // Without what is remembered, the dates of the sources still tell.
    fs::remove_file(world.path("user.store.origin.json")).unwrap();
    let ended = world.trusting(&[&replayed]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("the newest record of crates.io is of 2026-08-01"), "{}", ended.err);
    assert_eq!(world.root(), before);
    // A publisher does not go back by mistake either.
    let ended = world.publish(&server, 1);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert_eq!(world.push(&server, 1, &["--accept-fewer"]).code, 0);
    let trust = ["--key", &world.keys.path("own.pub"), "--allow-no-log", "--accept-fewer"];
    assert_eq!(world.update(&[&replayed], &trust).code, 0);
    assert_ne!(world.root(), before);
}

#[test]
fn a_mirror_takes_over() {
    let (world, registry) = (World::new(), Registry::new(true));
    let good = registry.serve(|_| None);
    assert_eq!(world.publish(&good, 0).code, 0);
    let limited = registry.serve(|_| Some(Answer::new(429, "").with("Retry-After", "50")));
    let failing = registry.serve(|_| Some(Answer::new(503, "")));
    let layer = registry.kept("store").unwrap()["layers"][0]["digest"].as_str().unwrap().to_owned();
    let tampered = instead(&registry, &layer, b"other".to_vec());
    let start = Instant::now();
    let ended = world.trusting(&[&limited, &failing, &tampered, &good]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(start.elapsed() < Duration::from_secs(40), "nobody waits for the one that asks to be left alone");
    assert_eq!(limited.asked().len(), 1, "and it is left alone");
    assert!(ended.err.contains("limits the request rate"), "{}", ended.err);
    assert!(ended.err.contains("was damaged or replaced on the way"), "what was wrong is told: {}", ended.err);
    assert!(ended.out.contains(&reference(&good)), "{}", ended.out);

    // Where none serves, the one that may is asked with patience.
    let (world, registry) = (World::new(), Registry::new(true));
    let good = registry.serve(|_| None);
    assert_eq!(world.publish(&good, 0).code, 0);
    let busy = registry.serve(|asked| (asked.path.ends_with("/v2/") && asked.before < 2).then(|| Answer::later(429)));
    let absent = registry.serve(|asked| asked.path.contains("/manifests/").then(|| Answer::new(404, "")));
    let ended = world.trusting(&[&busy, &absent]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains(&reference(&busy)), "{}", ended.out);
}

#[test]
fn a_cut_download_goes_on_or_leaves_the_store() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    let layer = registry.kept("store").unwrap()["layers"][0]["digest"].as_str().unwrap().to_owned();
    let store = fs::read(world.path("day-0.store")).unwrap();
    let bytes = store.clone();
    let name = layer.clone();
    let cut = registry.serve(move |asked| {
        if asked.method != "GET" || !asked.path.ends_with(&name) {
            return None;
        }
        Some(
            match asked
                .header("range")
                .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok())
            {
                None => Answer::new(200, bytes.clone()).sent(Body::Cut(bytes.len() / 2)),
                Some(first) => Answer::new(206, &bytes[first..])
                    .with("Content-Range", format!("bytes {first}-{}/{}", bytes.len() - 1, bytes.len())),
            },
        )
    });
    let ended = world.trusting(&[&cut]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(fs::read(world.store()).unwrap(), store);
    assert_eq!(cut.asked_for(&layer).len(), 2, "the rest only");

    fs::remove_file(world.store()).unwrap();
    let short = instead(&registry, &layer, store[..store.len() / 2].to_vec());
    let ended = world.trusting(&[&short]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(!world.store().exists());
}

/// Killed while the store comes, a run leaves the one that was there, and the next run is not disturbed.
#[test]
fn a_killed_update_leaves_the_store() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    assert_eq!(world.trusting(&[&server]).code, 0);
    let before = fs::read(world.store()).unwrap();
    assert_eq!(world.push(&server, 1, &[]).code, 0);
    let layers = registry.kept("store").unwrap()["layers"].clone();
    let digest = |layer: usize| layers[layer]["digest"].as_str().unwrap().to_owned();
    let (whole, delta) = (digest(0), digest(1));
    let bytes = fs::read(world.path("day-1.store")).unwrap();
    let name = whole.clone();
    let stalled = registry.serve(move |asked| match asked.method.as_str() {
        "GET" if asked.path.ends_with(&delta) => Some(Answer::new(404, "")),
        "GET" if asked.path.ends_with(&name) => {
            Some(Answer::new(200, bytes.clone()).sent(Body::Stalled(bytes.len() / 2)))
        }
        _ => None,
    });
    let mut command = program();
    command.args(["db", "update", "--as-of", "2026-08-10", "--allow-no-log", "--from", &reference(&stalled)]);
    command.args(["--key", &world.keys.path("own.pub"), "--output"]).arg(world.store());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while stalled.asked_for(&whole).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it waits for the rest");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read(world.store()).unwrap(), before);
    assert_eq!(world.trusting(&[&server]).code, 0);
    assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-1.store")).unwrap());
}

/// For a closed network: one signed file with the store, policies and a trusted root.
#[test]
fn a_file_for_a_closed_network() {
    let world = World::new();
    let (store, archive) = (world.build(0), world.path("advisories.oci.tar"));
    let policy = world.path("release.toml");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/gates/local.toml"), &policy).unwrap();
    let export = |day: u32, store: &std::path::Path, archive: &std::path::Path| {
        let time = FIRST_DAY + u64::from(day) * 86_400;
        let mut command = program();
        command.env("IMGGUARD_KEY_PASSWORD", "").env("SOURCE_DATE_EPOCH", time.to_string());
        command.args(["db", "export"]).arg(archive).args(["--key", &world.keys.path("own.key"), "--db"]).arg(store);
        let ended = end(command.arg("--policy").arg(&policy));
        assert_eq!(ended.code, 0, "{}", ended.err);
    };
    export(0, &store, &archive);
    let inside = world.path("inside/user.store");
    fs::create_dir(inside.parent().unwrap()).unwrap();
    let import = |archive: &std::path::Path, trust: &[&str]| {
        let mut command = program();
        command.args(["db", "import", "--as-of", "2026-08-10", "--output"]).arg(&inside).arg(archive);
        end(command.args(trust))
    };
    let trusted = ["--key", &world.keys.path("own.pub"), "--allow-no-log"];
    let refused = |ended: Ended, code: i32, words: &str| {
        assert_eq!(ended.code, code, "{words}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    };
    refused(import(&archive, &[]), 2, "nobody is trusted");
    refused(
        import(&archive, &["--key", &Keys::new().path("own.pub"), "--allow-no-log"]),
        4,
        "none of the trusted keys",
    );
    let bytes = fs::read(&archive).unwrap();
    let damaged = world.path("damaged.oci.tar");
    let middle = memchr::memmem::find(&bytes, &fs::read(&store).unwrap()).unwrap();
    for at in [middle, middle + 1000] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&damaged, changed).unwrap();
        refused(import(&damaged, &trusted), 4, "was damaged or replaced on the way");
    }
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(import(&damaged, &trusted).code, 4);
    assert!(!inside.exists() && !inside.with_file_name("policies").exists(), "nothing of what was refused is there");

    let taken = import(&archive, &trusted);
    assert_eq!(taken.code, 0, "{}", taken.err);
    assert_eq!(fs::read(&inside).unwrap(), fs::read(&store).unwrap());
    assert_eq!(fs::read(inside.with_file_name("policies").join("release.toml")).unwrap(), fs::read(&policy).unwrap());
    // A newer one is taken, and then the first one no more.
    let newer = world.path("newer.oci.tar");
    export(2, &world.build(2), &newer);
    assert_eq!(import(&newer, &trusted).code, 0);
    refused(import(&archive, &trusted), 4, "was accepted before");

    // Other tools read it as what it is.
    if are_there(&["skopeo"]) {
        let read = std::process::Command::new("skopeo")
            .args(["inspect", "--raw", &format!("oci-archive:{}:latest", archive.display())])
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let manifest: Value = serde_json::from_slice(&read.stdout).unwrap();
        assert_eq!(manifest["artifactType"], "application/vnd.imgguard.advisories");
    }
}

/// A layout in a folder serves as a mirror, as what another tool copied into it does.
#[test]
fn a_store_comes_from_a_layout() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    let archive = world.path("advisories.oci.tar");
    let mut export = program();
    export.env("IMGGUARD_KEY_PASSWORD", "").env("SOURCE_DATE_EPOCH", FIRST_DAY.to_string());
    export.args(["db", "export"]).arg(&archive).args(["--key", &world.keys.path("own.key"), "--db"]);
    assert_eq!(end(export.arg(world.path("day-0.store"))).code, 0);
    let layout = world.path("layout");
    tar::Archive::new(fs::File::open(&archive).unwrap()).unpack(&layout).unwrap();
    let from = |name: &str, trust: &[&str]| {
        let mut command = program();
        command.args(["db", "update", "--as-of", "2026-08-10", "--from", &format!("oci:{}{name}", layout.display())]);
        end(command.arg("--output").arg(world.store()).args(trust))
    };
    let trusted = ["--key", &world.keys.path("own.pub"), "--allow-no-log"];
    for name in [":latest", ""] {
        let taken = from(name, &trusted);
        assert_eq!(taken.code, 0, "{name}: {}", taken.err);
        assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-0.store")).unwrap());
    }
    let refused = from(":latest", &["--key", &Keys::new().path("own.pub"), "--allow-no-log"]);
    assert!(refused.code == 4 && refused.err.contains("none of the trusted keys"), "{}", refused.err);
    let absent = from(":other", &trusted);
    assert!(absent.code == 5 && absent.err.contains("other"), "{}", absent.err);
}

/// Debian's `docker-registry`, with TLS and a password: three days of a publisher.
#[test]
fn a_real_registry_serves_stores() {
    if !are_there(&["docker-registry", "htpasswd"]) {
        return;
    }
    let (world, registry) = (World::new(), Running::start(false));
    let reference = format!("{}/team/advisories:latest", registry.address);
    let run = |arguments: &[&str], day: u32, file: &std::path::Path| {
        let time = FIRST_DAY + u64::from(day) * 86_400;
        let mut command = program();
        command.env("DOCKER_AUTH_CONFIG", registry.auths("s3cr3t")).env("IMGGUARD_KEY_PASSWORD", "");
        command.env("SOURCE_DATE_EPOCH", time.to_string()).args(arguments).arg(file);
        end(command.arg("--ca").arg(registry.file("ca.crt")))
    };
    let (key, trusted) = (world.keys.path("own.key"), world.keys.path("own.pub"));
    for day in 0..3 {
        let pushed = run(&["db", "push", &reference, "--key", &key, "--db"], day, &world.build(day));
        assert_eq!(pushed.code, 0, "{}", pushed.err);
        if day != 1 {
            let update = [
                "db",
                "update",
                "--from",
                &reference,
                "--key",
                &trusted,
                "--allow-no-log",
                "--as-of",
                "2026-08-10",
                "--output",
            ];
            let updated = run(&update, day, &world.store());
            assert_eq!(updated.code, 0, "{}", updated.err);
            assert_eq!(updated.out.contains("2 deltas"), day == 2, "{}", updated.out);
        }
    }
    assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-2.store")).unwrap());
}

#[test]
fn a_delta_that_leads_elsewhere_costs_only_time() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    assert_eq!(world.trusting(&[&server]).code, 0);
    assert_eq!(world.publish(&server, 1).code, 0);
    let delta = registry.kept("store").unwrap()["layers"][1]["digest"].as_str().unwrap().to_owned();
    let missing = registry.serve(move |asked| asked.path.ends_with(&delta).then(|| Answer::new(404, "")));
    let ended = world.trusting(&[&missing]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!ended.out.contains("delta"), "{}", ended.out);
    assert_eq!(fs::read(world.store()).unwrap(), fs::read(world.path("day-1.store")).unwrap());
}

#[test]
fn a_damaged_store_is_replaced_by_the_whole_one() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    assert_eq!(world.publish(&server, 0).code, 0);
    assert_eq!(world.trusting(&[&server]).code, 0);
    let sound = fs::read(world.store()).unwrap();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(world.store(), damaged).unwrap();
    let ended = world.trusting(&[&server]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(fs::read(world.store()).unwrap(), sound);
}

/// What may not be handed on is left out by `db build`, and not taken by `db push`.
#[test]
fn what_may_not_be_handed_on_is_not() {
    let (world, registry) = (World::new(), Registry::new(true));
    let server = registry.serve(|_| None);
    let secdb = world.path("security.json");
    let feed: Value = json!({"apkurl": "{{urlprefix}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk", "archs": ["x86_64"], "reponame": "os", "urlprefix": "https://packages.wolfi.dev",
        "packages": [{"pkg": {"name": "demo", "secfixes": {"1.0.0-r1": ["CVE-2026-0001"]}}}]});
    fs::write(&secdb, feed.to_string()).unwrap();
    let store = world.path("own.store");
    let import = end(program().args(["db", "import"]).arg(&secdb).arg("--output").arg(&store));
    assert_eq!(import.code, 0, "{}", import.err);
    let ended = end(pushing(&world, &server).arg(&store));
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(ended.err.contains("do not allow to hand the store on") && ended.err.contains("db build"), "{}", ended.err);
    let build = end(program().args(["db", "build"]).arg(&secdb).arg("--output").arg(&store));
    assert_eq!(build.code, 0, "{}", build.err);
    assert!(build.out.contains("1 left out because of their terms"), "{}", build.out);
    assert_eq!(end(pushing(&world, &server).arg(&store)).code, 0);
}

fn pushing(world: &World, server: &Server) -> std::process::Command {
    let mut push = program();
    push.env("IMGGUARD_KEY_PASSWORD", "");
    push.args(["db", "push", &reference(server), "--key", &world.keys.path("own.key"), "--db"]);
    push
}
