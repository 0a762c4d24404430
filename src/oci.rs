//! The image specification's words as types: platforms, descriptors and the image configuration.
//!
//! `oci-spec` gives the index, the manifest and the descriptor (see `source`). The image configuration is our
//! own type, because `oci-spec`'s drops Docker's `Healthcheck`, `Shell` and `OnBuild`, refuses `null` lists, and this tool must judge
//! what the engine would run. Digests are always taken over the bytes that were stored, never over something written again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// The annotation by which an image names the base that it was built on (OCI image-spec, "Annotations").
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// The annotation that has that base's digest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// An operating system and CPU, with the CPU's variant: `linux/arm64/v8`.
///
/// Source: OCI image-spec `image-index.md`, property `platform`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, … as Go spells them.
    pub architecture: String,
    /// `v7`, `v8`, …; empty when there is none.
    #[serde(default)]
    pub variant: String,
}

impl Platform {
    /// Whether an image for `self` is what a user means who asks for `wanted`: the variant counts only when it was asked for, and
    /// `arm64` is the same as `arm64/v8` (containerd's normalisation).
    #[must_use]
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let variant = |p: &Self| match (p.architecture.as_str(), p.variant.as_str()) {
            ("arm64", "v8") => String::new(),
            _ => p.variant.clone(),
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (variant(wanted).is_empty() || variant(self) == variant(wanted))
    }

    /// The platform of the machine this runs on, with Linux as the operating system (images for it are what runs here).
    #[must_use]
    pub fn native() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: String::new() }
    }

    /// BuildKit stores attestations as manifests of this platform; they are not something to run.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

/// A text is not `OS/ARCH[/VARIANT]`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a platform; write OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64")]
pub struct PlatformError(String);

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let known =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(|part| known(part)) {
            return Err(PlatformError(text.chars().take(80).collect()));
        }
        let part = |index: usize| parts.get(index).copied().unwrap_or_default().to_owned();
        Ok(Self { os: part(0), architecture: part(1), variant: part(2) })
    }
}

/// The image configuration: what runs, and how the layers came to be.
///
/// Source: OCI image-spec `config.md`, and Docker's additions (moby `image/spec/v1.2.md`).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ImageConfig {
    /// CPU, as in [`Platform::architecture`].
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// Operating system.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// CPU variant.
    #[serde(default, deserialize_with = "or_default")]
    pub variant: String,
    /// When the image was built (RFC 3339), as the builder says.
    #[serde(default)]
    pub created: Option<String>,
    /// The run settings.
    #[serde(default, deserialize_with = "or_default")]
    pub config: RunConfig,
    /// The build steps; each with `empty_layer` false made one layer.
    #[serde(default, deserialize_with = "or_default")]
    pub history: Vec<History>,
    /// The diff IDs.
    #[serde(default, deserialize_with = "or_default")]
    pub rootfs: RootFs,
}

impl ImageConfig {
    /// The platform that the configuration itself names.
    #[must_use]
    pub fn platform(&self) -> Platform {
        let or_unknown = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        Platform {
            os: or_unknown(&self.os),
            architecture: or_unknown(&self.architecture),
            variant: self.variant.clone(),
        }
    }

    /// The build instruction that made layer number `index`, where the history has as many layer steps as there are layers.
    #[must_use]
    pub fn instruction(&self, index: usize, layers: usize) -> Option<&str> {
        self.step(index, layers).map(|step| step.created_by.as_str()).filter(|text| !text.is_empty())
    }

    /// The build step that made layer number `index`, as [`instruction`](Self::instruction).
    #[must_use]
    pub fn step(&self, index: usize, layers: usize) -> Option<&History> {
        let made = || self.history.iter().filter(|step| !step.empty_layer);
        // A squashed or hand-made image may have a history that does not fit; naming a wrong instruction is worse than none.
        if made().count() != layers {
            return None;
        }
        made().nth(index)
    }
}

