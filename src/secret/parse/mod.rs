//! Credential files: whole files of known names, read by their format, since what they hold has no form of its own.
//!
//! In come a path and a text, out go [`Credential`]s. [`KINDS`] lists every file that is known. A value that is a variable or a placeholder is
//! no secret; a template (`.env.example`) makes a credential of low confidence.

mod code;
mod ini;
mod json;
mod lines;
mod names;
mod xml;
mod yaml;

use super::validate::is_placeholder;
use crate::facts::Confidence;

/// Most credentials of one file; as many as are listed of it.
const MAX_CREDENTIALS: usize = 1000;

/// Longest value that counts as a credential, in bytes: certificates and keys in tokens are the longest.
const MAX_VALUE: usize = 64 << 10;

/// One secret value of a credential file.
#[derive(Debug)]
pub(super) struct Credential {
    /// Id of the rule.
    pub(super) rule: &'static str,
    /// What it is for: a host, a section, the name of a variable.
    pub(super) key: Vec<u8>,
    /// The secret, as it stands in the file.
    pub(super) value: Vec<u8>,
    /// How sure.
    pub(super) confidence: Confidence,
}

/// The text is not of the format that its name promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NotUnderstood;

/// Takes the credentials of one file.
#[derive(Debug)]
struct Sink {
    /// Highest confidence of this file's credentials.
    limit: Confidence,
    credentials: Vec<Credential>,
}

impl Sink {
    /// Notes a credential, unless its value is empty or a placeholder.
    fn add(&mut self, rule: &'static str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, confidence: Confidence) {
        let value = value.as_ref().trim_ascii();
        if self.credentials.len() < MAX_CREDENTIALS && value.len() <= MAX_VALUE && !is_placeholder(value) {
            let (key, value) = (key.as_ref().trim_ascii().to_vec(), value.to_vec());
            self.credentials.push(Credential { rule, key, value, confidence: confidence.min(self.limit) });
        }
    }

    /// As [`add`](Self::add), of a format whose parse leaves no doubt.
    fn sure(&mut self, rule: &'static str, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.add(rule, key, value, Confidence::High);
    }
}

type Parser = fn(&[u8], &mut Sink) -> Result<(), NotUnderstood>;

/// A kind of credential file.
#[derive(Debug)]
pub(super) struct Kind {
    /// File names; `*` stands at one end for anything.
    names: &'static [&'static str],
    /// The folders that it must be in, the last ones of its path; any where empty.
    folders: &'static [&'static str],
    parser: Parser,
}

impl Kind {
    const fn anywhere(names: &'static [&'static str], parser: Parser) -> Self {
        Self { names, folders: &[], parser }
    }

    const fn under(folders: &'static [&'static str], names: &'static [&'static str], parser: Parser) -> Self {
        Self { names, folders, parser }
    }

    fn is(&self, folder: &[u8], name: &[u8]) -> bool {
        let in_folder =
            self.folders.is_empty() || self.folders.iter().any(|known| ends_with_folder(folder, known.as_bytes()));
        self.names.iter().any(|pattern| is_named(name, pattern)) && in_folder
    }

    /// The credentials in a file of this kind.
    pub(super) fn parse(&self, path: &[u8], text: &[u8]) -> Result<Vec<Credential>, NotUnderstood> {
        let limit = if is_template(file_name(path)) { Confidence::Low } else { Confidence::High };
        let mut sink = Sink { limit, credentials: Vec::new() };
        (self.parser)(text, &mut sink)?;
        Ok(sink.credentials)
    }
}

