//! `secrets dir:` on checkouts that git makes for the test: the folder, what is staged, the history, and repositories that would run something.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::formats::{assert_valid, our_schema};
use crate::world::{AS_OF, Ended, end, program};
use imgguard::secret::template::fill;

fn token(seed: u64) -> String {
    fill("ghp_{github}", seed).text
}

/// A repository.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    /// An empty one; none where git is absent, which is told.
    fn new() -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            skipped!("git is absent");
            return None;
        }
        let checkout = Self { folder: tempfile::tempdir().unwrap() };
        checkout.git(&["init", "-q", "-b", "main"]);
        Some(checkout)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path()).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path().join("none"));
        for (name, value) in [("NAME", "A U Thor"), ("EMAIL", "a@acme.net"), ("DATE", "2024-05-06T07:08:09Z")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, name: &str, text: &str) -> String {
        self.write(name, text);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn secrets(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command.current_dir(self.path()).env("PATH", std::env::var_os("PATH").unwrap());
        end(command.args(["secrets", "dir:.", "--as-of", AS_OF, "--format", "json"]).args(arguments))
    }
}

fn findings(ended: &Ended) -> Vec<Value> {
    ended.json()["findings"].as_array().unwrap().clone()
}

#[test]
fn what_is_staged_is_what_the_commit_would_add() {
    let Some(checkout) = Checkout::new() else { return };
    let staged = || checkout.secrets(&["--staged"]);
    checkout.write("a.py", &format!("T = '{}'\n", token(1)));
    assert_eq!(staged().code, 0, "nothing is staged yet");
    checkout.git(&["add", "a.py"]);
    let ended = staged();
    assert_eq!(ended.code, 1, "before the first commit: {}", ended.err);
    let found = findings(&ended);
    assert_eq!((found.len(), &found[0]["locations"][0]["path"]), (1, &"/a.py".into()));
    checkout.git(&["commit", "-q", "-m", "leak"]);
    // A change of a file with a known secret adds none; a second one does, and so does the same one elsewhere.
    checkout.write("a.py", &format!("# more\n\nT = '{}'\n", token(1)));
    checkout.git(&["add", "a.py"]);
    assert_eq!(staged().code, 0, "{}", staged().out);
    checkout.write("a.py", &format!("T = '{}'\nU = '{}'\n", token(1), token(2)));
    checkout.git(&["add", "a.py"]);
    let found = findings(&staged());
    assert_eq!((found.len(), &found[0]["locations"][0]["line"]), (1, &2.into()));
    checkout.git(&["checkout", "-q", "HEAD", "--", "a.py"]);
    // What is only in the folder is not in the commit.
    checkout.write("b.py", &format!("T = '{}'\n", token(3)));
    assert_eq!(staged().code, 0);
    // Whoever answers for it may commit it: the file of waivers is that of the folder.
    checkout.git(&["add", "b.py"]);
    let id = findings(&staged())[0]["id"].as_str().unwrap().to_owned();
    let waiver = format!("[[waiver]]\nfinding = '{id}'\nreason = 'r'\nowner = 'o'\nexpires = 2030-01-01\n");
    checkout.write(".imgguard.toml", &waiver);
    assert_eq!(staged().code, 0, "{}", staged().err);
    checkout.write(".imgguard.toml", &waiver.replace("2030", "2020"));
    assert_eq!(staged().code, 1);
    fs::remove_file(checkout.path().join(".imgguard.toml")).unwrap();
    checkout.git(&["reset", "-q"]);
    // A password that changes is a new one.
    checkout.commit(".env", "DB_PASSWORD=q8Vx2mZp4Lw9\n");
    checkout.write(".env", "DB_PASSWORD=zK3vB7nQ5tYc\n");
    checkout.git(&["add", ".env"]);
    assert_eq!(findings(&staged()).len(), 1);
}

#[test]
fn the_hook_of_the_documentation_stops_a_commit() {
    let Some(checkout) = Checkout::new() else { return };
    checkout.write("README", "x");
    checkout.git(&["add", "README"]);
    let hook = checkout.path().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\nexec {} secrets dir:. --staged\n", env!("CARGO_BIN_EXE_imgguard"))).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let commit = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(checkout.path()).args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "-m",
            "x",
        ]);
        command.args(arguments).env("HOME", checkout.path().join("none")).output().unwrap().status.success()
    };
    assert!(commit(&[]), "nothing wrong");
    checkout.write("a.py", "T = 1\n");
    checkout.git(&["add", "a.py"]);
    assert!(commit(&[]));
    checkout.write("a.py", &format!("T = '{}'\n", token(1)));
    // `git commit PATH` stages in an index of its own, which the hook is told of.
    assert!(!commit(&["a.py"]), "the secret is not committed");
    checkout.git(&["add", "a.py"]);
    assert!(!commit(&[]));
}

