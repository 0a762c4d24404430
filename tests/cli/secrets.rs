//! Secrets of a whole image: in files, binaries and UTF-16, deleted and overwritten, in variables, labels, history and annotations. Each is found
//! with its layer and state, and no report shows one.

use serde_json::{Value, json};

use crate::world::{Built, Layout, scan, with_end};
use crate::writer::{Archive, Format};
use imgguard::secret::template::fill;

/// A secret in a file: layer, path, template, rule, and what became of the file.
type Planted = (usize, &'static str, &'static str, &'static str, &'static str);

const IN_FILES: &[Planted] = &[
    (0, "srv/app/a.py", "TOKEN = 'ghp_{github}'\n", "github-pat", "present"),
    (0, "srv/app/b.js", "const k = \"sk_live_{base62:24}\";\n", "stripe-secret-key", "present"),
    (0, "srv/app/c.go", "var k = \"sk-ant-api03-{base64url:93}AA\"\n", "anthropic-api-key", "present"),
    (0, "srv/app/d.rb", "key: 'SG.{base62:22}.{base62:43}'\n", "sendgrid-api-key", "present"),
    (0, "srv/app/e.yaml", "slack: xoxb-{digits:12}-{digits:13}-{base62:24}\n", "slack-bot-token", "present"),
    (0, "srv/app/f.sh", "export VAULT_TOKEN=hvs.CAESI{base64url:85}x\n", "vault-token", "present"),
    (0, "srv/app/g.ini", "url = postgres://app:{base62:20}@db.acme.net/app\n", "url-password", "present"),
    (0, "srv/app/h.toml", "token = \"glpat-{base62:20}\"\n", "gitlab-pat", "present"),
    (0, "srv/app/i.json", "{\"k\": \"AIza{base62:35}\"}\n", "gcp-api-key", "present"),
    (0, "srv/app/j.conf", "AccountName=a;AccountKey={azure-storage-key};\n", "azure-storage-key", "present"),
    (0, "srv/app/k.txt", "dop_v1_{hex:64}\n", "digitalocean-token", "present"),
    (0, "srv/app/l.md", "pypi-AgE{pypi}\n", "pypi-token", "present"),
    (0, "srv/app/m.min.js", "var a=1;b='glsa_{grafana}';c=2", "grafana-service-account-token", "present"),
    (0, "srv/app/n.env.bak", "dckr_pat_{base62:27}\n", "docker-hub-token", "present"),
    (
        0,
        "srv/app/o.properties",
        "webhook=https://hooks.slack.com/services/T{upper36:10}/B{upper36:10}/{base62:24}\n",
        "slack-webhook",
        "present",
    ),
    (0, "srv/app/p.cs", "\"{base62:3}8Q~{base62:34}\"\n", "azure-client-secret", "present"),
    (0, "srv/app/q.php", "$bot = '{digits:10}:AA{base62:33}';\n", "telegram-bot-token", "present"),
    (0, "srv/app/r.log", "Authorization: Bearer eyJhbGciOi{jwt}\n", "jwt", "present"),
    (
        1,
        "root/.aws/credentials",
        "[default]\naws_secret_access_key = {aws-secret}\n",
        "aws-secret-access-key",
        "present",
    ),
    (
        1,
        "root/.docker/config.json",
        r#"{"auths": {"r.acme.net": {"auth": "{basic}"}}}"#,
        "docker-registry-auth",
        "present",
    ),
    (1, "root/.netrc", "machine a.acme.net login x password {base62:20}\n", "netrc-password", "present"),
    (1, "root/.npmrc", "//npm.acme.net/:_authToken={uuid}\n", "npmrc-credential", "present"),
    (1, "app/.env", "DB_PASSWORD={base62:20}\n", "dotenv-credential", "present"),
    (1, "etc/shadow", "root:$y$j9T${base62:22}${base62:43}:1::::::\n", "shadow-hash", "present"),
    (0, "root/.pgpass", "db:5432:*:app:{base62:20}\n", "pgpass-password", "deleted"),
    (0, "build/token", "npm_{github}\n", "npm-token", "deleted"),
    (0, "build/cache/deep/token", "tskey-auth-{base62:11}CNTRL-{base62:32}\n", "tailscale-key", "deleted"),
    (0, "srv/config.yml", "key: NRAK-{upper36:27}\n", "newrelic-user-key", "overwritten"),
    (1, "srv/key.txt", "AGE-SECRET-KEY-1{age}\n", "age-secret-key", "overwritten"),
];