/// Run settings of an image. Keys are spelled as Docker wrote them first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    /// The user to run as: a name or uid, with an optional group after a colon.
    #[serde(default, deserialize_with = "or_default")]
    pub user: String,
    /// `NAME=value` pairs.
    #[serde(default, deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// Fixed part of the command.
    #[serde(default, deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    /// Default arguments.
    #[serde(default, deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// Docker's health check.
    #[serde(default)]
    pub healthcheck: Option<Healthcheck>,
    /// Docker's instructions for images built on this one.
    #[serde(default, deserialize_with = "or_default")]
    pub on_build: Vec<String>,
    /// Docker's shell for instructions of a shell's form.
    #[serde(default, deserialize_with = "or_default")]
    pub shell: Vec<String>,
    /// Working directory.
    #[serde(default, deserialize_with = "or_default")]
    pub working_dir: String,
    /// Ports that it listens on, `8080/tcp`; a set, written as a map to empty objects.
    #[serde(default, deserialize_with = "or_default")]
    pub exposed_ports: BTreeMap<String, Nothing>,
    /// Folders that volumes are mounted to, likewise.
    #[serde(default, deserialize_with = "or_default")]
    pub volumes: BTreeMap<String, Nothing>,
    /// Signal that stops it.
    #[serde(default, deserialize_with = "or_default")]
    pub stop_signal: String,
}

/// The value of a map that is a set; whatever is written there.
pub type Nothing = serde::de::IgnoredAny;

/// Docker's `HEALTHCHECK`; `Test: ["NONE"]` switches an inherited one off.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// The command, its first word `CMD`, `CMD-SHELL` or `NONE`.
    #[serde(default, deserialize_with = "or_default")]
    pub test: Vec<String>,
}

/// One build step.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct History {
    /// The instruction, as the builder writes it.
    #[serde(default, deserialize_with = "or_default")]
    pub created_by: String,
    /// When, as the builder says (RFC 3339).
    #[serde(default, deserialize_with = "or_default")]
    pub created: Option<String>,
    /// A free comment.
    #[serde(default, deserialize_with = "or_default")]
    pub comment: String,
    /// True when the step changed only the configuration.
    #[serde(default, deserialize_with = "or_default")]
    pub empty_layer: bool,
}

/// The list of diff IDs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RootFs {
    /// Digest of each layer's uncompressed tar, lowest first. Kept as text: a foreign one must not fail the whole configuration.
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<String>,
}

/// Docker writes `null` for an empty list or map; that is the same as none.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_lists_are_empty_lists() {
        let config: ImageConfig =
            serde_json::from_str(r#"{"os":"linux","config":{"Env":null,"Labels":null,"Cmd":null},"rootfs":{"diff_ids":null},"history":null}"#)
                .unwrap();
        assert!(config.config.env.is_empty() && config.rootfs.diff_ids.is_empty());
        let config: ImageConfig = serde_json::from_str(r#"{"config":null}"#).unwrap();
        assert_eq!(config.platform().to_string(), "unknown/unknown");
    }

    #[test]
    fn platforms_compare_as_containerd_does() {
        let p = |text: &str| text.parse::<Platform>().unwrap();
        assert!(p("linux/arm64/v8").satisfies(&p("linux/arm64")));
        assert!(p("linux/arm64").satisfies(&p("linux/arm64/v8")));
        assert!(!p("linux/arm/v6").satisfies(&p("linux/arm/v7")));
        assert!(
            "linux".parse::<Platform>().is_err()
                && "linux/../x".parse::<Platform>().is_ok_and(|p| p.architecture == "..")
        );
    }

    #[test]
    fn instruction_needs_a_history_that_fits() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"history":[{"created_by":"ADD x"},{"created_by":"CMD y","empty_layer":true},{"created_by":"RUN z"}]}"#,
        )
        .unwrap();
        assert_eq!(config.instruction(1, 2), Some("RUN z"));
        assert_eq!(config.instruction(1, 3), None);
    }
}
