//! Recall: every format of credential file in every state that a file can be in, a secret in every place around the layers, and keys with their
//! certificates. Each must be told with its layer, state and name, and shown nowhere.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cases::CASES;
use crate::world::{Built, Layout, scan, with_end};
use crate::writer::{Archive, Format};
use imgguard::secret::template::fill;

/// A folder a state: credential files are known by the last parts of their paths.
const STATES: [(&str, &str); 4] =
    [("kept", "present"), ("gone", "deleted"), ("replaced", "overwritten"), ("hidden", "deleted")];

/// What was generated, and where it should be told: rule, key, path, state.
#[derive(Default)]
struct Planted {
    fields: Vec<String>,
    files: BTreeSet<(String, String, String, String)>,
}

impl Planted {
    /// A layer of every case in every state, and one that deletes, replaces and hides.
    fn layers(&mut self) -> Vec<Vec<u8>> {
        let (mut lower, mut upper) = (Archive::default(), Archive::default());
        for (number, (path, template, expected)) in CASES.iter().enumerate() {
            for (folder, state) in STATES {
                // Several cases have one path.
                let path = format!("{folder}/{number}/{path}");
                let filled = fill(template, self.fields.len() as u64);
                lower = lower.file(Format::Ustar, path.as_bytes(), filled.text.as_bytes());
                self.fields.extend(filled.fields);
                let (parent, name) = path.rsplit_once('/').unwrap();
                match folder {
                    "gone" => upper = upper.file(Format::Ustar, format!("{parent}/.wh.{name}").as_bytes(), b""),
                    "replaced" => upper = upper.file(Format::Ustar, path.as_bytes(), b"\n"),
                    "hidden" => upper = upper.file(Format::Ustar, format!("{parent}/.wh..wh..opq").as_bytes(), b""),
                    _ => {}
                }
                let place = |(rule, key): &(&str, &str)| {
                    ((*rule).to_owned(), (*key).to_owned(), format!("/{path}"), state.to_owned())
                };
                self.files.extend(expected.iter().map(place));
            }
        }
        vec![with_end(lower), with_end(upper)]
    }
}

fn secrets(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "secret").collect()
}

/// Rule, key, path and state of every finding in a file of the lowest layer that is shown by default.
fn told(report: &Value) -> BTreeSet<(String, String, String, String)> {
    let mut told = BTreeSet::new();
    for finding in secrets(report).iter().filter(|finding| finding["confidence"] != "low") {
        let evidence = finding["evidence"].as_str().unwrap();
        let key = evidence.split_once(" = ").map_or("", |(key, _)| key);
        for place in finding["locations"].as_array().unwrap().iter().filter(|place| place["path"].is_string()) {
            assert_eq!(place["layer_index"], 0, "{place}");
            let text = |name: &str| place[name].as_str().unwrap().to_owned();
            told.insert((finding["rule"].as_str().unwrap().to_owned(), key.to_owned(), text("path"), text("state")));
        }
    }
    told
}