const BINARY: (&str, &str, &str) = ("usr/bin/agent", "dt0c01.{base32:24}.{base32:64}", "dynatrace-token");
const UTF16: (&str, &str, &str) = ("srv/setup.ps1", "$t = 'shpat_{hex:32}'\r\n", "shopify-access-token");

/// A secret in the configuration: place and rule.
const IN_CONFIG: &[(&str, &str, &str)] = &[
    ("env:LINEAR", "lin_api_{base62:40}", "linear-api-key"),
    ("env:DATABASE_URL", "mysql://app:{base62:20}@db.acme.net/app", "url-password"),
    ("env:AWS_SECRET_ACCESS_KEY", "{aws-secret}", "aws-secret-access-key"),
    ("label:net.acme.ci", "CCIPAT_{base62:22}_{hex:40}", "circleci-token"),
    ("history:0:PULUMI", "pul-{hex:40}", "pulumi-token"),
    ("history:1:REGISTRY_PASSWORD", "{base62:20}", "build-argument"),
    ("history:2", "sntryu_{hex:64}", "sentry-user-token"),
];

/// Everything that was generated for the image, which no report may show.
#[derive(Default)]
struct Planter {
    fields: Vec<String>,
}

impl Planter {
    fn fill(&mut self, template: &str) -> String {
        let filled = fill(template, 1 + self.fields.len() as u64);
        self.fields.extend(filled.fields);
        filled.text
    }

    fn layer(&mut self, number: usize) -> Archive {
        let planted = IN_FILES.iter().filter(|(layer, ..)| *layer == number);
        planted.fold(Archive::default(), |archive, (_, path, template, ..)| {
            archive.file(Format::Ustar, path.as_bytes(), self.fill(template).as_bytes())
        })
    }

    /// Three layers: two with secrets, and one that deletes and overwrites.
    fn layers(&mut self) -> Vec<Vec<u8>> {
        let (path, template, _) = BINARY;
        let program =
            [&b"\x7fELF\x02\x01\x01\0\0\0\0\0"[..], self.fill(template).as_bytes(), b"\0main.main\0"].concat();
        let first = self.layer(0).file(Format::Ustar, path.as_bytes(), &program);
        let (path, template, _) = UTF16;
        let script: Vec<u8> = self.fill(template).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let second = self.layer(1).file(Format::Ustar, path.as_bytes(), &script);
        let third = Archive::default()
            .file(Format::Ustar, b"root/.wh..pgpass", b"")
            .file(Format::Ustar, b"build/.wh.token", b"")
            .file(Format::Ustar, b"build/cache/.wh..wh..opq", b"")
            .file(Format::Ustar, b"srv/config.yml", b"key: none\n")
            .file(Format::Ustar, b"srv/key.txt", b"none\n");
        [first, second, third].map(with_end).into()
    }

    fn image(&mut self) -> Built {
        let values: Vec<String> = IN_CONFIG.iter().map(|(_, template, _)| self.fill(template)).collect();
        let pair = |index: usize| {
            let name = IN_CONFIG[index].0.rsplit(':').next().unwrap();
            format!("{name}={}", values[index])
        };
        let mut built = Built::new(self.layers());
        built.config["Env"] = json!([pair(0), pair(1), pair(2), "PATH=/bin"]);
        built.config["Labels"] = json!({"net.acme.ci": values[3]});
        built.history = vec![
            format!("|1 {} /bin/sh -c make", pair(4)),
            format!("RUN |2 {} MODE=x /bin/sh -c make # buildkit", pair(5)),
            format!("RUN /bin/sh -c sentry-cli --auth-token {} upload # buildkit", values[6]),
        ];
        built
    }
}

/// A test for a place in a file.
fn in_file(layer: usize, path: &str, state: &'static str) -> impl Fn(&Value) -> bool + use<> {
    let path = format!("/{path}");
    move |place| place["path"] == path.as_str() && place["layer_index"] == layer && place["state"] == state
}

fn secrets(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "secret").collect()
}

