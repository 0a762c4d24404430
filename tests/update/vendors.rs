//! Vendors' own files as they publish them: CSAF archives with what changed since, and the errata of rpm repositories.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use crate::server::{Answer, Server};
use crate::world::{Ended, end, program};
use crate::{FACTS, User, conditional, facts_of, list, shared, zip};

/// A copy of a publisher's files, by path below `/copy/`; beside them the facts.
fn copy(files: Vec<(&'static str, Vec<u8>, Option<&'static str>)>) -> Server {
    Server::start(move |asked| {
        let known = files.iter().find(|(name, ..)| asked.path == format!("/copy/{name}"));
        match known {
            Some((_, body, None)) => conditional(asked, body.clone()),
            Some((_, body, Some(modified))) => conditional(asked, body.clone()).with("Last-Modified", *modified),
            None if asked.path.starts_with("/facts/") => conditional(asked, facts_of(&asked.path)),
            None => Answer::new(404, ""),
        }
    })
}

impl User {
    /// An update of one ecosystem, of which OSV has nothing.
    fn update_of(&self, server: &Server, ecosystem: &str, upstreams: &[&str]) -> Ended {
        let mut command = program();
        command.args(["db", "update", "--ecosystem", ecosystem]);
        for name in upstreams {
            command.args(["--upstream", &format!("{name}={}", server.url("/copy/"))]);
        }
        for fact in FACTS {
            command.args(["--upstream", &format!("{fact}={}", server.url("/facts/"))]);
        }
        command.env("XDG_DATA_HOME", self.0.path().join("data")).env("XDG_CACHE_HOME", self.0.path().join("cache"));
        end(&mut command)
    }

