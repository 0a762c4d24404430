//! Who may do what in an image: modes, sudo, cron, keys, what a build leaves, and the controls that follow from it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{AS_OF, Built, Layout, run, scan, with_end};
use crate::writer::{Archive, Block, Format};

/// An entry with its mode and owner; a folder ends with a slash.
fn entry(archive: Archive, path: &str, mode: u32, uid: i64, content: &str) -> Archive {
    let type_flag = if path.ends_with('/') { b'5' } else { b'0' };
    let mut block = Block::new(Format::Ustar, type_flag, path.as_bytes(), i64::try_from(content.len()).unwrap());
    block.number(100, 8, i64::from(mode));
    block.number(108, 8, uid);
    archive.entry(block.seal(), content.as_bytes())
}

fn layer(entries: &[(&str, u32, i64, &str)]) -> Vec<u8> {
    let all = entries
        .iter()
        .fold(Archive::default(), |archive, (path, mode, uid, content)| entry(archive, path, *mode, *uid, content));
    with_end(all)
}

fn report(built: &[Built], more: &[&str]) -> Value {
    let layout = Layout::of(built);
    let reference = layout.reference();
    let arguments = [reference.as_str(), "--cache", "none", "--format", "json"];
    scan(arguments.into_iter().chain(more.iter().copied())).json()
}

/// Titles of the findings of some rules, by rule.
fn titles(report: &Value, rules: &[&str]) -> Vec<(String, String)> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    let mut told: Vec<_> = all
        .filter(|finding| rules.contains(&finding["rule"].as_str().unwrap()))
        .map(|finding| (text(finding, "rule"), text(finding, "title")))
        .collect();
    told.sort();
    told
}

fn controls(report: &Value) -> BTreeMap<String, String> {
    let all = report["controls"].as_array().unwrap().iter();
    all.map(|control| (control["id"].as_str().unwrap().to_owned(), control["result"].as_str().unwrap().to_owned()))
        .collect()
}

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n";

#[test]
fn ways_to_root_are_told_with_their_line() {
    let base = layer(&[
        ("etc/passwd", 0o644, 0, PASSWD),
        ("etc/sudoers", 0o440, 0, "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n@include /opt/more\n"),
        ("etc/sudoers.d/", 0o755, 0, ""),
        ("etc/sudoers.d/app", 0o440, 0, "# the service\napp ALL=(ALL) NOPASSWD: ALL\n"),
        ("etc/sudoers.d/app.old", 0o440, 0, "old ALL=(ALL) NOPASSWD: ALL\n"),
        ("opt/more", 0o440, 0, "x ALL=NOPASSWD: ALL\n"),
        ("usr/bin/sudo", 0o4755, 0, "sudo"),
        ("etc/cron.d/job", 0o644, 0, "* * * * * root /app/bin/job.sh --now\n* * * * * root /usr/bin/sudo\n"),
        ("app/", 0o755, 1000, ""),
        ("app/bin/", 0o755, 1000, ""),
        ("app/bin/job.sh", 0o755, 1000, "true"),
        ("root/.ssh/authorized_keys", 0o600, 0, "ssh-ed25519 AAAA me\n"),
        ("srv/empty/.ssh/authorized_keys", 0o600, 0, ""),
    ]);
    let mut built = Built::new(vec![base]);
    built.config["User"] = json!("app");
    built.config["Env"] = json!(["PATH=/app/bin:/usr/bin"]);
    built.config["Volumes"] = json!({"/var/run/docker.sock": {}});
    let report = report(&[built], &[]);
    let rules = ["sudo-rule", "writable-cron-program", "authorized-key", "writable-path-folder", "engine-socket"];
    let told: Vec<String> =
        titles(&report, &rules).into_iter().map(|(rule, title)| format!("{rule}: {title}")).collect();
    assert_eq!(
        told,
        [
            "authorized-key: /root/.ssh/authorized_keys lets its keys log in to every container",
            "engine-socket: /var/run/docker.sock is the socket of a container engine: who has it is root on the host",
            "sudo-rule: sudo lets app run any command without a password",
            "writable-cron-program: cron runs /app/bin/job.sh as root, which others may change",
            "writable-path-folder: /app/bin is on PATH and may be written by the user whom the image runs as, its owner (0755)",
        ]
    );
    let sudo = report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "sudo-rule").unwrap();
    assert_eq!((&sudo["severity"], &sudo["locations"][0]["line"]), (&json!("high"), &json!(2)));
    let unread: Vec<&Value> = report["unknowns"].as_array().unwrap().iter().map(|unknown| &unknown["reason"]).collect();
    assert_eq!(unread, [&json!("os/sudoers: it includes /opt/more, which is not read")]);
}

