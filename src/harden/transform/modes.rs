//! Files with credentials that others than their owner may read.

use super::{Transform, Wishes};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::layer::tar::HeaderChange;

/// The transform.
pub(super) struct CredentialModes;

/// Names of files that hold credentials and nothing else; programs refuse several of them when others may read them (ssh(1), psql's `.pgpass`).
const NAMES: &[&str] = &[
    ".env",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".dockerconfigjson",
    ".htpasswd",
    ".vault-token",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "kubeconfig",
];

/// Ends of files that hold a private key.
const ENDS: &[&str] = &[".key", ".p12", ".pfx", ".jks", ".keystore", ".keytab"];

/// The same in their folders.
const PATHS: &[&str] = &[".aws/credentials", ".docker/config.json", ".kube/config", ".azure/accessTokens.json"];

impl Transform for CredentialModes {
    fn name(&self) -> &'static str {
        "credential-modes"
    }

    fn summary(&self) -> &'static str {
        "let only their owners read files with credentials (mode 0600)"
    }

    fn apply(&self, draft: &mut Draft, _wishes: &Wishes) {
        let mut step = Step::new(self.name(), "close files with credentials", "others than their owner may read them");
        let view = draft.view.clone();
        let open =
            view.iter().filter(|(path, entry)| entry.is_file() && entry.mode & 0o077 != 0 && is_credential(path));
        for (path, entry) in open {
            if !draft.is_there(path) {
                continue;
            }
            let mode = entry.mode & 0o600;
            let mut change = HeaderChange { mode: Some(mode), ..HeaderChange::default() };
            let mut told = format!("mode {:04o} to {mode:04o}", entry.mode);
            // So that the service can still read what it could read before.
            if let Some((uid, gid)) = draft.service.filter(|(uid, _)| u64::from(*uid) != entry.uid) {
                (change.uid, change.gid) = (Some(uid), Some(gid));
                told.push_str(&format!(", owned by {uid}:{gid}"));
            }
            draft.change(path, change);
            step.changes.push(Change::new(path, told));
        }
        draft.note(step);
    }
}

fn is_credential(path: &FilePath) -> bool {
    // Those of packages are for everybody, and are certificates of tests and the like.
    if path.as_bytes().starts_with(b"usr/share/") || path.as_bytes().starts_with(b"usr/lib/") {
        return false;
    }
    let path = path.to_string();
    let name = path.rsplit('/').next().unwrap_or_default();
    let ends = |end: &&str| path.ends_with(&format!("/{end}"));
    NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end)) || PATHS.iter().any(ends)
}