    /// What the store says of an id, row by row.
    fn says(&self, id: &str) -> Vec<String> {
        let ended = end(program().args(["db", "search", id, "--db"]).arg(self.store()));
        ended.out.lines().filter(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
    }
}

/// OSV's layout for an ecosystem of which it has one record.
fn osv_of(ecosystem: &str) -> [(String, Vec<u8>); 2] {
    let record = json!({"schema_version": "1.7.0", "id": "OSV-1", "modified": "2024-08-01T00:00:00Z", "affected": [{
        "package": {"ecosystem": ecosystem, "name": "demo"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0-1"}]}]}]});
    let records =
        BTreeMap::from([("OSV-1".to_owned(), ("2024-08-01T00:00:00Z".to_owned(), record.to_string().into_bytes()))]);
    let folder = imgguard::advisory::ecosystem::base(ecosystem).replace(' ', "%20");
    [(format!("{folder}/all.zip"), zip(&records)), (format!("{folder}/modified_id.csv"), list(&records))]
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Red Hat's own archive, lists and documents: first the archive, then what changed, and what was taken back.
#[test]
fn red_hats_documents_come_once_and_then_by_their_changes() {
    let Some(feeds) = shared::folder("data/feeds") else { return };
    let own = |name: &str| fs::read(feeds.join("redhat/vex-v1").join(name)).unwrap();
    let archive = own("csaf_vex_2024-08-04.tar.zst");
    let repositories =
        br#"{"data": {"rhel-9-for-x86_64-baseos-rpms": {"cpes": ["cpe:/o:redhat:enterprise_linux:9::baseos"]}}}"#;
    let files = |changes: &str, deletions: &str, more: &[(&'static str, Vec<u8>)]| {
        let mut files = vec![
            ("changes.csv", changes.as_bytes().to_vec(), None),
            ("deletions.csv", deletions.as_bytes().to_vec(), None),
            ("archive_latest.txt", own("archive_latest.txt"), None),
            ("csaf_vex_2024-08-04.tar.zst", archive.clone(), Some("Sun, 04 Aug 2024 02:00:00 GMT")),
            ("repository-to-cpe.json", repositories.to_vec(), None),
        ];
        files.extend(osv_of("Red Hat:enterprise_linux:9").map(|(name, body)| (leaked(name), body, None)));
        files.extend(more.iter().map(|(name, body)| (*name, body.clone(), None)));
        files
    };
    let user = User::new();
    let update = |server: &Server| {
        user.update_of(server, "Red Hat:enterprise_linux:9", &["osv", "redhat", "redhat-repositories"])
    };
    let old = "\"2023/cve-2023-6212.json\",\"2024-08-01T10:17:22+00:00\"\n\"2023/cve-2023-6228.json\",\"2024-07-01T10:17:22+00:00\"\n";
    let server = copy(files(old, "", &[]));
    let first = update(&server);
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(server.asked_for("csaf_vex").len(), 1);
    let before = user.says("CVE-2023-6228");
    assert!(!before.is_empty(), "{}", first.out);
    // Nothing new: neither the archive nor a document.
    let server = copy(files(old, "", &[]));
    let again = update(&server);
    assert!(again.out.contains("redhat documents: nothing new"), "{}{}", again.out, again.err);
    assert!(server.asked_for("csaf_vex").is_empty() && server.asked_for("cve-").is_empty());

    // Two documents changed, one of which says less now; a third is gone.
    let changed = String::from_utf8(own("2023/cve-2023-6212.json")).unwrap();
    let mut fewer: serde_json::Value =
        serde_json::from_slice(&zstd_entry(&archive, "2023/cve-2023-6228.json")).unwrap();
    fewer["vulnerabilities"][0]["product_status"] = json!({});
    let more = [
        ("2023/cve-2023-6212.json", changed.into_bytes()),
        ("2023/cve-2023-6228.json", fewer.to_string().into_bytes()),
    ];
    let new = format!(
        "\"2023/cve-2023-6228.json\",\"2024-08-06T00:00:00+00:00\"\n\"2023/cve-2023-6212.json\",\"2024-08-05T00:00:00+00:00\"\n\"2023/cve-2023-6240.json\",\"2024-08-04T00:00:00+00:00\"\n{old}"
    );
    let gone = "\"2023/cve-2023-6240.json\",\"2024-08-05T00:00:00+00:00\"\n";
    assert!(!user.says("CVE-2023-6240").is_empty());
    let server = copy(files(&new, gone, &more));
    let later = update(&server);
    assert_eq!(later.code, 0, "{}", later.err);
    assert!(later.out.contains("redhat documents: 2 records changed"), "{}", later.out);
    assert!(server.asked_for("csaf_vex").is_empty(), "the archive stays");
    assert_eq!(user.says("CVE-2023-6228"), [""; 0], "the newer document counts alone: it was {before:?}");
    assert_eq!(user.says("CVE-2023-6240"), [""; 0]);
    assert!(!user.says("CVE-2023-6237").is_empty(), "what did not change is still the archive's");

    // What is not believed leaves the store.
    let kept = fs::read(user.store()).unwrap();
    let other = [("2023/cve-2023-6237.json", own("2023/cve-2023-6212.json"))];
    for (list, more, words) in [
        ("\"../../etc/passwd.json\",\"2024-08-07T00:00:00+00:00\"\n".to_owned(), &other, "has a line that is none"),
        ("no list".to_owned(), &other, "has a line that is none"),
        (String::new(), &other, "its list of changes is empty"),
        (
            format!("\"2023/cve-2023-6237.json\",\"2024-08-07T00:00:00+00:00\"\n{new}"),
            &other,
            "the record `cve-2023-6237` is another one",
        ),
    ] {
        let refused = update(&copy(files(&list, gone, more)));
        assert!(refused.code == 4 && refused.err.contains(words), "{words}: {}", refused.err);
        assert_eq!(fs::read(user.store()).unwrap(), kept, "{words}");
    }
}

/// An entry of a compressed archive.
fn zstd_entry(archive: &[u8], name: &str) -> Vec<u8> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(archive).unwrap());
    let mut entry =
        archive.entries().unwrap().map(Result::unwrap).find(|entry| entry.path().unwrap().ends_with(name)).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut entry, &mut bytes).unwrap();
    bytes
}

/// SUSE's own archive, whose provider tells no deletions.
#[test]
fn suses_archive_is_read_as_it_is_published() {
    let Some(feeds) = shared::folder("data/feeds") else { return };
    let mut files = vec![
        ("csaf-vex/changes.csv", b"\"cve-2023-5568.json\",\"2024-01-01T00:00:00Z\"\n".to_vec(), None),
        (
            "csaf-vex.tar.bz2",
            fs::read(feeds.join("suse/csaf-vex/csaf-vex.tar.bz2")).unwrap(),
            Some("Fri, 05 Jan 2024 02:00:00 GMT"),
        ),
    ];
    files.extend(osv_of("SUSE:Linux Enterprise Server 15 SP5").map(|(name, body)| (leaked(name), body, None)));
    let server = copy(files);
    let user = User::new();
    let ended = user.update_of(&server, "SUSE", &["osv", "suse"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let status = end(program().args(["db", "status", "--json", "--db"]).arg(user.store())).json();
    let suse =
        status["sources"].as_array().unwrap().iter().find(|source| source["name"] == "SUSE CSAF").unwrap().clone();
    assert_eq!((&suse["records"], &suse["malformed"]), (&json!(2), &json!(0)), "{suse}");
}

/// Amazon's errata are found through a list of mirrors, whose answers change their names with their content.
#[test]
fn amazons_errata_are_found_through_its_mirrors() {
    let Some(feeds) = shared::folder("data/feeds/amazon") else { return };
    let errata = fs::read(feeds.join("updateinfo/updateinfo_2023.xml.gz")).unwrap();
    let repository = |errata: &[u8], said: &[u8], guid: &str| {
        let digest = imgguard::digest::Digest::sha256(said);
        let repomd = format!(
            "<?xml version=\"1.0\"?><repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1</revision><data type=\"primary\"><checksum type=\"sha256\">00</checksum><location href=\"repodata/primary.xml.gz\"/></data>\
             <data type=\"updateinfo\"><checksum type=\"sha256\">{}</checksum><location href=\"repodata/{guid}-updateinfo.xml.gz\"/></data></repomd>",
            digest.hex()
        );
        ["x86_64", "aarch64"]
            .into_iter()
            .flat_map(|arch| {
                let root = format!("al2023/core/guids/{guid}/{arch}");
                // As Amazon's list: the live address, below which a copy is looked for in its place.
                let list = format!("https://elsewhere.example/{root}/\nhttps://cdn.amazonlinux.com/{root}/\n");
                [
                    (leaked(format!("al2023/core/mirrors/latest/{arch}/mirror.list")), list.into_bytes(), None),
                    (leaked(format!("{root}/repodata/repomd.xml")), repomd.clone().into_bytes(), None),
                    (leaked(format!("{root}/repodata/{guid}-updateinfo.xml.gz")), errata.to_vec(), None),
                ]
            })
            .collect::<Vec<_>>()
    };
    let user = User::new();
    let update = |server: &Server| user.update_of(server, "Amazon Linux:2023", &["amazon"]);
    let first = update(&copy(repository(&errata, &errata, "one")));
    assert_eq!(first.code, 0, "{}", first.err);
    let status = || end(program().args(["db", "status", "--json", "--db"]).arg(user.store())).json();
    assert_eq!(status()["ecosystems"][0]["name"], "Amazon Linux:2023");
    let server = copy(repository(&errata, &errata, "two"));
    let again = update(&server);
    assert!(
        again.out.contains("mirror.list: nothing new") && server.asked_for("updateinfo").is_empty(),
        "{}",
        again.out
    );
    let kept = fs::read(user.store()).unwrap();
    let damaged = update(&copy(repository(b"other", b"another", "three")));
    assert!(damaged.code == 4 && damaged.err.contains("are not those of its repomd.xml"), "{}", damaged.err);
    let elsewhere =
        copy(vec![("al2023/core/mirrors/latest/aarch64/mirror.list", b"https://elsewhere.example/a/".to_vec(), None)]);
    let refused = update(&elsewhere);
    assert!(
        refused.code == 4 && refused.err.contains("names no mirror below https://cdn.amazonlinux.com/"),
        "{}",
        refused.err
    );
    assert_eq!(fs::read(user.store()).unwrap(), kept);
}