/// Every kind of credential file, the first that fits counts.
const KINDS: &[Kind] = &[
    Kind::under(&[".docker", "containers", "kaniko/.docker"], &["config.json", "auth.json"], json::docker),
    Kind::anywhere(&[".dockercfg", ".dockerconfigjson"], json::docker),
    Kind::anywhere(&["auth.json"], json::composer),
    Kind::anywhere(
        &[
            "application_default_credentials.json",
            "*service-account*.json",
            "*service_account*.json",
            "*serviceaccount*.json",
            "credentials.json",
        ],
        json::google,
    ),
    Kind::under(&["legacy_credentials", "gcloud"], &["adc.json"], json::google),
    Kind::under(
        &[".azure"],
        &["accessTokens.json", "msal_token_cache.json", "azureProfile.json", "service_principal_entries.json"],
        json::azure,
    ),
    Kind::anywhere(&["*.tfstate", "*.tfstate.backup"], json::terraform_state),
    Kind::anywhere(&["credentials.tfrc.json"], json::terraform_credentials),
    Kind::anywhere(&["sftp-config.json", "sftp.json", ".ftpconfig", ".remote-sync.json"], json::sftp),
    Kind::under(&[".aws"], &["credentials", "config"], ini::aws),
    Kind::anywhere(&[".s3cfg"], ini::s3cfg),
    Kind::anywhere(&[".boto"], ini::s3cfg),
    Kind::anywhere(&[".my.cnf", ".mylogin.cnf", "my.cnf"], ini::mysql),
    Kind::anywhere(&[".pypirc"], ini::pypirc),
    Kind::under(&[".cargo", "cargo"], &["credentials", "credentials.toml"], ini::cargo),
    Kind::under(&["pypoetry"], &["auth.toml"], ini::pypirc),
    Kind::anywhere(&[".netrc", "_netrc", "netrc"], lines::netrc),
    Kind::anywhere(&[".pgpass", "pgpass.conf", "pgpass"], lines::pgpass),
    Kind::anywhere(&[".htpasswd", "htpasswd", "*.htpasswd"], lines::htpasswd),
    Kind::under(&["etc"], &["shadow", "shadow-", "gshadow", "gshadow-"], lines::shadow),
    Kind::anywhere(&[".npmrc", "npmrc"], lines::npmrc),
    Kind::anywhere(&[".yarnrc"], lines::npmrc),
    Kind::under(&["config", "credentials"], &["master.key", "*.key"], lines::rails),
    Kind::anywhere(&["gradle.properties"], names::gradle),
    Kind::anywhere(&[".env", ".env.*", "*.env", ".envrc"], names::dotenv),
    Kind::anywhere(&[".yarnrc.yml"], yaml::yarn),
    Kind::under(&[".kube", "kubernetes"], &["*"], yaml::kubeconfig),
    Kind::anywhere(&["kubeconfig", "*.kubeconfig", "kubeconfig.*"], yaml::kubeconfig),
    Kind::under(&["gh"], &["hosts.yml"], yaml::code_host),
    Kind::under(&[".config"], &["hub"], yaml::code_host),
    Kind::under(&["glab-cli"], &["config.yml"], yaml::code_host),
    Kind::under(&[".gem"], &["credentials"], yaml::gem),
    Kind::under(&[".m2", "conf", "maven"], &["settings.xml"], xml::maven),
    Kind::anywhere(&["nuget.config", "NuGet.Config", "NuGet.config", "Nuget.Config"], xml::nuget),
    Kind::anywhere(&["sitemanager.xml", "recentservers.xml", "filezilla.xml"], xml::filezilla),
    Kind::anywhere(&["wp-config.php"], code::wordpress),
    Kind::anywhere(&["*.tfvars"], code::tfvars),
    Kind::anywhere(&[".terraformrc", "terraform.rc"], code::terraformrc),
];

/// A variable of this name holds a secret, and this value can be one.
pub(super) fn is_named_secret(name: &[u8], value: &[u8]) -> bool {
    names::is_secret(name) && names::is_value(value) && !is_placeholder(value)
}

/// A variable of this name holds a secret.
pub(super) fn names_secret(name: &[u8]) -> bool {
    names::is_secret(name)
}

/// `db.password` and `dbPassword` as `DB_PASSWORD`.
pub(super) fn constant_case(name: &[u8]) -> Vec<u8> {
    names::constant_case(name)
}

/// A file of this name is made to be copied, or shows how something is used.
pub(super) fn is_example(path: &[u8]) -> bool {
    let name = file_name(path);
    is_template(name) || memchr::memmem::find(name, b"examples").is_some()
}

/// The kind of credential file at a path.
pub(super) fn kind_of(path: &[u8]) -> Option<&'static Kind> {
    let name = file_name(path);
    let folder = path.get(..path.len() - name.len()).unwrap_or_default();
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    KINDS.iter().find(|kind| kind.is(folder, name))
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn ends_with_folder(folder: &[u8], known: &[u8]) -> bool {
    folder.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

fn is_named(name: &[u8], pattern: &str) -> bool {
    let star = pattern.split_once('*');
    star.map_or(name == pattern.as_bytes(), |(start, end)| {
        // `*x*.json` has a second star; what stands between them may be anywhere.
        let (middle, end) = end.split_once('*').unwrap_or(("", end));
        name.len() >= start.len() + middle.len() + end.len()
            && name.starts_with(start.as_bytes())
            && name.ends_with(end.as_bytes())
            && memchr::memmem::find(name, middle.as_bytes()).is_some()
    })
}

/// A file that is made to be copied and filled in.
fn is_template(name: &[u8]) -> bool {
    let words = [&b"example"[..], b"sample", b"template", b"dist", b"tpl"];
    // `application_default_credentials.json` is none.
    let endings = [&b".default"[..], b".defaults"];
    name.split(|byte| matches!(byte, b'.' | b'-' | b'_')).any(|part| words.contains(&part))
        || endings.iter().any(|ending| name.ends_with(ending))
}

/// Lines without their ends.
fn text_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

/// Without the quotes around it.
fn unquote(value: &[u8]) -> &[u8] {
    match value.trim_ascii() {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_name_and_folder() {
        for (path, known) in [
            ("root/.docker/config.json", true),
            ("app/config.json", false),
            ("kaniko/.docker/config.json", true),
            ("root/.aws/credentials", true),
            ("srv/credentials", false),
            ("etc/shadow", true),
            ("usr/share/doc/etcshadow", false),
            ("app/.env", true),
            ("app/.env.production", true),
            ("app/prod.env", true),
            ("app/environment", false),
            ("app/my-service-account-prod.json", true),
            ("root/.kube/config", true),
            ("srv/terraform.tfstate", true),
            ("app/config/master.key", true),
            ("tls/server.key", false),
        ] {
            assert_eq!(kind_of(path.as_bytes()).is_some(), known, "{path}");
        }
        assert!(is_template(b".env.example") && is_template(b"sample.env") && !is_template(b".env.production"));
    }
}
