//! `secrets` on images: the same findings as a scan, what sets them aside, what may be shown, and the page of an incident.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::formats::{assert_valid, our_schema};
use crate::world::{AS_OF, Built, Ended, Layout, end, layer, program, run, scan};
use imgguard::secret::template::fill;

/// A token that is made for the test, and its filled text.
fn token(seed: u64) -> String {
    fill("ghp_{github}", seed).text
}

/// An image with a token in a file, one in a variable and a password that a hash would give away.
fn leaking(path: &str, token: &str, password: &str) -> Built {
    let (text, file) = (format!("\nT = '{token}'\n"), format!("DB_PASSWORD={password}\n"));
    let mut built = Built::new(vec![layer(&[(path, &text)]), layer(&[("app/.env", &file)])]);
    built.config["Env"] = json!([format!("TOKEN={}", self::token(77))]);
    built
}

fn findings(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "secret").collect()
}

fn id_of<'a>(report: &'a Value, rule: &str, place: &str) -> &'a str {
    let is_there = |finding: &&&Value| {
        finding["rule"] == rule
            && finding["locations"].as_array().unwrap().iter().any(|at| at["path"] == place || at["config"] == place)
    };
    findings(report).iter().find(is_there).unwrap_or_else(|| panic!("{rule} in {place}: {report:#}"))["id"]
        .as_str()
        .unwrap()
}

fn secrets(arguments: &[&str]) -> Ended {
    run(["secrets", "--offline", "--cache", "none", "--as-of", AS_OF].iter().chain(arguments).copied())
}

