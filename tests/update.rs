//! `db update` against copies of the upstreams on loopback: what is fetched, what is not fetched again, and what is not believed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[expect(dead_code, reason = "the registry tests use all of it")]
#[path = "registry/server.rs"]
mod server;
#[path = "support/shared.rs"]
mod shared;
#[path = "update/vendors.rs"]
mod vendors;
#[expect(dead_code, reason = "the tests of the whole program use all of it")]
#[path = "cli/world.rs"]
mod world;
#[expect(dead_code, reason = "the tests of the tar reader use all of it")]
#[path = "tar_differential/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tempfile::TempDir;

use server::{Answer, Asked, Body, Server};
use world::{AS_OF, Ended, end, program};

/// osv.dev's bucket, as a test has it at the moment.
#[derive(Clone, Default)]
struct Bucket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By id: the time of the last change, and the record.
    records: BTreeMap<String, (String, Vec<u8>)>,
    /// Answers instead of the right ones, by the end of the path.
    instead: Vec<(String, Answer)>,
}

impl Bucket {
    /// A record that says that all versions of `package` before `fixed` are affected.
    fn put(&self, id: &str, modified: &str, package: &str, fixed: &str) {
        let record = json!({
            "schema_version": "1.7.0", "id": id, "modified": modified,
            "affected": [{
                "package": {"ecosystem": "crates.io", "name": package},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }],
        });
        let entry = (modified.to_owned(), serde_json::to_vec(&record).unwrap());
        self.0.lock().unwrap().records.insert(id.to_owned(), entry);
    }

    fn remove(&self, id: &str) {
        self.0.lock().unwrap().records.remove(id);
    }

    fn instead(&self, path: &str, answer: Answer) {
        self.0.lock().unwrap().instead.push((path.to_owned(), answer));
    }

    fn right_again(&self) {
        self.0.lock().unwrap().instead.clear();
    }

    fn serve(&self) -> Server {
        let bucket = self.clone();
        Server::start(move |asked| bucket.answer(asked))
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let state = self.0.lock().unwrap();
        if let Some((_, answer)) = state.instead.iter().find(|(end, _)| asked.path.ends_with(end)) {
            return answer.clone();
        }
        if let Some(facts) = asked.path.strip_prefix("/facts/") {
            return conditional(asked, facts_of(facts));
        }
        let Some(name) = asked.path.strip_prefix("/crates.io/") else { return Answer::new(404, "") };
        let body = match name {
            "all.zip" => zip(&state.records),
            "modified_id.csv" => list(&state.records),
            _ => match state.records.get(name.trim_end_matches(".json")) {
                Some((_, record)) => record.clone(),
                None => return Answer::new(404, ""),
            },
        };
        conditional(asked, body)
    }
}

/// What a server that does everything right says: 304 where nothing changed, the rest where a part is there.
fn conditional(asked: &Asked, body: Vec<u8>) -> Answer {
    let etag = format!("\"{}\"", imgguard::digest::Digest::sha256(&body).hex());
    if asked.header("if-none-match") == Some(&etag) {
        return Answer::new(304, "");
    }
    let first = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match first.filter(|_| asked.header("if-range") == Some(&etag)) {
        Some(first) => {
            let range = format!("bytes {first}-{}/{}", body.len() - 1, body.len());
            Answer::new(206, &body[first..]).with("Content-Range", range).with("ETag", etag)
        }
        None => Answer::new(200, body).with("ETag", etag),
    }
}

/// Upstreams that go with every other.
const FACTS: [&str; 3] = ["kev", "epss", "eol"];