#[test]
fn the_topmost_mode_counts_and_what_is_removed_is_gone() {
    let base = layer(&[
        ("srv/", 0o777, 0, ""),
        ("srv/a", 0o666, 0, "a"),
        ("opt/b", 0o666, 0, "b"),
        ("opt/c", 0o644, 0, "c"),
        ("opt/d", 0o666, 0, "d"),
    ]);
    let fixed = layer(&[
        ("srv/", 0o755, 0, ""),
        ("opt/b", 0o644, 0, "b"),
        ("opt/c", 0o777, 0, "c"),
        ("opt/.wh.d", 0o644, 0, ""),
    ]);
    let report = report(&[Built::new(vec![base, fixed])], &[]);
    let told: Vec<String> = titles(&report, &["world-writable-file"]).into_iter().map(|(_, title)| title).collect();
    assert_eq!(told, ["/opt/c may be written by everyone (0777)", "/srv/a may be written by everyone (0666)"]);
}

#[test]
fn an_open_tree_is_one_finding() {
    let names: Vec<String> = (0..300).map(|number| format!("app/{number}")).collect();
    let mut entries = vec![("app/", 0o777, 0, "")];
    entries.extend(names.iter().map(|name| (name.as_str(), 0o666, 0, "x")));
    let report = report(&[Built::new(vec![layer(&entries)])], &[]);
    let told: Vec<String> = titles(&report, &["world-writable-file"]).into_iter().map(|(_, title)| title).collect();
    assert_eq!(told, ["/app may be written by everyone (0777), and so may 300 files and folders in it"]);
}

#[test]
fn what_a_build_leaves_is_told() {
    let large = "x".repeat(2 << 20);
    let base = layer(&[
        ("app/Dockerfile", 0o644, 0, "FROM scratch\n"),
        ("app/.git/HEAD", 0o644, 0, "ref: refs/heads/main\n"),
        ("app/.git/config", 0o644, 0, "[core]\n"),
        ("app/node_modules/a/Dockerfile", 0o644, 0, "FROM scratch\n"),
        ("var/lib/apt/lists/lock", 0o640, 0, ""),
        ("var/lib/apt/lists/a_Packages", 0o644, 0, &large),
        ("root/.cache/pip/a", 0o644, 0, "small"),
    ]);
    let report = report(&[Built::new(vec![base])], &[]);
    let told: Vec<String> =
        titles(&report, &["unneeded-file", "package-cache"]).into_iter().map(|(_, title)| title).collect();
    assert_eq!(
        told,
        [
            "/var/lib/apt/lists holds a cache of 3 MB",
            "/app/.git is in the image, with 2 files",
            "/app/Dockerfile is in the image",
        ]
    );
}

#[test]
fn controls_pass_only_where_everything_was_looked_at() {
    let base = layer(&[("etc/passwd", 0o644, 0, PASSWD)]);
    let good = Built::new(vec![base]);
    let decided = |more: &[&str]| controls(&report(std::slice::from_ref(&good), more));
    let expected = |failed: &[&str], unknown: &[&str]| -> BTreeMap<String, String> {
        let result = |id: &str| match (failed.contains(&id), unknown.contains(&id)) {
            (true, _) => "fail",
            (_, true) => "unknown",
            _ => "pass",
        };
        let ids = (1..=12).map(|number| (number, format!("CIS-4.{number}")));
        ids.map(|(number, id)| (id, result(&number.to_string()).to_owned())).collect()
    };
    let nobody_knows = ["2", "5", "12"];
    assert_eq!(decided(&[]), expected(&[], &nobody_knows));
    assert_eq!(decided(&["--no-secrets"]), expected(&[], &["2", "5", "10", "12"]));
    // A history that tells nothing of a layer decides nothing.
    let mut squashed = good.clone();
    squashed.history = vec![];
    assert_eq!(controls(&report(&[squashed], &[])), expected(&[], &["2", "5", "7", "9", "11", "12"]));
    // A layer that cannot be read decides nothing about files.
    let mut broken = good.clone();
    broken.layers.push(b"no tar".repeat(200));
    broken.history.push("RUN /bin/sh -c apt-get update # buildkit".to_owned());
    broken.config["User"] = json!("0");
    assert_eq!(controls(&report(&[broken], &[])), expected(&["1", "7"], &["2", "3", "4", "5", "8", "10", "11", "12"]));
    // A folder says nothing of how it is run and built.
    let folder = tempfile::tempdir().unwrap();
    let of_folder = run([
        "scan",
        &format!("dir:{}", folder.path().display()),
        "--offline",
        "--as-of",
        AS_OF,
        "--cache",
        "none",
        "--format",
        "json",
    ]);
    assert_eq!(controls(&of_folder.json()), expected(&[], &["1", "2", "5", "6", "7", "9", "10", "11", "12"]));
}

#[test]
fn a_history_that_is_not_judged_is_unknown() {
    let mut built = Built::new(vec![layer(&[("a", 0o644, 0, "a")])]);
    built.history = vec![format!("/bin/sh -c {}", "true ".repeat(10_001))];
    let report = report(&[built], &[]);
    let reasons: Vec<&Value> =
        report["unknowns"].as_array().unwrap().iter().map(|unknown| &unknown["reason"]).collect();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].as_str().unwrap().starts_with("history: the history is not judged"), "{reasons:?}");
    assert_eq!(controls(&report)["CIS-4.7"], "unknown");
}