#[test]
fn every_planted_secret_is_found_where_it_is() {
    let mut planter = Planter::default();
    let layout = Layout::of(&[planter.image()]);
    let ended = scan([&layout.reference(), "--cache", "none", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let found = secrets(&report);
    let has = |rule: &str, matches: &dyn Fn(&Value) -> bool| {
        found.iter().any(|finding| {
            finding["rule"] == rule
                && finding["confidence"] != "low"
                && finding["locations"].as_array().unwrap().iter().any(matches)
        })
    };
    for (layer, path, _, rule, state) in IN_FILES {
        assert!(has(rule, &in_file(*layer, path, state)), "{rule} in {path}: {found:#?}");
    }
    assert!(has(BINARY.2, &in_file(0, BINARY.0, "present")));
    assert!(has(UTF16.2, &in_file(1, UTF16.0, "present")));
    for (place, _, rule) in IN_CONFIG {
        assert!(has(rule, &|location: &Value| location["config"] == *place), "{rule} in {place}: {found:#?}");
    }
    // Each once: nothing is told under two rules.
    assert_eq!(found.len(), IN_FILES.len() + 2 + IN_CONFIG.len(), "{found:#?}");
}

#[test]
fn no_report_shows_a_secret() {
    let mut planter = Planter::default();
    let layout = Layout::of(&[planter.image()]);
    for format in ["json", "table", "sarif", "cyclonedx"] {
        let ended = scan([&layout.reference(), "--cache", "none", "--format", format]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        for text in [&ended.out, &ended.err] {
            for field in planter.fields.iter().filter(|field| field.len() >= 8) {
                // The last four characters of a long token may be shown, and no more in a row.
                let shown = field.as_bytes().windows(8).find(|part| text.contains(std::str::from_utf8(part).unwrap()));
                assert!(shown.is_none(), "{format} shows a part of {field}:\n{text}");
            }
        }
    }
}

#[test]
fn the_cache_keeps_no_secret() {
    let mut planter = Planter::default();
    let layout = Layout::of(&[planter.image()]);
    let cache = tempfile::tempdir().unwrap();
    let arguments = [&layout.reference(), "--cache", cache.path().to_str().unwrap(), "--format", "json"];
    let first = scan(arguments.iter().map(|argument| &**argument));
    let mut files = 0;
    let mut folders = vec![cache.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            let leaked = planter.fields.iter().find(|field| field.len() >= 8 && text.contains(field.as_str()));
            assert_eq!(leaked, None, "{}", path.display());
        }
    }
    assert!(files > 0, "nothing was cached");
    assert_eq!(secrets(&scan(arguments.iter().map(|argument| &**argument)).json()), secrets(&first.json()));
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn secrets_in_archives_and_in_base64_have_their_places() {
    use base64::Engine as _;
    let token = |seed| fill("TOKEN=ghp_{github}\n", seed).text;
    let inner = with_end(Archive::default().file(Format::Ustar, b"conf/app.env", token(1).as_bytes()));
    let inner = zstd::encode_all(&inner[..], 3).unwrap();
    let outer = zip_of(&[("lib/data.tar.zst", &inner), ("broken.zip", b"PK\x03\x04, and no more")]);
    let encoded = format!("data:\n  env: {}\n", base64::engine::general_purpose::STANDARD.encode(token(2)));
    // Not compressed, so the bytes of the archive show the token, too.
    let plain = with_end(Archive::default().file(Format::Ustar, b"deep/key", token(3).as_bytes()));
    let layer = Archive::default()
        .file(Format::Ustar, b"srv/app.zip", &outer)
        .file(Format::Ustar, b"srv/secret.yaml", encoded.as_bytes())
        .file(Format::Ustar, b"srv/a.tar", &plain);
    let layout = Layout::of(&[Built::new(vec![with_end(layer)])]);
    let ended = scan([&layout.reference(), "--cache", "none", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let mut places: Vec<(String, bool)> = Vec::new();
    for finding in secrets(&report) {
        assert_eq!(finding["rule"], "github-pat");
        let decoded = finding["evidence"].as_str().unwrap().contains("decoded from base64");
        let locations = finding["locations"].as_array().unwrap();
        places.extend(locations.iter().map(|place| (place["path"].as_str().unwrap().to_owned(), decoded)));
    }
    places.sort();
    let expected = [
        ("/srv/a.tar!/deep/key", false),
        ("/srv/app.zip!/lib/data.tar.zst!/conf/app.env", false),
        ("/srv/secret.yaml", true),
    ];
    assert_eq!(places, expected.map(|(place, decoded)| (place.to_owned(), decoded)));
    let unread = report["unknowns"].to_string();
    assert!(unread.contains("/srv/app.zip!/broken.zip"), "{unread}");
    for (format, shown) in [
        ("table", "/srv/app.zip!/lib/data.tar.zst!/conf/app.env"),
        ("sarif", "srv/app.zip!/lib/data.tar.zst!/conf/app.env"),
    ] {
        let ended = scan([&layout.reference(), "--cache", "none", "--format", format]);
        // The table breaks long paths; what it shows is compared without spaces and line ends.
        let text: String = ended.out.split_whitespace().collect();
        assert!(text.contains(shown), "{format}: {}", ended.out);
    }
}
