//! `lint`: pages, reports, exit codes, fixes.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::formats::{assert_valid, our_schema, strict};
use crate::world::{Ended, run};

/// A Dockerfile with problems of several severities, one of them set aside.
const BAD: &str = "FROM debian:12\n\
    # imgguard ignore=apt-get-unpinned reason=\"the base is pinned elsewhere\" expires=2030-01-01\n\
    RUN apt-get update && apt-get install curl\n\
    ENV DB_PASSWORD=Xq7.tR2-vL9w\n\
    USER 0\n\
    CMD curl -k https://example.org\n";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn lint(folder: &TempDir, arguments: &[&str]) -> Ended {
    let path = folder.path().to_str().unwrap();
    run(["lint", path, "--as-of", "2026-11-25", "--waivers", "none"].into_iter().chain(arguments.iter().copied()))
}

/// Rules with their lines, as far as they count.
fn open(report: &Value) -> Vec<(String, u64)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let open = findings.filter(|finding| finding["disposition"]["state"] == "open");
    let mut rules: Vec<(String, u64)> = open
        .flat_map(|finding| {
            let places = finding["locations"].as_array().unwrap();
            places.iter().map(|place| (finding["rule"].as_str().unwrap().to_owned(), place["line"].as_u64().unwrap()))
        })
        .collect();
    rules.sort();
    rules
}

