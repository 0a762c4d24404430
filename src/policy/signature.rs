//! Signatures that a policy demands: who must have signed an image, or attested something of it.
//!
//! ```toml
//! [[signature]]
//! name = "release"
//! keys = ["cosign.pub"]                # beside this file; or
//! identity_regexp = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/.*"
//! issuer = "https://token.actions.githubusercontent.com"
//! github_workflow = { repository = "acme/app", ref = "refs/heads/main" } # trigger, sha, name, repository, ref
//! of = "image"                         # image (the default), or base: the image that it was built on
//! recursive = "index"                  # index (the default), all or any
//! allow_no_log = false
//! type = "slsaprovenance1"             # an attestation instead of a signature
//! condition = 'predicate.buildDefinition.buildType == "https://actions.github.io/buildtypes/workflow/v1"' # CEL
//! annotations = { team = "blue" }
//! vex = true                           # take their VEX attestations into account
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sign::identity::Workflow;
use crate::sign::verify::Recursive;

/// The rule of the finding that a demand is not met.
pub const RULE: &str = "signature";

/// One demand. All that are in a policy must be met.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureDemand {
    /// Name, for reports.
    pub name: String,
    /// One line.
    #[serde(default)]
    pub summary: String,
    /// Files of public keys, any of which will do; relative ones lie beside the policy.
    #[serde(default)]
    pub keys: Vec<PathBuf>,
    /// The certificate's identity, whole.
    #[serde(default)]
    pub identity: Option<String>,
    /// The same as an expression over the whole of it.
    #[serde(default)]
    pub identity_regexp: Option<String>,
    /// Who vouches for the identity.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The same as an expression over the whole of it.
    #[serde(default)]
    pub issuer_regexp: Option<String>,
    /// What the certificate must say of the workflow on GitHub Actions.
    #[serde(default)]
    pub github_workflow: Workflow,
    /// A Sigstore instance (`trusted_root.json`) instead of the public one.
    #[serde(default)]
    pub trusted_root: Option<PathBuf>,
    /// The same from a TUF repository: its address, or a folder with a copy of it.
    #[serde(default)]
    pub tuf_mirror: Option<String>,
    /// The metadata of that repository's root.
    #[serde(default)]
    pub tuf_root: Option<PathBuf>,
    /// Accept what no transparency log has seen.
    #[serde(default)]
    pub allow_no_log: bool,
    /// Which image must be signed.
    #[serde(default)]
    pub of: Of,
    /// What of it must be signed.
    #[serde(default)]
    pub recursive: Recursive,
    /// An attestation of this type instead of a signature.
    #[serde(default, rename = "type")]
    pub predicate_type: Option<String>,
    /// SLSA provenance of this builder.
    #[serde(default)]
    pub builder: Option<String>,
    /// SLSA provenance of this source repository.
    #[serde(default)]
    pub source: Option<String>,
    /// SLSA provenance of this git reference.
    #[serde(default)]
    pub source_ref: Option<String>,
    /// What must be true of the attestation's predicate: an expression of CEL.
    #[serde(default)]
    pub condition: Option<String>,
    /// What the signature must be annotated with.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Whether VEX attestations of these signers set findings aside.
    #[serde(default)]
    pub vex: bool,
}

/// Which image a demand is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The one that is scanned.
    #[default]
    Image,
    /// The one that it says it was built on (`org.opencontainers.image.base.name` and `.digest`), and whose layers it begins with.
    Base,
}

impl SignatureDemand {
    /// Takes relative files as lying in `folder`.
    pub(super) fn beside(&mut self, folder: &Path) {
        for file in self.keys.iter_mut().chain(&mut self.trusted_root).chain(&mut self.tuf_root) {
            *file = folder.join(&*file);
        }
    }
}