#[test]
fn it_finds_what_a_scan_finds_and_follows_the_contract() {
    let layout = Layout::of(&[leaking("srv/a.py", &token(1), "q8Vx2mZp4Lw9")]);
    let reference = layout.reference();
    let ended = secrets(&[&reference, "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let ours = ended.json();
    assert_valid(&jsonschema::validator_for(&our_schema("report-1.0.json")).unwrap(), &ours, "secrets");
    let scanned = scan([&*reference, "--cache", "none", "--format", "json"]).json();
    assert_eq!(findings(&ours), findings(&scanned));
    assert_eq!(findings(&ours).len(), 3);
    assert_eq!(ours["findings"].as_array().unwrap().len(), 3, "nothing but secrets");
    assert_eq!(ours["verdict"]["policy"], "secrets");
    assert_eq!(secrets(&[&reference, "--fail-on", "high"]).code, 1);
    assert_eq!(run(["gate", "--offline", "--cache", "none", "--policy", "secrets", &reference]).code, 1);
}

#[test]
fn an_id_follows_the_secret_and_not_its_place() {
    let (first, second, password) = (token(1), token(2), "q8Vx2mZp4Lw9");
    let report =
        |built: &Built| secrets(&[&Layout::of(std::slice::from_ref(built)).reference(), "--format", "json"]).json();
    let before = report(&leaking("srv/a.py", &first, password));
    // A rebuild: another layer below, another line, another path.
    let mut rebuilt = leaking("opt/deep/b.py", &first, password);
    rebuilt.layers[0] = layer(&[("opt/deep/b.py", &format!("# moved\n\n\n\nT = '{first}'\n"))]);
    rebuilt.layers.insert(0, layer(&[("etc/motd", "hello")]));
    rebuilt.history.insert(0, "ADD base /".into());
    let after = report(&rebuilt);
    assert_eq!(id_of(&before, "github-pat", "/srv/a.py"), id_of(&after, "github-pat", "/opt/deep/b.py"));
    // A password's id may say nothing about it: another one at the same place has the same.
    let other = report(&leaking("srv/a.py", &first, "zK3vB7nQ5tYc"));
    let id = |report| id_of(report, "dotenv-credential", "/app/.env").to_owned();
    assert_eq!(id(&before), id(&other), "no hash of what could be guessed");
    // Two passwords in one file that nothing names are two findings, as what is shown of them differs.
    let urls = ["a", "b"].map(|host| fill(&format!("u = 'postgres://app:{{base62:20}}@{host}.acme.net/x'\n"), 9).text);
    let two = report(&Built::new(vec![layer(&[("srv/u.py", &urls.concat())])]));
    assert_eq!(findings(&two).len(), 2, "{two:#}");
    // Two tokens in one file are two findings.
    let mut both = leaking("srv/a.py", &first, password);
    both.layers[0] = layer(&[("srv/a.py", &format!("A = '{first}'\nB = '{second}'\n"))]);
    let both = report(&both);
    let in_file = |finding: &&&Value| finding["locations"][0]["path"] == "/srv/a.py";
    let ids: Vec<&Value> = findings(&both).iter().filter(in_file).map(|finding| &finding["id"]).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

/// A file in a folder of the test.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn waivers_and_baselines_set_aside_and_hide_nothing() {
    let layout = Layout::of(&[leaking("srv/a.py", &token(1), "q8Vx2mZp4Lw9")]);
    let (reference, folder) = (layout.reference(), tempfile::tempdir().unwrap());
    let before = secrets(&[&reference, "--format", "json"]);
    let (report, baseline) = (before.json(), write(folder.path(), "known.json", &before.out));
    let id = id_of(&report, "github-pat", "/srv/a.py");
    let waiver = |what: &str, expires: &str| {
        format!("[[waiver]]\n{what}\nreason = 'known'\nowner = 'me@acme.net'\nexpires = {expires}\n")
    };
    let waivers = [
        waiver(&format!("finding = '{id}'"), "2030-01-01"),
        waiver("rule = 'dotenv-credential'\npath = '/app/*'", "2020-01-01"),
        waiver("rule = 'stripe-secret-key'", "2030-01-01"),
    ];
    let waivers = write(folder.path(), "waivers.toml", &waivers.concat());
    let ended = secrets(&[&reference, "--waivers", &waivers, "--format", "json", "--fail-on", "low"]);
    assert_eq!(ended.code, 1, "the others count: {}", ended.err);
    assert!(
        ended.err.contains("the waiver of `dotenv-credential` in `app/*` by me@acme.net has expired"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("the waiver of `stripe-secret-key` by me@acme.net is about nothing that was found"),
        "{}",
        ended.err
    );
    let report = ended.json();
    assert_eq!(findings(&report).len(), 3, "nothing is hidden");
    let disposition = |rule: &str, place: &str| {
        let id = id_of(&report, rule, place);
        findings(&report).into_iter().find(|finding| finding["id"] == id).unwrap()["disposition"].clone()
    };
    let waived = json!({"state": "waived", "by": "me@acme.net", "reason": "known", "expires": "2030-01-01"});
    assert_eq!(disposition("github-pat", "/srv/a.py"), waived);
    let expired = disposition("dotenv-credential", "/app/.env");
    assert_eq!((&expired["state"], &expired["expires"]), (&json!("open"), &json!("2020-01-01")));
    let gate = &report["verdict"]["gates"][0]["findings"];
    assert!(!gate.as_array().unwrap().contains(&json!(id)) && gate.as_array().unwrap().len() == 2, "{gate}");
    // With a baseline nothing is new.
    let ended = secrets(&[&reference, "--baseline", &baseline, "--format", "json", "--fail-on", "low"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(findings(&ended.json()).iter().all(|finding| finding["disposition"]["state"] == "baseline"));
    assert_eq!(secrets(&[&reference, "--baseline", &waivers]).code, 2, "no report");
    let broken = write(folder.path(), "broken.toml", "[[waiver]]\nrule = 'x'\n");
    assert_eq!(secrets(&[&reference, "--waivers", &broken]).code, 2);
}

#[test]
fn comments_count_only_where_they_are_asked_for() {
    let text = format!("T = '{}' # gitleaks:allow\n", token(1));
    let layout = Layout::of(&[Built::new(vec![layer(&[("srv/a.py", &text)])])]);
    let reference = layout.reference();
    let state = |arguments: &[&str]| {
        let all: Vec<&str> = [&*reference, "--format", "json"].iter().chain(arguments).copied().collect();
        findings(&secrets(&all).json())[0]["disposition"]["state"].clone()
    };
    assert_eq!(state(&[]), "open");
    assert_eq!(state(&["--inline-allow"]), "suppressed");
}

#[test]
fn secrets_are_shown_only_where_nobody_keeps_them() {
    let token = token(1);
    let layout = Layout::of(&[leaking("srv/a.py", &token, "q8Vx2mZp4Lw9")]);
    let (reference, folder) = (layout.reference(), tempfile::tempdir().unwrap());
    let file = folder.path().join("report.json");
    let out = format!("json={}", file.display());
    // The cache holds masked facts, which must not be taken for the answer.
    let cache = folder.path().join("cache");
    assert_eq!(run(["secrets", "--offline", "--cache", cache.to_str().unwrap(), &reference]).code, 0);
    let shown =
        run(["secrets", "--offline", "--cache", cache.to_str().unwrap(), &reference, "--show-secrets", "-o", &out]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains(&token) && shown.out.contains("q8Vx2mZp4Lw9"), "{}", shown.out);
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(findings(&report).iter().any(|finding| finding["values"] == json!([token])));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "for its owner only");
    for format in
        imgguard::report::REPORTS.iter().map(|format| format.name()).filter(|name| !["table", "json"].contains(name))
    {
        assert_eq!(secrets(&[&reference, "--show-secrets", "--format", format]).code, 2, "{format}");
        let file = format!("{format}={}", folder.path().join("x").display());
        assert_eq!(secrets(&[&reference, "--show-secrets", "-o", &file]).code, 2, "{format}");
    }
    let refused = end(program().args(["secrets", "--offline", "--show-secrets", &reference]).env("CI", "true"));
    assert_eq!(refused.code, 2);
    assert!(!refused.out.contains(&token));
    assert!(!shown.err.contains(&token));
}

/// Whether eight bytes of `secret` in a row stand in `text`; a token's last four may be shown.
fn shows(text: &[u8], secret: &str) -> bool {
    secret.as_bytes().windows(8).any(|part| memchr::memmem::find(text, part).is_some())
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_output_no_cache_and_no_temporary_file_has_a_secret() {
    let (body, password) = (fill("{github}", 3).text, "q8Vx2mZp4Lw9Rt5y");
    let layout = Layout::of(&[leaking("srv/a.py", &format!("ghp_{body}"), password)]);
    let (reference, folder) = (layout.reference(), tempfile::tempdir().unwrap());
    let (cache, temporary) = (folder.path().join("cache"), folder.path().join("tmp"));
    fs::create_dir(&temporary).unwrap();
    let run = |verb: &str, arguments: &[&str], panics: bool| {
        let mut command = program();
        command.args([verb, "--offline", "--cache", cache.to_str().unwrap(), &reference]).args(arguments);
        command
            .env("TMPDIR", &temporary)
            .env("RUST_BACKTRACE", "1")
            .env("RUST_LOG", "trace")
            .env("IMGGUARD_LOG", "debug");
        if panics {
            command.env("IMGGUARD_TEST_PANIC", "1");
        }
        end(&mut command)
    };
    let mut runs: Vec<(String, Ended)> = Vec::new();
    for format in imgguard::report::REPORTS {
        let arguments = ["--format", format.name(), "--show", "all"];
        runs.push((format!("scan {}", format.name()), run("scan", &arguments, false)));
        if !format.is_bill() {
            runs.push((format!("secrets {}", format.name()), run("secrets", &arguments, false)));
        }
    }
    runs.push(("incident".into(), run("secrets", &["--incident"], false)));
    runs.push(("incident as JSON".into(), run("secrets", &["--incident", "--format", "json"], false)));
    for (what, ended) in &runs {
        assert_eq!(ended.code, 0, "{what}: {}", ended.err);
        assert!(ended.err.contains("debug: layer: digest sha256:"), "{what}: {}", ended.err);
    }
    if cfg!(debug_assertions) {
        // The message of this panic quotes the secrets, which only a run that may show them has in clear.
        let panicked = run("secrets", &["--show-secrets"], true);
        assert_eq!(panicked.code, 3, "{}", panicked.err);
        assert!(
            panicked.err.contains("panic at src/scan/mod.rs") && panicked.err.contains("internal error"),
            "{}",
            panicked.err
        );
        runs.push(("panic".into(), panicked));
    }
    for (what, ended) in &runs {
        for secret in [&body, password] {
            assert!(!shows(ended.out.as_bytes(), secret), "{what} shows it:\n{}", ended.out);
            assert!(!shows(ended.err.as_bytes(), secret), "{what} shows it:\n{}", ended.err);
        }
    }
    let mut files = Vec::new();
    files_below(folder.path(), &mut files);
    assert!(!files.is_empty(), "the cache has files");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        assert!(!shows(&bytes, &body) && !shows(&bytes, password), "{}", file.display());
    }
}

#[test]
fn the_page_of_an_incident_says_what_to_do_and_is_escaped() {
    let mut built = leaking("srv/<b>`a`[x](http://evil)\n# b.py", &token(1), "q8Vx2mZp4Lw9");
    built.history =
        vec!["COPY <img src=x> /srv".into(), "RUN |1 NPM_PASSWORD=tR7yU2iO9pLk /bin/sh -c npm ci # buildkit".into()];
    let reference = Layout::of(std::slice::from_ref(&built));
    let page = secrets(&[&reference.reference(), "--incident"]);
    assert_eq!(page.code, 0, "{}", page.err);
    for expected in [
        "# Leaked secrets in ",
        "Rotate or revoke every secret below",
        "https://github.com/settings/tokens",
        "\\<b\\>\\`a\\`\\[x\\]\\(http:/evil\\)",
        "in layer 1 (",
        "put there by: COPY \\<img src\\=x\\> /srv",
        "RUN --mount=type=secret,id=NPM_PASSWORD,env=NPM_PASSWORD make",
        "docker run --env TOKEN IMAGE",
        "## What was not looked at",
        "was not read from a registry",
    ] {
        assert!(page.out.contains(expected), "{expected}:\n{}", page.out);
    }
    assert!(!page.out.contains("\n# b.py") && !page.out.contains("<b>"), "{}", page.out);
    let json = secrets(&[&reference.reference(), "--incident", "--format", "json"]).json();
    assert_valid(&jsonschema::validator_for(&our_schema("incident-1.0.json")).unwrap(), &json, "incident");
    assert_eq!(json["secrets"].as_array().unwrap().len(), 4, "{json:#}");
}

#[test]
fn verification_is_asked_for_and_never_offline() {
    assert_eq!(run(["secrets", "--offline", "--verify-secrets", "oci:testdata/sample"]).code, 2);
    let hosts = run(["secrets", "--print-hosts"]);
    assert_eq!(hosts.code, 0, "{}", hosts.err);
    let hosts: Vec<&str> = hosts.out.lines().collect();
    assert!(hosts.contains(&"api.github.com") && hosts.len() >= 10, "{hosts:?}");
}