#[test]
fn every_format_is_found_in_every_state() {
    let mut planted = Planted::default();
    let layout = Layout::of(&[Built::new(planted.layers())]);
    let ended = scan([&layout.reference(), "--cache", "none", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let told = told(&ended.json());
    let missed: Vec<_> = planted.files.difference(&told).collect();
    assert!(missed.is_empty(), "missed {} of {}: {missed:#?}", missed.len(), planted.files.len());
    let more: Vec<_> = told.difference(&planted.files).collect();
    assert!(more.is_empty(), "told what was not planted: {more:#?}");
    for field in planted.fields.iter().filter(|field| field.len() >= 10) {
        assert!(!ended.out.contains(field.as_str()), "the report shows {field}");
    }
}

/// A place around the layers, the template of what is put there, and the rule that tells it.
const AROUND: &[(&str, &str, &str)] = &[
    ("env:GITHUB_TOKEN", "ghp_{github}", "github-pat"),
    ("env:POSTGRES_PASSWORD", "postgres", "default-password"),
    ("label:net.acme.token", "{base62:24}", "metadata-credential"),
    ("label:net.acme.deploy", "sk_live_{base62:24}", "stripe-secret-key"),
    ("annotation:net.acme.password", "{base62:16}", "metadata-credential"),
    ("annotation:net.acme.index", "npm_{github}", "npm-token"),
    ("entrypoint", "redis-server --requirepass {base62:16}", "command-credential"),
    ("cmd", "curl -u ci:{base62:16} https://acme.net", "command-credential"),
    ("shell", "DB_PASSWORD={base62:16} sh -c", "command-credential"),
    ("healthcheck", "mysqladmin ping -p{base62:14}", "command-credential"),
    ("onbuild:DB_PASSWORD", "{base62:16}", "build-argument"),
    ("onbuild", "glpat-{base62:20}", "gitlab-pat"),
    ("history:0:NPM_TOKEN", "{base62:24}", "build-argument"),
    ("history:1:API_TOKEN", "{base62:24}", "build-argument"),
    ("history:2:SECRET_KEY", "{base62:24}", "build-argument"),
    ("history:3", "{base62:24}", "command-credential"),
    ("history:4", "dop_v1_{hex:64}", "digitalocean-token"),
    ("history:5", "{base62:24}", "command-credential"),
];

#[test]
fn every_place_around_the_layers_is_looked_at() {
    let filled: Vec<_> = AROUND.iter().zip(1..).map(|((_, template, _), seed)| fill(template, seed)).collect();
    let value = |place: &str| {
        let index = AROUND.iter().position(|(known, ..)| *known == place).unwrap();
        filled[index].text.clone()
    };
    let words = |place: &str| value(place).split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut built = Built::new(vec![]);
    built.config = json!({
        "Env": [format!("GITHUB_TOKEN={}", value("env:GITHUB_TOKEN")), format!("POSTGRES_PASSWORD={}", value("env:POSTGRES_PASSWORD"))],
        "Labels": {"net.acme.token": value("label:net.acme.token"), "net.acme.deploy": value("label:net.acme.deploy")},
        "Entrypoint": words("entrypoint"),
        "Cmd": ["/bin/sh", "-c", value("cmd")],
        "Shell": words("shell"),
        "Healthcheck": {"Test": ["CMD-SHELL", value("healthcheck")]},
        "OnBuild": [format!("ARG DB_PASSWORD={}", value("onbuild:DB_PASSWORD")), format!("RUN deploy {}", value("onbuild"))],
    });
    built.history = vec![
        format!("|1 NPM_TOKEN={} /bin/sh -c npm ci", value("history:0:NPM_TOKEN")),
        format!("RUN |2 API_TOKEN={} MODE=x /bin/sh -c make # buildkit", value("history:1:API_TOKEN")),
        format!("/bin/sh -c #(nop)  ARG SECRET_KEY={}", value("history:2:SECRET_KEY")),
        format!("/bin/sh -c #(nop)  ENV API_TOKEN={}", value("history:3")),
        format!("RUN /bin/sh -c doctl auth init -t {} # buildkit", value("history:4")),
        format!("RUN /bin/sh -c vault login --token={} # buildkit", value("history:5")),
    ];
    let layout = Layout::of(&[built.clone(), Built { architecture: "arm64", ..built }]);
    layout.annotate(
        "net.acme.index",
        &value("annotation:net.acme.index"),
        "net.acme.password",
        &value("annotation:net.acme.password"),
    );
    let ended = scan([&layout.reference(), "--cache", "none", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let mut told = BTreeSet::new();
    for finding in secrets(&report).iter().filter(|finding| finding["confidence"] != "low") {
        for place in finding["locations"].as_array().unwrap() {
            told.insert((place["config"].as_str().unwrap().to_owned(), finding["rule"].as_str().unwrap().to_owned()));
        }
    }
    let expected: BTreeSet<_> =
        AROUND.iter().map(|(place, _, rule)| ((*place).to_owned(), (*rule).to_owned())).collect();
    assert_eq!(told, expected);
    for field in filled.iter().flat_map(|filled| &filled.fields).filter(|field| field.len() >= 14) {
        assert!(!ended.out.contains(field.as_str()), "the report shows {field}");
    }
}

#[test]
fn a_key_is_told_with_its_certificate_in_another_layer_and_platform() {
    let mut parameters = rcgen::CertificateParams::new(vec!["www.acme.net".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "acme");
    parameters.not_after = rcgen::date_time_ymd(2027, 3, 1);
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&pair).unwrap().pem();
    let with_key =
        |architecture, files: &[(&str, &str)]| Built { architecture, ..Built::new(vec![crate::world::layer(files)]) };
    let key = pair.serialize_pem();
    for platforms in [
        vec![Built::new(vec![
            crate::world::layer(&[("srv/tls.key", &key)]),
            crate::world::layer(&[("etc/ssl/acme.crt", &certificate)]),
        ])],
        vec![with_key("amd64", &[("srv/tls.key", &key)]), with_key("arm64", &[("etc/ssl/acme.crt", &certificate)])],
    ] {
        let layout = Layout::of(&platforms);
        let report = scan([&layout.reference(), "--cache", "none", "--format", "json"]).json();
        let found = secrets(&report);
        let [finding] = found.as_slice() else { panic!("{found:#?}") };
        let evidence = finding["evidence"].as_str().unwrap();
        let expected =
            "EC private key, P-256; key of the certificate /etc/ssl/acme.crt (CN=acme, valid until 2027-03-01)";
        assert_eq!(evidence, expected);
    }
}

#[test]
fn arguments_of_the_build_are_found_in_its_provenance() {
    let layout = Layout::of(&[Built::new(vec![]), Built { architecture: "arm64", ..Built::new(vec![]) }]);
    let filled = fill("{base62:24}", 3);
    let token = fill("glpat-{base62:20}", 4);
    // As BuildKit writes it with `mode=max` (SLSA 0.2).
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": {
            "invocation": {"parameters": {"frontend": "dockerfile.v0", "args": {"build-arg:DEPLOY_TOKEN": filled.text, "build-arg:MODE": "x"}}},
            "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"vcs": {"source": token.text}}},
        },
    });
    let statement = layout.blob("application/vnd.in-toto+json", statement.to_string().as_bytes());
    let digest = statement["digest"].as_str().unwrap().to_owned();
    let config = layout.blob("application/vnd.oci.image.config.v1+json", b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [statement]});
    let mut entry = layout.blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    layout.add(entry);
    let ended = scan([&layout.reference(), "--cache", "none", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = ended.json();
    let mut told: Vec<_> = secrets(&report)
        .iter()
        .map(|finding| (finding["rule"].as_str().unwrap(), finding["locations"][0]["config"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let named = format!("attestation:{digest}:DEPLOY_TOKEN");
    assert_eq!(told, [("build-argument", named.as_str()), ("gitlab-pat", &*format!("attestation:{digest}"))]);
    assert!(!ended.out.contains(&filled.text) && !ended.out.contains(&token.text));
    std::fs::remove_file(layout.blob_path(&digest)).unwrap();
    assert!(secrets(&scan([&layout.reference(), "--cache", "none", "--format", "json"]).json()).is_empty());
}
