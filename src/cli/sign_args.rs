//! Arguments of the verbs that sign and verify.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reqwest::Url;

use super::args::{Looking, Network, platforms};
use crate::sign::identity::{Matcher, Workflow};
use crate::sign::predicate::PredicateType;
use crate::sign::predicate::condition::Condition;
use crate::source::PlatformChoice;

pub(super) const VERIFY_EXAMPLES: &str = "Examples:
  imgguard verify registry.example/app:1.2 --key cosign.pub --allow-no-log
  imgguard verify ghcr.io/org/app:1 --issuer https://token.actions.githubusercontent.com \\
    --identity-regexp 'https://github.com/org/app/.github/workflows/release.yml@refs/tags/.*'
  imgguard verify oci:build/image --key cosign.pub --allow-no-log --recursive all --offline --explain
  imgguard verify registry.example/app:1.2 --key cosign.pub --type slsaprovenance1 \\
    --builder https://github.com/actions/runner --source https://github.com/org/app";

pub(super) const SIGN_EXAMPLES: &str = "Examples:
  IMGGUARD_KEY_PASSWORD=… imgguard sign registry.example/app@sha256:… --key imgguard.key
  imgguard sign oci:build/image --key cosign.key --recursive --annotation team=blue
  imgguard sign registry.example/app:1.2 --key cosign.key --legacy
  imgguard sign ghcr.io/org/app@sha256:… --keyless
  imgguard sign registry.example/app:1.2 --key 'pkcs11:token=release;object=image?module-path=/usr/lib/softhsm/libsofthsm2.so'";

pub(super) const ATTEST_EXAMPLES: &str = "Examples:
  imgguard attest registry.example/app:1.2 --key imgguard.key --type spdx --predicate app.spdx.json
  imgguard attest oci:build/image --key imgguard.key --type openvex --predicate app.vex.json --recursive
  imgguard attest registry.example/app:1.2 --key imgguard.key --sbom --scan --vsa --policy release.toml";

pub(super) const GENERATE_EXAMPLES: &str = "Examples:
  IMGGUARD_KEY_PASSWORD=… imgguard generate-key-pair
  IMGGUARD_KEY_PASSWORD=… imgguard generate-key-pair --output-prefix release";

pub(super) const PUBLIC_EXAMPLES: &str = "Examples:
  imgguard public-key --key 'pkcs11:token=release;object=image?module-path=/usr/lib/softhsm/libsofthsm2.so' > image.pub
  IMGGUARD_KEY_PASSWORD=… imgguard public-key --key imgguard.key > imgguard.pub";

pub(super) const IMPORT_EXAMPLES: &str = "Example:
  IMGGUARD_KEY_PASSWORD=… imgguard import-key-pair --key private.pem --output-prefix release";

/// Where the image is, and how it is reached.
#[derive(Debug, Args)]
pub struct Place {
    /// An image: registry.example/app:tag, or oci:DIR[:ref]
    #[arg(value_name = "REFERENCE")]
    pub reference: String,
    /// Open no network socket
    #[arg(long)]
    pub offline: bool,
    /// How the network is used.
    #[command(flatten)]
    pub network: Network,
}

/// Whom to trust.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Trust")]
pub struct Trusted {
    /// A public key that is trusted (PEM, such as cosign.pub); repeat for several
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// The certificate identity that is trusted: a workflow's URL, an e-mail address
    #[arg(long, alias = "certificate-identity", value_name = "NAME", conflicts_with = "identity_regexp")]
    pub identity: Option<String>,
    /// The same as an expression that must match the whole identity
    #[arg(long, alias = "certificate-identity-regexp", value_name = "REGEXP", value_parser = Matcher::pattern)]
    pub identity_regexp: Option<Matcher>,
    /// The OpenID Connect issuer that vouches for the identity
    #[arg(long, alias = "certificate-oidc-issuer", value_name = "URL", conflicts_with = "issuer_regexp")]
    pub issuer: Option<String>,
    /// The same as an expression that must match the whole URL
    #[arg(long, alias = "certificate-oidc-issuer-regexp", value_name = "REGEXP", value_parser = Matcher::pattern)]
    pub issuer_regexp: Option<Matcher>,
    /// What the certificate must say of the workflow.
    #[command(flatten)]
    pub workflow: WorkflowArgs,
    /// Which instance.
    #[command(flatten)]
    pub root: RootArgs,
    /// Accept signatures that no transparency log has seen; with a key, its log entries are then not looked at
    #[arg(long)]
    pub allow_no_log: bool,
}

