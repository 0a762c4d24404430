//! Sigstore's own cases: 21 bundles that must be accepted and 49 that must not, with and without the signed bytes.

use std::fs;
use std::path::{Path, PathBuf};

use imgguard::digest::Digest;
use imgguard::sign::identity::{Identity, Matcher, Workflow};
use imgguard::sign::keys::PublicKey;
use imgguard::sign::{Engine, Proof, Signed, Trust, bundle};
use serde::Deserialize;

#[derive(Deserialize, Clone)]
pub(crate) struct Case {
    #[serde(rename = "case")]
    pub(crate) name: String,
    pub(crate) expect: String,
    bundle: PathBuf,
    artifact: PathBuf,
    trusted_root: PathBuf,
    key: Option<PathBuf>,
    identity: Option<String>,
    issuer: Option<String>,
}

/// All cases with the folder that their paths are relative to; none where the data is absent.
pub(crate) fn cases() -> Option<(PathBuf, Vec<Case>)> {
    let folder = crate::shared::folder("data/sigstore-conformance")?;
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    Some((folder.join("assets/bundle-verify"), cases))
}

impl Case {
    /// None where the key or the root cannot be used: nothing is accepted then.
    pub(crate) fn engine(&self, folder: &Path) -> Option<Engine> {
        let mut trust = Trust::default();
        if let Some(key) = &self.key {
            trust.keys.push(("key.pub".into(), PublicKey::from_pem(&fs::read(folder.join(key)).unwrap()).ok()?));
        }
        if let (Some(name), Some(issuer)) = (&self.identity, &self.issuer) {
            trust.identities.push(Identity {
                name: Matcher::Exact(name.clone()),
                issuer: Matcher::Exact(issuer.clone()),
                workflow: Workflow::default(),
            });
        }
        let root = (self.trusted_root != Path::new("public-good"))
            .then(|| fs::read_to_string(folder.join(&self.trusted_root)).unwrap());
        Engine::new(trust, root.as_deref()).ok()
    }

    pub(crate) fn bundle(&self, folder: &Path) -> Vec<u8> {
        fs::read(folder.join(&self.bundle)).unwrap()
    }

    pub(crate) fn json(&self, folder: &Path) -> serde_json::Value {
        serde_json::from_slice(&self.bundle(folder)).unwrap_or_default()
    }

    /// Signed by an identity of the public instance.
    pub(crate) fn is_keyless(&self) -> bool {
        self.key.is_none() && self.trusted_root == Path::new("public-good")
    }

    pub(crate) fn artifact(&self, folder: &Path) -> Vec<u8> {
        let own = folder.join(&self.artifact);
        fs::read(if own.is_file() { own } else { folder.join("a.txt") }).unwrap()
    }
}

pub(crate) fn check(engine: &Engine, bytes: &[u8], signed: Signed<'_>) -> Result<Proof, String> {
    let bundle = bundle::parse(bytes).map_err(|error| error.to_string())?;
    engine.check(&bundle, signed).map_err(|error| error.to_string())
}

#[test]
fn every_verdict_is_right() {
    let Some((folder, cases)) = cases() else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let (engine, bytes, artifact) = (case.engine(&folder), case.bundle(&folder), case.artifact(&folder));
        let digest = Digest::sha256(&artifact);
        for bytes_at_hand in [Some(artifact.as_slice()), None] {
            let signed = Signed { digest: &digest, bytes: bytes_at_hand };
            let outcome =
                engine.as_ref().ok_or_else(|| "no engine".into()).and_then(|engine| check(engine, &bytes, signed));
            if outcome.is_ok() != (case.expect == "pass") {
                wrong.push(format!("{} (bytes: {}): {outcome:?}", case.name, bytes_at_hand.is_some()));
            }
        }
    }
    assert_eq!(cases.len(), 70);
    assert_eq!(cases.iter().filter(|case| case.expect == "pass").count(), 21);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