/// The smallest catalogue, list of products and score file there can be.
fn facts_of(name: &str) -> Vec<u8> {
    if name.ends_with("full") {
        let release = json!({"name": "1", "releaseDate": "2026-01-01", "isEol": false, "eolFrom": "2028-01-01"});
        return serde_json::to_vec(&json!({"result": [{"name": "demo", "identifiers": [], "releases": [release]}]}))
            .unwrap();
    }
    if name.ends_with(".json") {
        let entry = json!({"cveID": "CVE-2026-0001", "dateAdded": "2026-01-01", "dueDate": "2026-02-01", "knownRansomwareCampaignUse": "Unknown"});
        let catalogue = json!({"title": "CISA Catalog of Known Exploited Vulnerabilities", "catalogVersion": "2026.08.01", "dateReleased": "2026-08-01T00:00:00Z", "count": 1, "vulnerabilities": [entry]});
        return serde_json::to_vec(&catalogue).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let scores =
        "#model_version:v2025.03.14,score_date:2026-08-01T00:00:00Z\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n";
    gzip.write_all(scores.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn zip(records: &BTreeMap<String, (String, Vec<u8>)>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (id, (_, record)) in records {
        zip.start_file(format!("{id}.json"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(record).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Newest first.
fn list(records: &BTreeMap<String, (String, Vec<u8>)>) -> Vec<u8> {
    let mut lines: Vec<String> = records.iter().map(|(id, (modified, _))| format!("{modified},{id}\n")).collect();
    lines.sort();
    lines.reverse();
    lines.concat().into_bytes()
}

/// A user's folders.
struct User(TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("data/imgguard/advisories.store")
    }

    fn update(&self, server: &Server, arguments: &[&str]) -> Ended {
        let osv = format!("osv={}", server.url("/"));
        let facts = FACTS.map(|name| format!("{name}={}", server.url("/facts/")));
        let mut command = program();
        command.args(["db", "update", "--ecosystem", "crates.io", "--upstream", &osv]);
        for fact in &facts {
            command.args(["--upstream", fact]);
        }
        command.env("XDG_DATA_HOME", self.0.path().join("data")).env("XDG_CACHE_HOME", self.0.path().join("cache"));
        end(command.args(arguments))
    }

    /// Fixed versions that a scan names for `demo 1.0.0`.
    fn fixes(&self) -> Vec<String> {
        let tree = self.0.path().join("tree");
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("Cargo.lock"), "version = 4\n[[package]]\nname = \"demo\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n").unwrap();
        let mut command = program();
        command.args(["scan", &format!("dir:{}", tree.display()), "--offline", "--format", "json", "--as-of", AS_OF]);
        let ended = end(command.env("XDG_DATA_HOME", self.0.path().join("data")));
        let findings = ended.json()["findings"].as_array().unwrap().clone();
        findings.iter().filter_map(|finding| Some(finding["fixed_in"][0].as_str()?.to_owned())).collect()
    }
}

/// A bucket of 40 records, of which `X-1` is about `demo`.
fn bucket() -> Bucket {
    let bucket = Bucket::default();
    for number in 1..=40 {
        let package = if number == 1 { "demo" } else { "other" };
        bucket.put(&format!("X-{number}"), &format!("2026-08-01T00:00:{:02}Z", number % 60), package, "1.1.0");
    }
    bucket
}

/// What was asked for, without the facts about CVEs.
fn asked(server: &Server) -> Vec<String> {
    server.asked_for("/crates.io/").into_iter().map(|asked| asked.path.replace("/crates.io/", "")).collect()
}

#[test]
fn what_did_not_change_is_not_fetched_again() {
    let (bucket, user) = (bucket(), User::new());
    let server = bucket.serve();
    let first = user.update(&server, &[]);
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(asked(&server), ["modified_id.csv", "all.zip"]);
    assert_eq!(user.fixes(), ["1.1.0"]);

    let server = bucket.serve();
    let again = user.update(&server, &[]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(asked(&server), ["modified_id.csv"], "its answer is that nothing changed");
    assert!(again.out.contains("osv crates.io: nothing new"), "{}", again.out);

    bucket.put("X-1", "2026-08-02T00:00:00Z", "demo", "1.2.0");
    bucket.put("X-41", "2026-08-02T00:00:00.5Z", "demo", "1.3.0");
    bucket.remove("X-2");
    let server = bucket.serve();
    let changed = user.update(&server, &[]);
    assert_eq!(changed.code, 0, "{}", changed.err);
    let mut paths = asked(&server);
    paths.sort();
    // X-40 changed in the second up to which the records were known: others may have changed in it since.
    assert_eq!(paths, ["X-1.json", "X-40.json", "X-41.json", "modified_id.csv"]);
    assert!(changed.out.contains("osv crates.io: 3 records changed"), "{}", changed.out);
    assert_eq!(user.fixes(), ["1.2.0", "1.3.0"]);
    let status = end(program().args(["db", "status", "--db"]).arg(user.store()));
    assert!(status.out.contains("40 records"), "X-2 is gone: {}", status.out);
}

#[test]
fn a_broken_download_goes_on_in_the_next_run() {
    let (bucket, user) = (bucket(), User::new());
    let whole = zip(&bucket.0.lock().unwrap().records);
    let etag = format!("\"{}\"", imgguard::digest::Digest::sha256(&whole).hex());
    let cut = Answer::new(200, whole.clone()).with("ETag", etag).sent(Body::Cut(100));
    bucket.instead("all.zip", cut);
    let server = bucket.serve();
    // The rest is asked for at once, and what comes instead is no rest; then there is no server at all.
    let broken = user.update(&server, &["--timeout", "2"]);
    assert_eq!(broken.code, 5, "{}", broken.err);
    assert!(broken.err.contains("the store is as it was"), "{}", broken.err);
    assert!(!user.store().exists());
    let ranges: Vec<_> =
        server.asked_for("all.zip").iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!((&ranges[0], ranges[1].as_deref()), (&None, Some("bytes=100-")));

    bucket.right_again();
    let server = bucket.serve();
    let ended = user.update(&server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let rest = server.asked_for("all.zip");
    assert_eq!((rest.len(), rest[0].header("range")), (1, Some("bytes=100-")));
    assert_eq!(user.fixes(), ["1.1.0"]);
}

#[test]
fn what_is_not_believed_leaves_the_store() {
    let (bucket, user) = (bucket(), User::new());
    assert_eq!(user.update(&bucket.serve(), &[]).code, 0);
    let before = fs::read(user.store()).unwrap();
    bucket.put("X-1", "2026-08-03T00:00:00Z", "demo", "9.0.0");
    let list = |lines: &str| Answer::new(200, lines);
    let other = json!({"id": "X-7", "modified": "2026-08-03T00:00:00Z", "affected": []}).to_string();
    for (path, answer, code, words) in [
        ("modified_id.csv", list("2026-08-03T00:00:00Z,X-1\n2026-08-01T00:00:00Z,X-2\n"), 4, "has 2 records, 40 when"),
        ("modified_id.csv", list("2026-08-03T00:00:00Z,../X-1\n"), 4, "has a line that is none"),
        ("modified_id.csv", list("yesterday,X-1\n"), 4, "has a line that is none"),
        ("modified_id.csv", list(""), 4, "its list of changes is empty"),
        ("modified_id.csv", Answer::new(403, "not\u{1b}[31m yours"), 5, "answers 403"),
        ("X-1.json", Answer::new(200, other), 4, "the record `X-1` is another one"),
        ("X-1.json", Answer::new(200, "{"), 4, "the record `X-1` is another one"),
        ("X-1.json", Answer::new(404, ""), 5, "answers 404"),
    ] {
        bucket.right_again();
        bucket.instead(path, answer);
        let ended = user.update(&bucket.serve(), &[]);
        assert_eq!(ended.code, code, "{path} {words}: {}", ended.err);
        assert!(ended.err.contains(words) && !ended.err.contains('\u{1b}'), "{words}: {}", ended.err);
        assert_eq!(fs::read(user.store()).unwrap(), before, "{path} {words}");
    }
    bucket.right_again();
    assert_eq!(user.update(&bucket.serve(), &[]).code, 0);
    assert_eq!(user.fixes(), ["9.0.0"], "nothing of the refused updates was kept");
}

#[test]
fn a_store_does_not_go_back() {
    let (bucket, user) = (bucket(), User::new());
    assert_eq!(user.update(&bucket.serve(), &[]).code, 0);
    let before = fs::read(user.store()).unwrap();
    let old = Bucket::default();
    for number in 1..=40 {
        old.put(&format!("X-{number}"), "2026-07-01T00:00:00Z", "demo", "0.9.0");
    }
    let mirror = user.0.path().join("other");
    let ended = user.update(&old.serve(), &["--mirror", mirror.to_str().unwrap()]);
    assert_eq!(ended.code, 4, "{}", ended.err);
    assert!(
        ended
            .err
            .contains("the newest record of crates.io is of 2026-07-01T00:00:00Z, in the store it is of 2026-08-01"),
        "{}",
        ended.err
    );
    assert_eq!(fs::read(user.store()).unwrap(), before);
}

/// In one go: what the image needs is fetched, then it is scanned; standard output is the report's alone.
#[test]
fn a_scan_can_bring_the_store_up_to_date_first() {
    let (bucket, user) = (bucket(), User::new());
    user.fixes();
    let server = bucket.serve();
    let scan = || {
        let mut command = program();
        command.args(["scan", &format!("dir:{}", user.0.path().join("tree").display()), "--format", "json"]);
        command.args(["--as-of", AS_OF, "--update", "--upstream", &format!("osv={}", server.url("/"))]);
        for name in FACTS {
            command.args(["--upstream", &format!("{name}={}", server.url("/facts/"))]);
        }
        command.env("XDG_DATA_HOME", user.0.path().join("data")).env("XDG_CACHE_HOME", user.0.path().join("cache"));
        end(&mut command)
    };
    let first = scan();
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(first.json()["findings"][0]["fixed_in"][0], "1.1.0");
    assert!(first.err.contains("40 advisories"), "{}", first.err);
    bucket.put("X-1", "2026-08-02T00:00:00Z", "demo", "1.2.0");
    let second = scan();
    assert_eq!(second.json()["findings"][0]["fixed_in"][0], "1.2.0");
    assert_eq!(server.asked_for("all.zip").len(), 1, "only what changed came the second time");
    bucket.instead("modified_id.csv", Answer::new(503, "").with("Retry-After", "3600"));
    let failed = scan();
    assert!(
        failed.code == 5 && failed.out.is_empty(),
        "no report of old data when new data was asked for: {}",
        failed.err
    );
}

#[test]
fn a_plan_fetches_nothing() {
    let (bucket, user) = (bucket(), User::new());
    let server = bucket.serve();
    let plan = user.update(&server, &["--plan"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.contains("osv crates.io: ") && plan.out.contains(" at most"), "{}", plan.out);
    assert!(server.asked().iter().all(|asked| asked.header("range") == Some("bytes=0-0")), "{:?}", server.asked());
    assert!(!user.store().exists());
}

#[test]
fn nothing_to_update_is_a_usage_error() {
    let user = User::new();
    let mut command = program();
    command.args(["db", "update"]).env("XDG_DATA_HOME", user.0.path()).env("XDG_CACHE_HOME", user.0.path());
    let ended = end(&mut command);
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("db update --for IMAGE"), "{}", ended.err);
}

/// The real export: what an update makes of it is what an import makes of it.
#[test]
fn a_copy_of_the_real_export_is_what_an_import_of_it_is() {
    let Some(osv) = shared::folder("data/osv") else { return };
    let user = User::new();
    let files =
        ["crates.io/all.zip", "crates.io/modified_id.csv"].map(|name| (name, fs::read(osv.join(name)).unwrap()));
    let server = Server::start(move |asked| match files.iter().find(|(name, _)| asked.path.ends_with(name)) {
        Some((_, body)) => conditional(asked, body.clone()),
        None => conditional(asked, facts_of(&asked.path)),
    });
    let ended = user.update(&server, &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let status = |store: &std::path::Path| {
        let sources = end(program().args(["db", "status", "--json", "--db"]).arg(store)).json()["sources"].clone();
        sources.as_array().unwrap().iter().find(|source| source["name"] == "crates.io").unwrap().clone()
    };
    let imported = user.0.path().join("imported.store");
    let import = end(program().args(["db", "import"]).arg(osv.join("crates.io")).arg("--output").arg(&imported));
    assert_eq!(import.code, 0, "{}", import.err);
    assert_eq!(status(&user.store()), status(&imported));
}