#[test]
fn a_moved_file_brings_nothing_new() {
    let Some(checkout) = Checkout::new() else { return };
    let text = format!("T = '{}'\n{}", token(1), "x = 1\n".repeat(40));
    checkout.commit("a.py", &text);
    checkout.git(&["mv", "a.py", "b.py"]);
    checkout.write("b.py", &format!("{text}y = 2\n"));
    checkout.git(&["add", "b.py"]);
    let staged = checkout.secrets(&["--staged"]);
    assert_eq!((staged.code, findings(&staged).len()), (0, 0), "{}", staged.out);
    checkout.write("b.py", &format!("{text}y = '{}'\n", token(2)));
    checkout.git(&["add", "b.py"]);
    let staged = checkout.secrets(&["--staged"]);
    assert_eq!((staged.code, findings(&staged).len()), (1, 1), "only the other one: {}", staged.out);
}

#[test]
fn the_history_tells_the_oldest_commit_of_each_place() {
    let Some(checkout) = Checkout::new() else { return };
    let first = checkout.commit("src/a.py", &format!("\nT = '{}'\n", token(1)));
    checkout.commit("src/a.py", &format!("\n\nT = '{}'\n", token(1)));
    checkout.commit("src/a.py", "T = None\n");
    // On a branch that nobody merged.
    checkout.git(&["checkout", "-q", "-b", "other", &first]);
    let second = checkout.commit("b.py", &format!("T = '{}'\n", token(2)));
    checkout.git(&["checkout", "-q", "main"]);
    let third = checkout.commit("kept.py", &format!("T = '{}'\n", token(3)));
    checkout.git(&["mv", "kept.py", "moved.py"]);
    checkout.git(&["commit", "-q", "-m", "move"]);
    // A merge that brings what neither side has.
    checkout.git(&["merge", "-q", "--no-commit", "--no-ff", "-s", "ours", "other"]);
    let merge = checkout.commit("evil.py", &format!("T = '{}'\n", token(4)));
    let ended = checkout.secrets(&["--history"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_valid(&jsonschema::validator_for(&our_schema("report-1.0.json")).unwrap(), &ended.json(), "history");
    let mut places: Vec<(String, u64, String, String)> = Vec::new();
    for finding in findings(&ended) {
        for place in finding["locations"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            assert_eq!(place["commit"]["author"], "A U Thor <a@acme.net>");
            assert!(text(&place["commit"]["date"]).starts_with("2024-05-06T07:08:09"));
            let commit = text(&place["commit"]["id"]);
            places.push((text(&place["path"]), place["line"].as_u64().unwrap(), text(&place["state"]), commit));
        }
    }
    places.sort();
    let moved = places.iter().find(|place| place.0 == "/moved.py").unwrap().3.clone();
    let expected = [
        ("/b.py", 1, "deleted", &second),
        ("/evil.py", 1, "present", &merge),
        ("/kept.py", 1, "deleted", &third),
        ("/moved.py", 1, "present", &moved),
        ("/src/a.py", 2, "overwritten", &first),
    ];
    assert_eq!(
        places,
        expected.map(|(path, line, state, commit)| (path.to_owned(), line, state.to_owned(), commit.clone()))
    );
    assert_eq!(findings(&ended).len(), 4, "the moved one is one secret");
    assert_eq!(checkout.secrets(&["--history", "--fail-on", "high"]).code, 1);
    checkout.secrets(&["--history", "-o", "sarif=history.sarif"]);
    let sarif = fs::read_to_string(checkout.path().join("history.sarif")).unwrap();
    assert!(sarif.contains(&format!("commit {second} of 2024-05-06T07:08:09")), "{sarif}");
    assert!(!ended.out.contains(&token(1)[4..]), "masked");
}

#[test]
fn a_part_of_the_history_is_no_clean_answer() {
    let Some(checkout) = Checkout::new() else { return };
    checkout.commit("a.py", &format!("T = '{}'\n", token(1)));
    checkout.commit("a.py", "T = None\n");
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", checkout.path().display());
    checkout.git(&["clone", "-q", "--depth", "1", &url, clone.path().join("c").to_str().unwrap()]);
    let mut command = program();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let reference = format!("dir:{}", clone.path().join("c").display());
    let ended = end(command.args(["secrets", &reference, "--history", "--format", "json"]));
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.out.contains("git fetch --unshallow"), "{}", ended.out);
}

#[test]
fn a_folder_is_scanned_without_its_objects_and_with_its_own_list() {
    let Some(checkout) = Checkout::new() else { return };
    checkout.commit("a.py", &format!("T = '{}'\n", token(1)));
    checkout.git(&["config", "remote.origin.url", &fill("https://x:{base62:20}@git.acme.net/a", 5).text]);
    checkout.write(".gitignore", "local.py\n");
    checkout.write("local.py", &format!("T = '{}'\n", token(2)));
    let found = findings(&checkout.secrets(&[]));
    let mut paths: Vec<&str> = found.iter().map(|finding| finding["locations"][0]["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["/.git/config", "/a.py", "/local.py"],
        "what git ignores is in the folder, and `COPY . .` takes it"
    );
    checkout.write(".gitleaksignore", "# known\na.py:github-pat:1\nlocal.py:github-pat:7\n");
    let states: Vec<(String, String)> = findings(&checkout.secrets(&[]))
        .iter()
        .map(|finding| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&finding["locations"][0]["path"]), text(&finding["disposition"]["state"]))
        })
        .collect();
    let state = |path: &str| states.iter().find(|(known, _)| known == path).unwrap().1.as_str();
    assert_eq!((state("/a.py"), state("/local.py")), ("suppressed", "open"), "{states:?}");
    assert_eq!(checkout.secrets(&["--history", "--fail-on", "low"]).code, 0, "it counts for the history, too");
}

