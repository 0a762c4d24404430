//! Credential files of known names: their secrets under the right rule and key, and nothing of what is no secret.

use std::io::Write;
use std::process::{Command, Stdio};

use imgguard::facts::Confidence;

use super::cases::CASES;
use super::rules::{assert_hidden, scan};
use super::template::fill;

#[test]
fn each_file_gives_its_secrets_and_nothing_else() {
    for (path, template, expected) in CASES {
        for seed in 0..5 {
            let filled = fill(template, seed);
            for text in [filled.text.clone(), filled.text.replace('\n', "\r\n")] {
                let found = scan(path, text.as_bytes());
                let named: Vec<_> =
                    found.iter().map(|fact| (fact.rule.as_str(), fact.key.as_deref().unwrap_or_default())).collect();
                assert_eq!(&named, expected, "{path}");
                for fact in &found {
                    assert!(fact.confidence > Confidence::Low, "{path}: {fact:?}");
                    assert!(fact.line.is_some(), "{path}: {fact:?}");
                    assert_hidden(fact, &filled.fields);
                }
            }
        }
    }
}

#[test]
fn every_kind_of_file_has_a_case() {
    let covered: std::collections::BTreeSet<_> =
        CASES.iter().flat_map(|(_, _, expected)| expected.iter().map(|(rule, _)| *rule)).collect();
    let elsewhere = [
        "private-key",
        "private-key-encrypted",
        "keystore-known-password",
        "kerberos-keytab",
        "build-argument",
        "metadata-credential",
    ];
    let is_file =
        |rule: &&imgguard::secret::RuleInfo| rule.examples.is_empty() && !elsewhere.contains(&rule.id.as_str());
    let missing: Vec<_> = imgguard::secret::Scanner::builtin()
        .rules()
        .filter(is_file)
        .map(|rule| rule.id.as_str())
        .filter(|id| !covered.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn the_same_text_elsewhere_is_no_credential_file() {
    for (path, template, _) in CASES {
        let text = fill(template, 1).text;
        let elsewhere = scan("usr/share/doc/notes.txt", text.as_bytes());
        let parsed = elsewhere.iter().find(|fact| fact.key.is_some());
        assert_eq!(parsed, None, "{path}");
    }
}

#[test]
fn templates_are_low() {
    for path in ["app/.env.example", "app/.env.sample", "app/.env.dist", "app/example.env", "app/.env.template"] {
        let found = scan(path, fill("DB_PASSWORD={base62:14}\n", 1).text.as_bytes());
        let [fact] = found.as_slice() else { panic!("{path}: {found:?}") };
        assert_eq!(fact.confidence, Confidence::Low, "{path}");
    }
}

#[test]
fn files_as_shipped_are_quiet() {
    for (path, text) in [
        ("etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nnobody:!:19000::::::\n"),
        ("etc/mysql/my.cnf", "[client]\nport = 3306\n#password = your_password\n"),
        ("root/.docker/config.json", r#"{"auths": {}, "credHelpers": {"gcr.io": "gcloud"}}"#),
        ("root/.npmrc", "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
        (
            "usr/share/maven/conf/settings.xml",
            "<settings><!-- <server><password>repopwd</password></server> --></settings>",
        ),
        ("root/.gradle/gradle.properties", "org.gradle.daemon=false\nsystemProp.http.proxyPassword=${env.PW}\n"),
        (
            "var/www/html/wp-config.php",
            "define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'example password') );\n",
        ),
        ("app/.env", "APP_KEY=\nDB_PASSWORD=${DB_PASSWORD}\nTOKEN_TTL=3600\nSECRET_NAME=app/prod\n"),
        (
            "root/.kube/config",
            "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    exec:\n      command: aws\n",
        ),
        ("root/.config/gh/hosts.yml", "github.com:\n    user: me\n    git_protocol: https\n"),
        ("root/.aws/config", "[default]\nregion = eu-central-1\n"),
    ] {
        assert_eq!(scan(path, text.as_bytes()), [], "{path}");
    }
}

#[test]
fn hashes_of_the_field_s_own_tools_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".htpasswd");
    for flag in ["-m", "-B", "-s", "-d", "-2", "-5"] {
        let made = Command::new("htpasswd").args(["-b", "-c", flag]).arg(&file).args(["admin", "sesame1"]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            skipped!("htpasswd {flag}: no htpasswd that writes it");
            continue;
        }
        let found = scan("etc/nginx/.htpasswd", &std::fs::read(&file).unwrap());
        let [fact] = found.as_slice() else { panic!("{flag}: {found:?}") };
        assert_eq!((fact.rule.as_str(), fact.key.as_deref()), ("htpasswd-hash", Some("admin")), "{flag}");
    }
    for flag in ["-1", "-5", "-6"] {
        let mut command = Command::new("openssl");
        command.args(["passwd", flag, "-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            skipped!("openssl passwd {flag}: no openssl");
            continue;
        };
        child.stdin.take().unwrap().write_all(b"sesame1\n").unwrap();
        let hash = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let found = scan("etc/shadow", format!("admin:{}:19000:0:99999:7:::\n", hash.trim()).as_bytes());
        let [fact] = found.as_slice() else { panic!("{flag}: {found:?}") };
        assert_eq!((fact.rule.as_str(), fact.key.as_deref()), ("shadow-hash", Some("admin")), "{flag}");
    }
}

#[test]
fn a_broken_credential_file_is_searched_and_told() {
    use imgguard::secret::{Scanner, Scratch};
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    let filled = fill("{\"auths\": {\"a\": \"ghp_{github}\"", 1);
    scan.begin(b"root/.docker/config.json", 0);
    scan.feed(filled.text.as_bytes());
    assert_eq!(scan.finish().len(), 1);
    assert!(scan.unread().is_some());
}