/// A Sigstore instance instead of the public one.
#[derive(Debug, Clone, Default, Args)]
pub struct RootArgs {
    /// Trust this Sigstore instance (trusted_root.json) instead of the public one
    #[arg(long, value_name = "FILE", conflicts_with = "tuf_mirror")]
    pub trusted_root: Option<PathBuf>,
    /// Trust the instance of this TUF repository: an address, or a folder with a copy of it
    #[arg(long, value_name = "URL|DIR", requires = "tuf_root")]
    pub tuf_mirror: Option<String>,
    /// The metadata of that repository's root (root.json), of any version
    #[arg(long, value_name = "FILE", requires = "tuf_mirror")]
    pub tuf_root: Option<PathBuf>,
}

/// What the certificate must say of the workflow on GitHub Actions, as cosign spells it.
#[derive(Debug, Clone, Default, Args)]
pub struct WorkflowArgs {
    /// What must have triggered the GitHub workflow that signed, such as push
    #[arg(long, value_name = "EVENT")]
    pub certificate_github_workflow_trigger: Option<String>,
    /// The commit that workflow must have run on
    #[arg(long, value_name = "SHA")]
    pub certificate_github_workflow_sha: Option<String>,
    /// The name that workflow must have
    #[arg(long, value_name = "NAME")]
    pub certificate_github_workflow_name: Option<String>,
    /// The repository that workflow must have run in
    #[arg(long, value_name = "OWNER/NAME")]
    pub certificate_github_workflow_repository: Option<String>,
    /// The git reference that workflow must have run on, such as refs/heads/main
    #[arg(long, value_name = "REF")]
    pub certificate_github_workflow_ref: Option<String>,
}

impl WorkflowArgs {
    /// From a policy's words.
    pub fn of(demand: &Workflow) -> Self {
        Self {
            certificate_github_workflow_trigger: demand.trigger.clone(),
            certificate_github_workflow_sha: demand.sha.clone(),
            certificate_github_workflow_name: demand.name.clone(),
            certificate_github_workflow_repository: demand.repository.clone(),
            certificate_github_workflow_ref: demand.reference.clone(),
        }
    }

    /// In the engine's words.
    pub fn demand(&self) -> Workflow {
        Workflow {
            trigger: self.certificate_github_workflow_trigger.clone(),
            sha: self.certificate_github_workflow_sha.clone(),
            name: self.certificate_github_workflow_name.clone(),
            repository: self.certificate_github_workflow_repository.clone(),
            reference: self.certificate_github_workflow_ref.clone(),
        }
    }
}

