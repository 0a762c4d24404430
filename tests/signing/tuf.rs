//! TUF repositories: the public instance's, and one of the test's own that goes back, ends, and lies.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use imgguard::digest::Digest;
use imgguard::sign::tuf::{Mirror, TRUSTED_ROOT, TufError, targets};
use serde_json::{Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;
use tempfile::TempDir;

use crate::shared;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A repository whose only key signs everything.
pub(crate) struct Published {
    folder: TempDir,
    key: Ed25519KeyPair,
}

impl Published {
    pub(crate) fn new() -> Self {
        let published = Self { folder: tempfile::tempdir().unwrap(), key: Ed25519KeyPair::generate().unwrap() };
        fs::create_dir(published.path().join("targets")).unwrap();
        published.write("1.root.json", &published.signed(&published.root()));
        published
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn public(&self) -> Value {
        json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": hex(self.key.public_key().as_ref())}})
    }

    fn key_id(&self) -> String {
        Digest::sha256(&to_canonical_bytes(&self.public()).unwrap()).hex().to_owned()
    }

    fn root(&self) -> Value {
        let role = json!({"keyids": [self.key_id()], "threshold": 1});
        let roles: BTreeMap<_, _> =
            ["root", "timestamp", "snapshot", "targets"].map(|name| (name, role.clone())).into();
        json!({
            "_type": "root", "spec_version": "1.0", "version": 1, "expires": "2099-01-01T00:00:00Z", "consistent_snapshot": true,
            "keys": {self.key_id(): self.public()}, "roles": roles,
        })
    }

    fn signed(&self, body: &Value) -> Vec<u8> {
        let signature = self.key.sign(&to_canonical_bytes(body).unwrap());
        let signatures = json!([{"keyid": self.key_id(), "sig": hex(signature.as_ref())}]);
        json!({"signed": body, "signatures": signatures}).to_string().into_bytes()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    /// Publishes files as this version, which ends on a day.
    pub(crate) fn publish(&self, version: u64, end: &str, files: &[(&str, &[u8])]) {
        let body = |kind: &str| json!({"_type": kind, "spec_version": "1.0", "version": version, "expires": end});
        let mut all = body("targets");
        all["targets"] = json!({});
        for (name, bytes) in files {
            let digest = Digest::sha256(bytes);
            all["targets"][name] = json!({"length": bytes.len(), "hashes": {"sha256": digest.hex()}});
            self.write(&format!("targets/{}.{name}", digest.hex()), bytes);
        }
        self.write(&format!("{version}.targets.json"), &self.signed(&all));
        let mut snapshot = body("snapshot");
        snapshot["meta"] = json!({"targets.json": {"version": version}});
        self.write(&format!("{version}.snapshot.json"), &self.signed(&snapshot));
        let mut timestamp = body("timestamp");
        timestamp["meta"] = json!({"snapshot.json": {"version": version}});
        self.write("timestamp.json", &self.signed(&timestamp));
    }

    pub(crate) fn root_file(&self) -> PathBuf {
        self.path().join("1.root.json")
    }

    fn fetch(&self, cache: Option<&Path>, day: &str) -> Result<Vec<u8>, TufError> {
        fetch(Mirror::Folder(self.path().to_owned()), &fs::read(self.root_file()).unwrap(), cache, day)
    }
}

fn fetch(mirror: Mirror, root: &[u8], cache: Option<&Path>, day: &str) -> Result<Vec<u8>, TufError> {
    let now = format!("{day}T00:00:00Z").parse().unwrap();
    targets(mirror, root, cache, &[TRUSTED_ROOT], now).map(|mut files| files.remove(0))
}

#[test]
fn what_goes_back_ends_or_lies_is_refused() {
    let published = Published::new();
    let cache = tempfile::tempdir().unwrap();
    let cached = Some(cache.path());
    published.publish(1, "2027-01-01T00:00:00Z", &[(TRUSTED_ROOT, b"one")]);
    published.publish(2, "2027-01-01T00:00:00Z", &[(TRUSTED_ROOT, b"two")]);
    assert_eq!(published.fetch(cached, "2026-12-01").unwrap(), b"two");
    // The cache alone, as long as it holds.
    let root = fs::read(published.root_file()).unwrap();
    assert_eq!(fetch(Mirror::Cache, &root, cached, "2026-12-01").unwrap(), b"two");
    assert!(matches!(fetch(Mirror::Cache, &root, cached, "2027-02-01"), Err(TufError::Expired(_))));
    assert!(matches!(fetch(Mirror::Cache, &root, None, "2026-12-01"), Err(TufError::Unreachable(_))));
    // An older version than the cache has seen, though it is signed and has not ended.
    published.publish(1, "2027-01-01T00:00:00Z", &[(TRUSTED_ROOT, b"one")]);
    assert!(matches!(published.fetch(cached, "2026-12-01"), Err(TufError::Repository(_))));
    // One that has ended.
    published.publish(3, "2026-11-01T00:00:00Z", &[(TRUSTED_ROOT, b"three")]);
    assert!(matches!(published.fetch(None, "2026-12-01"), Err(TufError::Expired(_))));
    // Another file in its place.
    published.publish(4, "2027-01-01T00:00:00Z", &[(TRUSTED_ROOT, b"four")]);
    published.write(&format!("targets/{}.{TRUSTED_ROOT}", Digest::sha256(b"four").hex()), b"evil");
    assert!(matches!(published.fetch(None, "2026-12-01"), Err(TufError::Repository(_))));
    published.publish(4, "2027-01-01T00:00:00Z", &[]);
    assert!(published.fetch(None, "2026-12-01").is_err(), "a file that is not listed");
    // Somebody else's repository.
    let other = Published::new();
    other.publish(9, "2027-01-01T00:00:00Z", &[(TRUSTED_ROOT, b"evil")]);
    let refused = fetch(Mirror::Folder(other.path().to_owned()), &root, None, "2026-12-01");
    assert!(matches!(refused, Err(TufError::Repository(_))));
}

/// The public instance's repository, as it is published, from every root since the fifth (2022); keys of older ones are written in a form that nobody reads any more.
#[test]
fn the_public_repository_is_followed_from_old_roots() {
    let Some(data) = shared::folder("data/sigstore-roots/public-good") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (metadata, files) = (data.join("metadata"), data.join("targets"));
    for entry in fs::read_dir(metadata.join("root_history")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    fs::copy(metadata.join("timestamp.json"), folder.path().join("timestamp.json")).unwrap();
    for role in ["snapshot", "targets"] {
        let bytes = fs::read(metadata.join(format!("{role}.json"))).unwrap();
        let version = serde_json::from_slice::<Value>(&bytes).unwrap()["signed"]["version"].clone();
        fs::write(folder.path().join(format!("{version}.{role}.json")), bytes).unwrap();
    }
    let expected = fs::read(files.join(TRUSTED_ROOT)).unwrap();
    fs::create_dir(folder.path().join("targets")).unwrap();
    fs::write(folder.path().join(format!("targets/{}.{TRUSTED_ROOT}", Digest::sha256(&expected).hex())), &expected)
        .unwrap();
    for version in 5..=15 {
        let root = fs::read(metadata.join(format!("root_history/{version}.root.json"))).unwrap();
        let mirror = || Mirror::Folder(folder.path().to_owned());
        assert_eq!(fetch(mirror(), &root, None, "2026-08-22").unwrap(), expected, "from root {version}");
        assert!(matches!(fetch(mirror(), &root, None, "2027-01-01"), Err(TufError::Expired(_))));
    }
}
