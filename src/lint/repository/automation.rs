//! What is done by itself: proposals of new versions, and scans on a schedule.
//!
//! Sources: GitHub's "Dependabot options reference" and "Events that trigger workflows"; Renovate's "Configuration options" (places of its file, `enabledManagers`).

use super::Subject;
use crate::workload::yaml::{self, Node};

/// Renovate's places, in its order.
const RENOVATE: &[&str] = &[
    "renovate.json",
    "renovate.json5",
    ".github/renovate.json",
    ".github/renovate.json5",
    ".gitlab/renovate.json",
    ".gitlab/renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".renovaterc.json5",
];

/// Managers of Renovate that look at images.
const IMAGE_MANAGERS: &[&str] = &["docker", "kubernetes", "helm", "regex", "custom"];

/// Files and folders of services that build, besides GitHub's.
const OTHER_CI: &[&str] = &[
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".azure-pipelines",
    ".circleci",
    ".drone.yml",
    ".woodpecker",
    ".woodpecker.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".buildkite",
    ".cirrus.yml",
    ".tekton",
    ".semaphore",
    "appveyor.yml",
];

/// Words of a workflow that looks for vulnerabilities. A word too many is a question less.
const SCANS: &[&str] = &[
    "imgguard",
    "trivy",
    "grype",
    "snyk",
    "osv-scanner",
    "dockle",
    "scout",
    "clair",
    "audit",
    "govulncheck",
    "codeql",
    "scorecard",
    "semgrep",
    "dependency-check",
    "cargo deny",
    "cargo-deny",
    "scan",
    "vulnerab",
    "security",
];

/// Longest chain of local workflows and actions that is followed.
const MAX_CHAIN: usize = 4;

/// What new versions are proposed of.
pub(super) enum Updates {
    /// Of base images, too.
    Images,
    /// Of other things, by this file.
    Others(String),
    /// Of nothing.
    Nothing,
}

/// What new versions are proposed of.
pub(super) fn updates(subject: &Subject<'_>) -> Updates {
    let mut other = None;
    if let Some(path) = subject.first_of(&[".github/dependabot.yml", ".github/dependabot.yaml"]) {
        if dependabot_knows_images(&subject.read(&path).unwrap_or_default()) {
            return Updates::Images;
        }
        other = Some(path);
    }
    if let Some(path) = subject.first_of(RENOVATE) {
        if renovate_knows_images(&subject.text(&path).unwrap_or_default()) {
            return Updates::Images;
        }
        other = Some(path);
    }
    let package = subject.first_of(&["package.json"]).and_then(|path| subject.text(&path));
    let package = package.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    if package.is_some_and(|package| package.get("renovate").is_some()) {
        return Updates::Images;
    }
    let has_updatecli = ["updatecli.yaml", "updatecli.yml", "updatecli", "updatecli.d", ".github/updatecli"];
    let repository = subject.repository;
    if has_updatecli.iter().any(|name| repository.listing.has(&repository.path(name))) {
        return Updates::Images;
    }
    other.map_or(Updates::Nothing, Updates::Others)
}

fn dependabot_knows_images(bytes: &[u8]) -> bool {
    let Ok(parsed) = yaml::parse(bytes, 0) else { return false };
    let updates = parsed.documents.iter().filter_map(|document| document.get("updates")).flat_map(Node::items);
    let ecosystems = updates.flat_map(|entry| {
        let several = entry.get("package-ecosystem").map_or(&[][..], Node::one_or_many);
        several.iter().filter_map(Node::known)
    });
    ecosystems.into_iter().any(|name| matches!(name, "docker" | "docker-compose"))
}

/// JSON, or JSON5, of which only words are read.
fn renovate_knows_images(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("enabledManagers") else { return true };
    let list = rest.split(']').next().unwrap_or_default();
    IMAGE_MANAGERS.iter().any(|manager| list.contains(manager))
}

/// Whether something else than GitHub builds.
pub(super) fn has_other_ci(subject: &Subject<'_>) -> bool {
    let repository = subject.repository;
    OTHER_CI.iter().any(|name| repository.listing.has(&repository.path(name)))
}

/// Whether a workflow with a schedule runs a scanner, itself or by a workflow or action of the repository.
pub(super) fn is_scanned_on_schedule(subject: &Subject<'_>) -> bool {
    let repository = subject.repository;
    let folder = repository.path(".github/workflows");
    let files = repository.listing.below(&folder).map(|(path, _)| path);
    let workflows = files.filter(|path| path.ends_with(".yml") || path.ends_with(".yaml"));
    workflows.into_iter().any(|path| {
        let bytes = subject.read(path).unwrap_or_default();
        has_schedule(&bytes) && scans(subject, &bytes, MAX_CHAIN)
    })
}

fn has_schedule(bytes: &[u8]) -> bool {
    let Ok(parsed) = yaml::parse(bytes, 0) else {
        return memchr::memmem::find(bytes, b"schedule:").is_some();
    };
    let events = parsed.documents.iter().filter_map(|document| document.get("on"));
    events.into_iter().any(|events| events.get("schedule").is_some())
}

fn scans(subject: &Subject<'_>, bytes: &[u8], chain: usize) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let lines = || text.lines().filter(|line| !line.trim_start().starts_with('#'));
    if lines().any(|line| SCANS.iter().any(|word| line.contains(word))) {
        return true;
    }
    // The case of a path is that of its file.
    let text = String::from_utf8_lossy(bytes);
    let used = text.split("uses:").skip(1).map(|rest| rest.trim_start().trim_start_matches(['"', '\'']));
    let local = used.filter_map(|name| name.split(['\n', '"', '\'', '}', ',', ' ']).next()?.strip_prefix("./"));
    chain > 0
        && local.into_iter().any(|name| {
            let path = subject.repository.path(name);
            let files = [path.clone(), format!("{path}/action.yml"), format!("{path}/action.yaml")];
            files.iter().filter_map(|path| subject.read(path)).any(|bytes| scans(subject, &bytes, chain - 1))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_that_know_images() {
        let dependabot =
            |ecosystem: &str| format!("version: 2\nupdates:\n  - package-ecosystem: {ecosystem}\n    directory: /\n");
        assert!(dependabot_knows_images(dependabot("docker").as_bytes()));
        assert!(dependabot_knows_images(dependabot("\"docker-compose\"").as_bytes()));
        assert!(!dependabot_knows_images(dependabot("cargo").as_bytes()) && !dependabot_knows_images(b"["));
        assert!(renovate_knows_images("{extends: ['config:recommended']}"));
        assert!(renovate_knows_images(r#"{"enabledManagers": ["npm", "dockerfile"]}"#));
        assert!(!renovate_knows_images(r#"{"enabledManagers": ["npm"], "x": "docker"}"#));
    }

    #[test]
    fn schedules_of_workflows() {
        assert!(has_schedule(b"on:\n  schedule:\n    - cron: '0 4 * * 1'\njobs: {}\n"));
        assert!(!has_schedule(b"on: [push]\njobs: {a: {steps: [{run: 'echo schedule:'}]}}\n"));
    }
}