/// A repository's own settings and hooks must not become programs that run.
#[test]
fn a_hostile_repository_runs_nothing() {
    let Some(checkout) = Checkout::new() else { return };
    let first = checkout.commit("a.py", &format!("T = '{}'\n", token(1)));
    let proof = checkout.path().join("ran");
    let script = checkout.path().join("run.sh");
    fs::write(&script, format!("#!/bin/sh\necho x >> {}\ncat\n", proof.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    for hook in ["post-index-change", "reference-transaction", "pre-commit", "post-checkout", "fsmonitor-watchman"] {
        let path = checkout.path().join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(script, path).unwrap();
    }
    checkout.write(".gitattributes", "* diff=x filter=x\n");
    checkout.git(&["add", ".gitattributes"]);
    let ext = format!("ext::{script} %S");
    for (key, value) in [
        ("core.fsmonitor", script),
        ("core.pager", script),
        ("core.editor", script),
        ("core.sshCommand", script),
        ("core.gitProxy", script),
        ("core.askPass", script),
        ("core.alternateRefsCommand", script),
        ("core.repositoryFormatVersion", "1"),
        ("credential.helper", script),
        ("diff.external", script),
        ("diff.x.textconv", script),
        ("diff.x.command", script),
        ("filter.x.clean", script),
        ("filter.x.smudge", script),
        ("filter.x.process", script),
        ("gpg.program", script),
        ("log.showSignature", "true"),
        ("alias.rev-list", &format!("!{script}")),
        ("pager.diff-tree", script),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &ext),
        ("protocol.ext.allow", "always"),
        ("protocol.allow", "always"),
    ] {
        checkout.git(&["config", key, value]);
    }
    let _ = fs::remove_file(&proof);
    // A blob that is not there would be fetched from the promisor.
    let blob = checkout.git(&["rev-parse", &format!("{first}:a.py")]);
    fs::remove_file(checkout.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    checkout.git(&["config", "remote.origin.uploadpack", script]);
    for url in [
        ext.as_str(),
        "ssh://host.invalid/x",
        "git://host.invalid/x",
        "https://host.invalid/x",
        checkout.path().to_str().unwrap(),
    ] {
        checkout.git(&["config", "remote.origin.url", url]);
        let _ = fs::remove_file(&proof);
        let history = checkout.secrets(&["--history"]);
        assert_eq!(history.code, 3, "the file is missing, and that is told: {} {}", history.err, history.out);
        assert!(!proof.exists(), "--history ran {:?} for {url}", fs::read_to_string(&proof));
    }
    checkout.secrets(&["--staged"]);
    assert!(!proof.exists(), "--staged ran something");
    checkout.secrets(&[]);
    assert!(!proof.exists());
}

#[test]
fn what_is_no_repository_is_told() {
    if Command::new("git").arg("--version").output().is_err() {
        return skipped!("git is absent");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap());
    let ended = end(command.args(["secrets", &format!("dir:{}", folder.path().display()), "--staged"]));
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.err.contains("hint: check that the folder is in a git repository"), "{}", ended.err);
    let ended = end(program().args(["secrets", "oci:testdata/sample", "--history"]));
    assert_eq!(ended.code, 2, "{}", ended.err);
}

#[test]
fn archives_and_renamed_files_of_a_history_are_looked_into() {
    let Some(checkout) = Checkout::new() else { return };
    let archive = crate::world::layer(&[("conf/app.py", &format!("T = '{}'\n", token(1)))]);
    fs::write(checkout.path().join("data.tar"), archive).unwrap();
    checkout.git(&["add", "-A"]);
    let found = findings(&checkout.secrets(&["--staged"]));
    assert_eq!((found.len(), &found[0]["locations"][0]["path"]), (1, &"/data.tar!/conf/app.py".into()));
    checkout.git(&["commit", "-q", "-m", "x"]);
    checkout.git(&["rm", "-q", "data.tar"]);
    // The same text is a credential file only under its second name.
    let text = fill("DB_PASSWORD={base62:20}\n", 2).text;
    checkout.commit("notes", &text);
    checkout.git(&["mv", "notes", ".env"]);
    checkout.git(&["commit", "-q", "-m", "x"]);
    let found = findings(&checkout.secrets(&["--history"]));
    let mut places: Vec<(&str, &str)> = found
        .iter()
        .map(|finding| &finding["locations"][0])
        .map(|place| (place["path"].as_str().unwrap(), place["state"].as_str().unwrap()))
        .collect();
    places.sort_unstable();
    assert_eq!(places, [("/.env", "present"), ("/data.tar!/conf/app.py", "deleted")]);
}
