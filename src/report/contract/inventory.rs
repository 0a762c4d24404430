//! What is there: platforms and installed packages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Base, Location, Support};

/// One platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    /// `os/architecture[/variant]`.
    pub platform: String,
    /// Digest of the manifest.
    pub digest: Option<String>,
    /// Whether everything required was read.
    pub complete: bool,
    /// The distribution.
    pub os: Option<Os>,
    /// Who it runs as; none where there is no configuration.
    pub user: Option<User>,
    /// How it is run; none where there is no configuration.
    #[serde(default)]
    pub config: Option<Configuration>,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// Its base; null where nothing speaks of one.
    pub base: Option<Base>,
    /// Until when its distribution and runtimes get fixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<Support>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Os {
    /// `debian`.
    pub id: String,
    /// `12`.
    pub version_id: String,
    /// `Debian GNU/Linux 12 (bookworm)`; may be empty.
    #[serde(default)]
    pub name: String,
    /// Channels of updates that the image takes beyond the release's own, sorted: `esm-infra`, `amzn2extra-docker`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
}

/// Who an image runs as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// As configured.
    pub spec: String,
    /// Null where it cannot be resolved.
    pub uid: Option<u32>,
    /// Null where it cannot be resolved.
    pub gid: Option<u32>,
}

/// How an image is run. Values that are or may be secrets are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Fixed part of the command.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Ports that it listens on, `8080/tcp`.
    pub exposed_ports: Vec<String>,
    /// Folders that volumes are mounted to.
    pub volumes: Vec<String>,
    /// Working directory; may be empty.
    pub working_dir: String,
    /// Signal that stops it; may be empty.
    pub stop_signal: String,
    /// Health check, its first word `CMD`, `CMD-SHELL` or `NONE`.
    pub healthcheck: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the stored bytes.
    pub digest: Option<String>,
    /// Their length.
    pub size: u64,
    /// The build instruction, where the history tells.
    pub instruction: Option<String>,
    /// When it was built, as the history tells (RFC 3339); reproducible builds have one date for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Bytes of files that later layers replace or remove.
    pub wasted: u64,
}

/// An installed package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Package URL.
    pub purl: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// OSV ecosystem with release.
    pub ecosystem: String,
    /// What it was built from.
    pub source: SourcePackage,
    /// Declared licences.
    pub licenses: Vec<String>,
    /// The OS package that owns it.
    pub owner: Option<String>,
    /// Maintainer or vendor as declared.
    #[serde(default)]
    pub vendor: Option<String>,
    /// rpm's modularity label.
    #[serde(default)]
    pub module: Option<String>,
    /// What says that it is there: `record`, `content` or `listed`.
    #[serde(default = "record")]
    pub evidence: String,
    /// Whether it is the main module of a program, whose version may be a placeholder.
    #[serde(default)]
    pub program: bool,
    /// `development` for what a project's sources need only to develop, build or test it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whether the image's command can load it: `false` where no path leads to it, absent where nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<bool>,
    /// Platforms that have it.
    pub platforms: Vec<String>,
    /// Where it is recorded.
    pub locations: Vec<Location>,
}

fn record() -> String {
    "record".to_owned()
}

/// A source package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}