#[test]
fn a_report_follows_the_contract_and_shows_no_secret() {
    let folder =
        folder(&[("Dockerfile", BAD), ("node_modules/a/Dockerfile", "FROM a\n"), ("docs/notes.md", "FROM a\n")]);
    let ended = lint(&folder, &["--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let mut schema = our_schema("report-1.0.json");
    strict(&mut schema);
    assert_valid(&jsonschema::validator_for(&schema).unwrap(), &report, "lint");
    let expected = [
        ("apt-get-lists", 3),
        ("apt-get-recommends", 3),
        ("apt-get-without-yes", 3),
        ("insecure-download", 6),
        ("root-user", 5),
        ("secret-in-file", 4),
        ("shell-form", 6),
        ("unpinned-base", 1),
    ];
    assert_eq!(open(&report), expected.map(|(rule, line)| (rule.to_owned(), line)));
    let text = report.to_string();
    assert!(!text.contains("Xq7.tR2-vL9w"), "the secret is shown: {text}");
    let aside =
        report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == "apt-get-unpinned").unwrap();
    assert_eq!(aside["disposition"]["reason"], "the base is pinned elsewhere");
}

#[test]
fn a_page_shows_each_line_and_what_to_do() {
    let folder = folder(&[(
        "Dockerfile",
        "FROM debian:12@sha256:0000000000000000000000000000000000000000000000000000000000000000\nUSER 0\n",
    )]);
    let page = lint(&folder, &[]).out.replace(folder.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(page, @r"
    DIR/Dockerfile:2:1: high root-user: the last USER is `0`, which is root
      2 | USER 0
        | ^^^^^^
      = create a user with a fixed uid and end the Dockerfile with USER <uid>:<gid> (DL3002, CIS-4.1, CIS-DI-0001, CKV_DOCKER_8)

    DIR: 1 problem: 1 high
    ");
    let good = self::folder(&[("Dockerfile", "FROM scratch\nCOPY a /\n")]);
    let page = lint(&good, &[]).out.replace(good.path().to_str().unwrap(), "DIR");
    assert_eq!(page, "DIR: no problems\n");
}

#[test]
fn exit_codes_tell_how_it_ended() {
    let bad = folder(&[("Dockerfile", BAD)]);
    let broken = folder(&[("Dockerfile", "FROM a\nRUN <<EOF\nx\n"), ("b/Containerfile", "FROM scratch\n")]);
    let empty = folder(&[("README.md", "x")]);
    for (folder, arguments, code, said) in [
        (&bad, &[][..], 0, ""),
        (&bad, &["--fail-on", "high"], 1, ""),
        (&bad, &["--fail-on", "high", "--disable", "root-user,CIS-4.10,insecure-download"], 0, ""),
        (&bad, &["--enable", "no-such-rule"], 2, "there is no rule `no-such-rule`"),
        (&bad, &["--format", "cyclonedx"], 2, "lists no packages"),
        (&broken, &[], 3, ""),
        (&empty, &[], 5, "there is nothing to look at in"),
    ] {
        let ended = lint(folder, arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {} {}", ended.out, ended.err);
        assert!(ended.err.contains(said), "{}", ended.err);
    }
    let page = lint(&broken, &[]).out;
    assert!(page.contains("the heredoc `EOF` has no end") && page.contains("1 file NOT READ"), "{page}");
    let missing = run(["lint", "/nonexistent/Dockerfile"]);
    assert_eq!(missing.code, 5, "{}", missing.err);
}

#[test]
fn fixes_are_shown_and_then_made() {
    let folder = folder(&[(
        "Dockerfile",
        "# keep me\nFROM debian:12\nRUN apt-get update \\\n    # why curl\n && apt-get install curl=1\nADD a /b\n",
    )]);
    let path = folder.path().join("Dockerfile");
    let before = fs::read_to_string(&path).unwrap();
    let diff = lint(&folder, &["--diff"]);
    assert_eq!(diff.code, 0, "{}", diff.err);
    for line in [
        "-ADD a /b",
        "+COPY a /b",
        "+ && apt-get install --no-install-recommends -y curl=1 \\",
        "+ && rm -rf /var/lib/apt/lists/*",
        " # why curl",
    ] {
        assert!(
            diff.out.lines().any(|own| own.trim_end() == line || own == line || own.trim_start() == line.trim_start()),
            "{line}\n{}",
            diff.out
        );
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), before, "--diff changes nothing");
    let fixed = lint(&folder, &["--fix", "--format", "json"]);
    assert!(fixed.err.contains("4 mended"), "{}", fixed.err);
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.starts_with("# keep me\n") && after.contains("    # why curl\n"), "{after}");
    let left = open(&fixed.json());
    assert!(left.iter().all(|(rule, _)| ["missing-user", "unpinned-base"].contains(&rule.as_str())), "{left:?}");
    let again = lint(&folder, &["--fix"]);
    assert_eq!((fs::read_to_string(&path).unwrap(), again.err.contains("mended")), (after, false));
}

#[test]
fn sarif_names_places_in_the_repository_and_what_mends_them() {
    let folder = folder(&[("Dockerfile", "FROM debian:12\nADD a /b\n")]);
    let report = lint(&folder, &["--format", "sarif"]).json();
    if let Some(schemas) = crate::shared::folder("data/schemas/sarif") {
        let schema: Value =
            serde_json::from_slice(&fs::read(schemas.join("sarif-schema-2.1.0.json")).unwrap()).unwrap();
        assert_valid(&jsonschema::validator_for(&schema).unwrap(), &report, "sarif");
    }
    let results = report["runs"][0]["results"].as_array().unwrap();
    let add = results.iter().find(|result| result["ruleId"] == "add-instead-of-copy").unwrap();
    let region = &add["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"], &region["endColumn"]), (&2.into(), &1.into(), &4.into()));
    assert_eq!(add["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "COPY");
}

#[test]
fn comments_that_say_no_reason_count_for_nothing_and_hadolints_do() {
    let folder = folder(&[(
        "Dockerfile",
        "# hadolint ignore=DL3006\nFROM debian\n# imgguard ignore=root-user\nUSER root\n# imgguard ignore=shell-form reason=\"x\" expires=2020-01-01\nCMD a b\n",
    )]);
    let report = lint(&folder, &["--format", "json"]).json();
    let expected = [("root-user", 4), ("shell-form", 6), ("void-ignore", 3), ("void-ignore", 5)];
    assert_eq!(open(&report), expected.map(|(rule, line)| (rule.to_owned(), line)));
}

#[test]
fn rules_are_listed_with_their_names_elsewhere() {
    let listed = run(["rules", "list", "--format", "json"]).json();
    let rules = listed["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == "apt-get-unpinned").unwrap();
    assert_eq!(rule["kind"], "dockerfile");
    assert!(rule["aliases"].as_array().unwrap().contains(&"DL3008".into()), "{rule}");
}

/// A project of two files and a manifest, with a folder that it is not to leave.
fn project() -> TempDir {
    folder(&[
        (".git/HEAD", "ref: refs/heads/main\n"),
        (
            "app/compose.yaml",
            "include: [../common/db.yaml]\nservices:\n  web:\n    build: .\n    user: \"1000:1000\"\n    ports:\n      - \"8080:80\"\n    privileged: true # imgguard ignore=privileged-container reason=\"it drives the host's hardware\"\n",
        ),
        ("app/compose.override.yaml", "services:\n  web:\n    pid: host\n    privileged: ${P:-true}\n"),
        (
            "app/Dockerfile",
            "FROM debian:12@sha256:0000000000000000000000000000000000000000000000000000000000000000\nUSER root\nCMD [\"a\"]\n",
        ),
        (
            "common/db.yaml",
            "services:\n  db:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD: Xq7tR2vL9w\n",
        ),
        (
            "deploy/web.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {hostNetwork: true, containers: [{name: a, image: b}]}}}\n",
        ),
        ("deploy/values.yaml", "replicas: 2\n"),
        ("deploy/template.yaml", "{{ if .Values.x }}\nkind: Pod\n"),
    ])
}

/// The places of a rule's findings: the end of the path, the line, and how it counts.
fn places(report: &Value, rule: &str) -> Vec<(String, u64, String)> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let place = |finding: &Value| {
        let state = finding["disposition"]["state"].as_str().unwrap().to_owned();
        let places = finding["locations"].as_array().unwrap().iter();
        places
            .map(|place| {
                let path = place["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                (path, place["line"].as_u64().unwrap(), state.clone())
            })
            .collect::<Vec<_>>()
    };
    findings.flat_map(place).collect()
}

#[test]
fn compose_files_are_read_with_what_belongs_to_them() {
    let folder = project();
    let ended = lint(&folder, &["--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let row = |path: &str, line: u64, state: &str| vec![(path.to_owned(), line, state.to_owned())];
    assert_eq!(places(&report, "host-namespace"), row("compose.override.yaml", 3, "open"), "an override is put over");
    assert_eq!(
        places(&report, "privileged-container"),
        row("compose.override.yaml", 4, "open"),
        "with the place that counts"
    );
    assert_eq!(places(&report, "literal-secret"), row("db.yaml", 5, "open"), "what is included is looked at");
    assert_eq!(places(&report, "host-network"), row("web.yaml", 4, "open"), "and manifests");
    assert_eq!(places(&report, "root-user"), row("Dockerfile", 2, "suppressed"), "user: counts and not USER");
    assert!(!report.to_string().contains("Xq7tR2vL9w"));
    let alone = folder.path().join("app/Dockerfile");
    let alone =
        run(["lint", alone.to_str().unwrap(), "--as-of", "2026-11-25", "--waivers", "none", "--format", "json"]).json();
    assert_eq!(places(&alone, "root-user"), row("Dockerfile", 2, "open"));
}

#[test]
fn what_a_compose_file_needs_and_lacks_is_exit_3_with_what_is_there() {
    let text = "include: [gone.yaml, ../../../etc/passwd]\nservices:\n  web: {image: \"a:1\", network_mode: host}\n";
    let folder = folder(&[("compose.yaml", text)]);
    let ended = lint(&folder, &["--format", "json"]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    let report = ended.json();
    assert_eq!(places(&report, "host-network").len(), 1);
    let reasons = report["unknowns"].to_string();
    assert!(reasons.contains("`gone.yaml` cannot be read") && reasons.contains("lies outside"), "{reasons}");
    let path = folder.path().join("notes.yaml");
    fs::write(&path, "a: b\n").unwrap();
    let ended = run(["lint", path.to_str().unwrap()]);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("neither a Compose file nor a Kubernetes manifest"), "{}", ended.err);
}

#[test]
fn fixes_of_compose_files_keep_the_rest_and_are_made_once() {
    let text = "# ours\nservices:\n  web:\n    image: a:1 # pinned by the mirror\n    ports:\n      - '8080:80'\n";
    let folder = folder(&[("compose.yaml", text)]);
    let read = || fs::read_to_string(folder.path().join("compose.yaml")).unwrap();
    let diff = lint(&folder, &["--diff"]);
    assert_eq!((diff.code, read().as_str()), (0, text), "{}", diff.err);
    assert!(diff.out.contains("+      - '127.0.0.1:8080:80'"), "{}", diff.out);
    assert_eq!(lint(&folder, &["--fix"]).code, 0);
    let fixed = "# ours\nservices:\n  web:\n    cap_drop:\n      - ALL\n    security_opt:\n      - no-new-privileges:true\n    read_only: true\n    image: a:1 # pinned by the mirror\n    ports:\n      - '127.0.0.1:8080:80'\n";
    assert_eq!(read(), fixed);
    lint(&folder, &["--fix"]);
    assert_eq!(read(), fixed);
    let report = lint(&folder, &["--format", "json"]).json();
    for rule in ["capabilities-kept", "new-privileges", "writable-root", "public-port"] {
        assert!(places(&report, rule).is_empty(), "{rule}");
    }
}

#[test]
fn overrides_and_variables_are_named() {
    let folder = folder(&[
        ("compose.yaml", "services:\n  web: {image: \"a:$TAG\"}\n"),
        ("prod.yaml", "services:\n  web: {ipc: host}\n"),
        ("vars", "TAG=latest\n"),
    ]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let arguments = ["--compose-override", &path("prod.yaml"), "--env-file", &path("vars"), "--format", "json"];
    let ended =
        run(["lint", &path("compose.yaml"), "--as-of", "2026-11-25", "--waivers", "none"].into_iter().chain(arguments));
    let report = ended.json();
    assert_eq!(
        (places(&report, "host-namespace").len(), places(&report, "latest-image").len()),
        (1, 1),
        "{}",
        ended.err
    );
}