impl Trusted {
    /// Whether somebody is named.
    pub fn is_named(&self) -> bool {
        !self.key.is_empty() || self.identity.is_some() || self.identity_regexp.is_some()
    }
}

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Where the image is.
    #[command(flatten)]
    pub place: Place,
    /// Whom to trust.
    #[command(flatten)]
    pub trust: Trusted,
    /// Demand an attestation of this type instead of a signature: spdx, cyclonedx, openvex, vuln, slsaprovenance1, vsa, …, or a URI
    #[arg(long = "type", value_name = "PREDICATE", help_heading = "Demands", value_parser = PredicateType::parse)]
    pub predicate_type: Option<PredicateType>,
    /// Demand this annotation; repeat for several
    #[arg(long, short = 'a', value_name = "KEY=VALUE", help_heading = "Demands", value_parser = annotation)]
    pub annotation: Vec<(String, String)>,
    /// Demand SLSA provenance of this builder
    #[arg(long, value_name = "ID", help_heading = "Demands", requires = "predicate_type")]
    pub builder: Option<String>,
    /// Demand SLSA provenance of this source repository
    #[arg(long, value_name = "URL", help_heading = "Demands", requires = "predicate_type")]
    pub source: Option<String>,
    /// Demand SLSA provenance of this git reference
    #[arg(long, value_name = "REF", help_heading = "Demands", requires = "predicate_type")]
    pub source_ref: Option<String>,
    /// Demand that this expression (CEL) is true of the predicate, such as 'predicate.verificationResult == "PASSED"'
    #[arg(long, value_name = "CEL", help_heading = "Demands", requires = "predicate_type", value_parser = Condition::parse)]
    pub condition: Option<Condition>,
    /// What must be signed: the index, which names its platforms' digests; all, each platform too; any, the index or else each platform
    #[arg(long, value_enum, default_value_t = Recursive::Index, value_name = "WHAT", help_heading = "Demands")]
    pub recursive: Recursive,
    /// Which platforms --recursive is about: all, native, or a list such as linux/amd64,linux/arm64
    #[arg(long, default_value = "all", value_name = "LIST", value_parser = platforms, help_heading = "Demands")]
    pub platform: PlatformChoice,
    /// Check this bundle instead of what hangs on the image
    #[arg(long, value_name = "FILE", help_heading = "Demands")]
    pub bundle: Option<PathBuf>,
    /// Tell every place that was looked at, and all that was found there
    #[arg(long, help_heading = "Report")]
    pub explain: bool,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "Report")]
    pub format: Format,
}

/// What must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Recursive {
    /// The index, or else each platform.
    Any,
    /// The index and each platform.
    All,
    /// The index.
    Index,
}

/// Format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How something is signed and stored.
#[derive(Debug, Args)]
#[group(id = "who", required = true, multiple = false, args = ["key", "keyless"])]
pub struct Signing {
    /// The private key: a cosign.key, whose password comes from IMGGUARD_KEY_PASSWORD or COSIGN_PASSWORD; pkcs11:… (RFC 7512); or NAME://KEY of a KMS, asked through the program sigstore-kms-NAME
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Sign as whoever an identity token names, with a certificate of the moment; the public instance's log keeps that name for everybody and for ever
    #[arg(long)]
    pub keyless: bool,
    /// A file with the identity token, instead of SIGSTORE_ID_TOKEN or the job on GitHub Actions
    #[arg(long, value_name = "FILE", requires = "keyless")]
    pub identity_token: Option<PathBuf>,
    /// Each platform's image, too, not only the index
    #[arg(long)]
    pub recursive: bool,
    /// Write the tags of cosign 2 (.sig, .att) instead of bundles
    #[arg(long)]
    pub legacy: bool,
    /// What vouches for it.
    #[command(flatten)]
    pub vouching: Vouching,
    /// The instance that what is made must verify with.
    #[command(flatten)]
    pub root: RootArgs,
}

/// The services that vouch for a signature. A key needs none; --keyless uses those of the public instance unless one is named here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sigstore services")]
pub struct Vouching {
    /// Use the services of this configuration (signing_config.v0.2.json)
    #[arg(long, value_name = "FILE")]
    pub signing_config: Option<PathBuf>,
    /// The certificate authority (Fulcio)
    #[arg(long, value_name = "URL", requires = "keyless")]
    pub fulcio_url: Option<Url>,
    /// The transparency log (Rekor)
    #[arg(long, value_name = "URL")]
    pub rekor_url: Option<Url>,
    /// The version of that log's interface
    #[arg(long, value_name = "1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), requires = "rekor_url")]
    pub rekor_version: u8,
    /// The timestamp authority (RFC 3161), with its path
    #[arg(long, value_name = "URL")]
    pub tsa_url: Option<Url>,
}

