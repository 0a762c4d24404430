//! A file that holds secrets is copied into the image.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-secret-file`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-secret-file",
        severity: Severity::High,
        summary: "a file that holds secrets is copied into the image",
        why: "It stays in its layer for everybody who can pull the image, even if a later instruction removes it.",
        advice: "use RUN --mount=type=secret for the build, pass it when the container starts, and add the file to .dockerignore",
        aliases: &["CIS-4.10", "CIS-DI-0010", "DS-0031"],
        sources: &["https://docs.docker.com/build/building/secrets/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

/// Names whose files hold secrets and nothing else.
const NAMES: &[&str] = &[
    ".env",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    "credentials.json",
    ".vault-token",
    "kubeconfig",
    "terraform.tfstate",
    ".dockercfg",
];

/// Endings of files that do.
const ENDINGS: &[&str] = &[
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".ovpn",
    "/.aws/credentials",
    "/.docker/config.json",
    "/.kube/config",
    "/.ssh",
    "/.gnupg",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Copy).chain(subject.instructions(Keyword::Add)) {
        let [sources @ .., _] = instruction.words() else { continue };
        if instruction.flag("from").is_some() {
            continue;
        }
        for source in sources {
            let path = source.text.trim_matches(['"', '\'']).trim_end_matches('/');
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_env = name
                .strip_prefix(".env.")
                .is_some_and(|rest| !["example", "sample", "template", "dist", "defaults", "test"].contains(&rest));
            let slashed = format!("/{path}");
            if NAMES.contains(&name) || is_env || ENDINGS.iter().any(|end| slashed.ends_with(end)) {
                problems.add(&source.span, path, format!("`{path}` holds secrets"));
            }
        }
    }
}
