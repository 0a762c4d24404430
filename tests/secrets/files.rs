//! Credential files of known names: their secrets under the right rule and key, and nothing of what is no secret.

use std::io::Write;
use std::process::{Command, Stdio};

use imgguard::facts::Confidence;

use super::rules::{assert_hidden, scan};
use super::template::fill;

/// Path, template of its text, and the rule and key of each secret in it, front to back.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    (
        "root/.docker/config.json",
        r#"{"auths": {"registry.acme.net": {"auth": "{basic}"}, "other.acme.net": {}}, "credsStore": "pass"}"#,
        &[("docker-registry-auth", "registry.acme.net")],
    ),
    (
        "run/containers/auth.json",
        r#"{"auths": {"quay.acme.net": {"auth": "{basic}", "identitytoken": "{base62:30}"}}}"#,
        &[("docker-registry-auth", "quay.acme.net"), ("docker-registry-auth", "quay.acme.net")],
    ),
    (
        "root/.dockercfg",
        r#"{"https://index.docker.io/v1/": {"auth": "{basic}"}}"#,
        &[("docker-registry-auth", "https://index.docker.io/v1/")],
    ),
    (
        "home/app/.npmrc",
        "registry=https://npm.acme.net/\n//npm.acme.net/:_authToken={uuid}\n//x.acme.net/:_authToken=${NPM_TOKEN}\nalways-auth=true\n",
        &[("npmrc-credential", "npm.acme.net/")],
    ),
    ("home/app/.npmrc", "_auth = \"{basic}\"\n; _password=x\n", &[("npmrc-credential", "_auth")]),
    (
        "app/.yarnrc.yml",
        "npmScopes:\n  acme:\n    npmRegistryServer: \"https://npm.acme.net\"\n    npmAuthToken: \"{base62:30}\"\n",
        &[("npmrc-credential", "acme")],
    ),
    (
        "root/.netrc",
        "machine api.acme.net login ci password {base62:20}\nmachine b.acme.net\n  login x\n  password {base62:12}\nmacdef init\npassword no\n\n",
        &[("netrc-password", "api.acme.net"), ("netrc-password", "b.acme.net")],
    ),
    (
        "root/.pgpass",
        "# host:port:db:user:password\ndb.acme.net:5432:*:app:{base62:20}\nh\\:6:5432:a:b:{base62:10}\\:x\n",
        &[("pgpass-password", "db.acme.net"), ("pgpass-password", "h\\:6")],
    ),
    (
        "root/.my.cnf",
        "[client]\nuser=root\npassword = \"{base62:16}\"\n[mysqldump]\n#password=old-one\nquick\n",
        &[("mysql-password", "client")],
    ),
    ("root/.git-credentials", "https://deploy:{base62:20}@git.acme.net\n", &[("url-password", "")]),
    (
        "root/.pypirc",
        "[distutils]\nindex-servers = acme\n[acme]\nrepository: https://pypi.acme.net\nusername: ci\npassword: {base62:20}\n",
        &[("pypirc-password", "acme")],
    ),
    ("etc/pip.conf", "[global]\nindex-url = https://ci:{base62:20}@pypi.acme.net/simple\n", &[("url-password", "")]),
    (
        "root/.aws/credentials",
        "[default]\naws_access_key_id = AKIA{base32:16}\naws_secret_access_key = {aws-secret}\n[dev]\naws_session_token = {base62:300}\n",
        &[("aws-access-key-id", ""), ("aws-secret-access-key", "default"), ("aws-credentials-file", "dev")],
    ),
    (
        "root/.s3cfg",
        "[default]\naccess_key = abc\nsecret_key = {base62:32}\nuse_https = True\n",
        &[("s3cfg-credential", "default")],
    ),
    ("root/.boto", "[Credentials]\ngs_oauth2_refresh_token = {base62:40}\n", &[("s3cfg-credential", "Credentials")]),
    (
        "root/.config/gcloud/application_default_credentials.json",
        r#"{"client_id": "acme.apps", "refresh_token": "{base62:60}", "type": "authorized_user"}"#,
        &[("gcp-credentials-file", "acme.apps")],
    ),
    (
        "root/.azure/msal_token_cache.json",
        r#"{"RefreshToken": {"a": {"secret": "0.A{base62:80}", "home_account_id": "x"}}}"#,
        &[("azure-token-cache", "secret")],
    ),
    (
        "root/.kube/config",
        "apiVersion: v1\nclusters:\n- cluster:\n    server: https://k.acme.net\n  name: prod\nusers:\n- name: admin\n  user:\n    token: {base62:40}\n",
        &[("kubeconfig-credential", "admin")],
    ),
    (
        "etc/nginx/.htpasswd",
        "# users\nadmin:$apr1${base62:8}${base62:22}\nbob:$2y$05${base62:53}\nnobody:!\n",
        &[("htpasswd-hash", "admin"), ("htpasswd-hash", "bob")],
    ),
    (
        "etc/shadow",
        "root:*:19000:0:99999:7:::\nadmin:$6${base62:16}${base62:86}:19000:0:99999:7:::\nlocked:!$y$j9T${base62:22}${base62:43}:1::::::\nnone::1::::::\nd:!!:1::::::\n",
        &[("shadow-hash", "admin"), ("shadow-hash", "locked")],
    ),
    (
        "var/www/html/wp-config.php",
        "<?php\ndefine( 'DB_NAME', 'wp' );\ndefine( 'DB_PASSWORD', '{base62:16}' );\ndefine('AUTH_KEY', 'put your unique phrase here');\ndefine('NONCE_SALT', '{base62:64}');\ndefine('DB_HOST', getenv('X'));\n",
        &[("wordpress-credential", "DB_PASSWORD"), ("wordpress-credential", "NONCE_SALT")],
    ),
    (
        "app/.env",
        "# comment\nexport DB_PASSWORD=\"{base62:14}\"\nDB_PASSWORD_FILE=/run/secrets/db\nAPI_TOKEN={base62:24} # ci\nPORT=8080\nSECRET_KEY=changeme\nEMPTY_SECRET=\n",
        &[("dotenv-credential", "DB_PASSWORD"), ("dotenv-credential", "API_TOKEN")],
    ),
    ("app/.env.production", "JWT_SECRET='{base62:40}'\n", &[("dotenv-credential", "JWT_SECRET")]),
    ("srv/app.env", "SMTP_PASS={base62:12}\n", &[("dotenv-credential", "SMTP_PASS")]),
    (
        "root/.m2/settings.xml",
        "<settings><servers><server><id>releases</id><username>ci</username><password>{base62:18}</password></server><server><id>enc</id><password>{bm90aGluZw==}</password></server></servers></settings>",
        &[("maven-password", "releases")],
    ),
    (
        "app/nuget.config",
        "<configuration><packageSourceCredentials><acme><add key=\"Username\" value=\"ci\" /><add key=\"ClearTextPassword\" value=\"{base62:24}\" /></acme></packageSourceCredentials></configuration>",
        &[("nuget-password", "acme")],
    ),
    (
        "root/.gradle/gradle.properties",
        "org.gradle.jvmargs=-Xmx2g\nacmePassword={base62:20}\nsigning.keyId=24875D73\n",
        &[("gradle-credential", "acmePassword")],
    ),
    (
        "srv/terraform.tfstate",
        r#"{"version": 4, "resources": [{"type": "aws_db_instance", "instances": [{"attributes": {"username": "app", "password": "{base62:20}", "port": 5432}}]}]}"#,
        &[("terraform-credential", "password")],
    ),
    (
        "srv/prod.tfvars",
        "region = \"eu\"\ndb_password = \"{base62:20}\"\n# api_token = \"x\"\n",
        &[("terraform-credential", "db_password")],
    ),
    (
        "root/.terraformrc",
        "credentials \"app.terraform.io\" {\n  token = \"{base62:40}\"\n}\n",
        &[("terraform-token", "app.terraform.io")],
    ),
    (
        "root/.terraform.d/credentials.tfrc.json",
        r#"{"credentials": {"tf.acme.net": {"token": "{base62:40}"}}}"#,
        &[("terraform-token", "tf.acme.net")],
    ),
    ("app/config/master.key", "{hex:32}\n", &[("rails-master-key", "")]),
    (
        "root/.composer/auth.json",
        r#"{"http-basic": {"repo.acme.net": {"username": "ci", "password": "{base62:24}"}}, "bearer": {"b.acme.net": "{base62:30}"}}"#,
        &[("composer-auth", "repo.acme.net"), ("composer-auth", "b.acme.net")],
    ),
    (
        "root/.cargo/credentials.toml",
        "[registries.acme]\ntoken = \"{base62:36}\"\n",
        &[("cargo-token", "registries.acme")],
    ),
    (
        "root/.config/gh/hosts.yml",
        "git.acme.net:\n    user: ci\n    oauth_token: {base62:40}\n",
        &[("code-host-token", "git.acme.net")],
    ),
    ("root/.gem/credentials", "---\n:acme_api_key: {hex:40}\n", &[("gem-credential", ":acme_api_key")]),
    (
        "srv/.vscode/sftp.json",
        "{\n  // deploy\n  \"host\": \"ftp.acme.net\",\n  \"username\": \"x\",\n  \"password\": \"{base62:16}\"\n}\n",
        &[("sftp-password", "ftp.acme.net")],
    ),
    (
        "root/.config/filezilla/sitemanager.xml",
        "<FileZilla3><Servers><Server><Host>ftp.acme.net</Host><Pass encoding=\"base64\">{basic}</Pass></Server></Servers></FileZilla3>",
        &[("sftp-password", "ftp.acme.net")],
    ),
];

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
    let elsewhere = ["private-key", "private-key-encrypted", "build-argument", "default-password"];
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
