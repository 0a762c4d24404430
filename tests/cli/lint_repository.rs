//! `lint` of folders: what git keeps, what a build is sent, what images say.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Built, Ended, Layout, layer, run};

/// A checkout with these files, of which git keeps those that are named.
fn checkout(files: &[(&str, &str)], kept: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    git(folder.path(), &["init", "--quiet"]);
    if !kept.is_empty() {
        git(folder.path(), &[&["add", "-f", "--"], kept].concat());
    }
    folder
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git").arg("-C").arg(folder).args(arguments).status().unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn lint(folder: &TempDir, arguments: &[&str]) -> Ended {
    let path = folder.path().to_str().unwrap();
    run(["lint", path, "--as-of", "2026-11-25", "--waivers", "none"].into_iter().chain(arguments.iter().copied()))
}

/// The findings of a rule: their titles, and the ends of their paths.
fn found(ended: &Ended, rule: &str) -> Vec<(String, String)> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|finding| (text(&finding["title"]), text(&finding["locations"][0]["path"]))).collect()
}

const DOCKERFILE: &str = "FROM debian:12\nCOPY . /srv\nUSER 10001\nCMD [\"/srv/a\"]\n";

#[test]
fn git_is_asked_what_it_keeps() {
    let files = [
        ("Dockerfile", DOCKERFILE),
        (".env", "API_TOKEN=xK9pQ2vLm4Rt7Wz\n"),
        ("web/.env", "API_TOKEN=xK9pQ2vLm4Rt7Wz\n"),
        (".gitignore", "/.env\n"),
    ];
    let folder = checkout(&files, &["web/.env", "Dockerfile"]);
    let ended = lint(&folder, &["--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let tracked = found(&ended, "env-tracked");
    assert_eq!(tracked.len(), 1, "{tracked:?}");
    assert_eq!(tracked[0].0, "`web/.env` is kept by git; `API_TOKEN` in it looks like a secret");
    assert!(tracked[0].1.ends_with("/web/.env"), "{tracked:?}");
    assert!(found(&ended, "env-not-ignored").is_empty(), "one is ignored, and one kept");
    assert!(!ended.out.contains("xK9pQ2vLm4Rt7Wz"), "a secret is shown");
}

#[test]
fn what_a_build_must_not_get_is_left_out_by_fixes() {
    let files = [("Dockerfile", DOCKERFILE), (".env", "A=b\n"), ("node_modules/a/index.js", "1\n")];
    let folder = checkout(&files, &[]);
    let ended = lint(&folder, &["--format", "json"]);
    for rule in ["no-dockerignore", "secret-in-context", "git-in-context", "remade-in-context", "env-not-ignored"] {
        assert_eq!(found(&ended, rule).len(), 1, "{rule}: {}", ended.out);
    }
    let diff = lint(&folder, &["--diff"]);
    for line in ["+.git", "+**/.env", "+**/node_modules", "+.env"] {
        assert!(diff.out.lines().any(|own| own == line), "{line}: {}", diff.out);
    }
    assert!(!folder.path().join(".dockerignore").exists(), "--diff changes nothing");
    let fixed = lint(&folder, &["--fix", "--format", "json"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let ignored: Vec<String> = read(".dockerignore").lines().map(str::to_owned).collect();
    assert_eq!(ignored.len(), 3, "{ignored:?}");
    assert_eq!(read(".gitignore"), ".env\n");
    for rule in ["no-dockerignore", "secret-in-context", "git-in-context", "remade-in-context", "env-not-ignored"] {
        assert!(found(&fixed, rule).is_empty(), "{rule}: {}", fixed.out);
    }
    lint(&folder, &["--fix"]);
    assert_eq!((read(".dockerignore").lines().count(), read(".gitignore").lines().count()), (3, 1), "once");
}

#[cfg(unix)]
#[test]
fn others_must_not_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = checkout(&[(".env", "A=b\n"), (".gitignore", ".env\n")], &[]);
    let path = folder.path().join(".env");
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    set(0o640);
    let titles = found(&lint(&folder, &["--format", "json"]), "readable-secret-file");
    assert_eq!(titles.first().map(|(title, _)| title.as_str()), Some("`.env` has mode 0640"));
    set(0o600);
    assert!(found(&lint(&folder, &["--format", "json"]), "readable-secret-file").is_empty());
}

#[test]
fn a_part_of_a_checkout_is_not_asked_for_what_its_root_has() {
    let folder = checkout(&[("app/Dockerfile", DOCKERFILE), (".dockerignore", ".git\n")], &[]);
    let path = folder.path().join("app");
    let part = run(["lint", path.to_str().unwrap(), "--as-of", "2026-11-25", "--waivers", "none", "--format", "json"]);
    assert!(found(&part, "no-security-contact").is_empty(), "{}", part.out);
    let whole = lint(&folder, &["--format", "json"]);
    assert_eq!(found(&whole, "no-security-contact").len(), 1);
    assert_eq!(found(&whole, "no-update-automation").len(), 1);
}

#[cfg(unix)]
#[test]
fn hostile_folders_end_with_what_is_said() {
    let folder = checkout(&[("Dockerfile", DOCKERFILE)], &[]);
    let mut deep = folder.path().to_owned();
    for _ in 0..80 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    std::os::unix::fs::symlink("/etc/shadow", folder.path().join(".env")).unwrap();
    let outside = TempDir::new().unwrap();
    let (target, text) = (outside.path().join("x"), "what is not ours\n");
    fs::write(&target, text).unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join(".dockerignore")).unwrap();
    let ended = lint(&folder, &["--format", "json"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.json()["unknowns"].to_string().contains("64 deep"), "{}", ended.out);
    assert_eq!(found(&ended, "no-dockerignore").len(), 1, "a link out of the folder is no file of it");
    assert!(found(&ended, "env-not-ignored").is_empty(), "{}", ended.out);
    lint(&folder, &["--fix"]);
    assert_eq!(fs::read_to_string(&target).unwrap(), text, "a fix follows no link out of the folder");
}

#[test]
fn the_context_is_shown() {
    let files = [("Dockerfile", DOCKERFILE), (".env", "A=b\n"), (".dockerignore", ".git\nbig\n"), ("big", "12345678")];
    let folder = checkout(&files, &[]);
    let page = lint(&folder, &["--context"]);
    assert_eq!(page.code, 0, "{}", page.err);
    for part in ["build context of", "3 files", "should stay out:", ".env (secrets)"] {
        assert!(page.out.contains(part), "{part}: {}", page.out);
    }
    let shown = lint(&folder, &["--context", "--format", "json"]).json();
    assert_eq!((shown[0]["files"].as_u64(), shown[0]["sensitive"].as_array().map(Vec::len)), (Some(3), Some(1)));
    assert_eq!(shown[0]["sensitive"][0]["path"], ".env");
}

#[test]
fn what_an_image_says_counts_where_the_file_is_silent() {
    let image = |config: Value| {
        let mut built = Built::new(vec![layer(&[("srv/a", "x")])]);
        built.config = config;
        Layout::of(&[built])
    };
    let root = image(json!({}));
    let good = image(json!({"User": "10001", "Healthcheck": {"Test": ["CMD", "true"]}}));
    let text = "services:\n  web: {image: 'a:1'}\n  own: {image: 'a:1', user: '10001'}\n  db: {image: 'b:1'}\n";
    let folder = checkout(&[("compose.yaml", text)], &[]);
    let (root, good) = (format!("a:1={}", root.reference()), format!("db={}", good.reference()));
    let ended = lint(&folder, &["--image", &root, "--image", &good, "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let titles = |rule| found(&ended, rule).into_iter().map(|(title, _)| title).collect::<Vec<_>>();
    assert_eq!(titles("root-container"), ["web: its image runs as root, and nothing here sets another user"]);
    let health = titles("no-health-check");
    assert_eq!(health.len(), 2, "{health:?}");
    assert!(health.iter().all(|title| title.ends_with("neither the image nor this file sets a health check")));
    let missing = lint(&folder, &["--image", "web=oci:/nonexistent"]);
    assert_eq!(missing.code, 5, "{}", missing.err);
}