impl Vouching {
    /// Whether a service is named.
    pub fn is_any(&self) -> bool {
        self.signing_config.is_some() || self.fulcio_url.is_some() || self.rekor_url.is_some() || self.tsa_url.is_some()
    }
}

/// What `sign` takes.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// Where the image is.
    #[command(flatten)]
    pub place: Place,
    /// How it is signed.
    #[command(flatten)]
    pub signing: Signing,
    /// Note this in the signature; repeat for several
    #[arg(long, short = 'a', value_name = "KEY=VALUE", value_parser = annotation)]
    pub annotation: Vec<(String, String)>,
}

/// What `attest` takes.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["predicate_type", "sbom", "scan", "vsa"])]
pub struct AttestArgs {
    /// Where the image is.
    #[command(flatten)]
    pub place: Place,
    /// How it is signed.
    #[command(flatten)]
    pub signing: Signing,
    /// What the predicate is: spdx, cyclonedx, openvex, vuln, slsaprovenance1, vsa, custom, …, or a URI
    #[arg(long = "type", value_name = "PREDICATE", value_parser = PredicateType::parse, requires = "predicate", conflicts_with_all = ["sbom", "scan", "vsa"])]
    pub predicate_type: Option<PredicateType>,
    /// The predicate: a JSON document, or any text for --type custom
    #[arg(long, value_name = "FILE", requires = "predicate_type")]
    pub predicate: Option<PathBuf>,
    /// What is scanned for.
    #[command(flatten)]
    pub own: OwnArgs,
}

/// What is attested of a scan that `attest` makes itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Scan")]
pub struct OwnArgs {
    /// Attest bills of materials of the image and of each platform (CycloneDX and SPDX)
    #[arg(long)]
    pub sbom: bool,
    /// Attest what a scan finds in the image and in each platform, and as OpenVEX what was set aside
    #[arg(long)]
    pub scan: bool,
    /// Attest what the policy says of the image and of each platform (SLSA verification summary); exit 1 if it refuses one
    #[arg(long)]
    pub vsa: bool,
    /// The policy: a built-in name (local) or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "local")]
    pub policy: String,
    /// Judge ages as of this date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<jiff::civil::Date>,
    /// Where facts of layers are kept, or none [default: the user's cache folder]
    #[arg(long, env = "IMGGUARD_CACHE_DIR", value_name = "DIR|none")]
    pub cache: Option<PathBuf>,
    /// What is looked for.
    #[command(flatten)]
    pub looking: Looking,
}

/// What `tree` takes.
#[derive(Debug, Args)]
pub struct TreeArgs {
    /// Where the image is.
    #[command(flatten)]
    pub place: Place,
    /// Which platforms: all, native, or a list such as linux/amd64,linux/arm64
    #[arg(long, default_value = "all", value_name = "LIST", value_parser = platforms)]
    pub platform: PlatformChoice,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub format: Format,
}

/// What `generate-key-pair` takes.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The files are named so, with .key and .pub; none of them may be there
    #[arg(long, default_value = "imgguard", value_name = "PREFIX")]
    pub output_prefix: PathBuf,
}

/// What `public-key` takes.
#[derive(Debug, Args)]
pub struct PublicKeyArgs {
    /// The private key, as for sign: a cosign.key, pkcs11:…, or NAME://KEY of a KMS
    #[arg(long, value_name = "KEY")]
    pub key: String,
}

/// What `import-key-pair` takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An unencrypted PEM private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The files are named so, with .key and .pub; none of them may be there
    #[arg(long, default_value = "imgguard", value_name = "PREFIX")]
    pub output_prefix: PathBuf,
}

fn annotation(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
