//! Trusted roots: a file, or what the TUF repository of a Sigstore instance says today.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::Network;
use super::exit::Ending;
use super::sign_args::RootArgs;
use super::sources::{self, read_file};
use super::{Failed, places};
use crate::net::Transport;
use crate::sign::MAX_ROOT_BYTES;
use crate::sign::tuf::{self, MAX_METADATA_BYTES, Mirror, TufError};

/// How the network may be used.
#[derive(Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) offline: bool,
    pub(super) network: &'a Network,
}

/// The text of the trusted root that is meant; none for the one that is built in.
pub(super) fn trusted_root(named: &RootArgs, reach: Reach<'_>) -> Result<Option<String>, Failed> {
    if let Some(path) = &named.trusted_root {
        let bytes = read_file(path, MAX_ROOT_BYTES, "trusted root")?;
        return String::from_utf8(bytes).map(Some).map_err(|_| unusable(named, "it is not UTF-8"));
    }
    let file = target(named, reach, tuf::TRUSTED_ROOT)?;
    file.map(|bytes| String::from_utf8(bytes).map_err(|_| unusable(named, "it is not UTF-8"))).transpose()
}

/// The signing configuration of the TUF repository, if one is named.
pub(super) fn signing_config(named: &RootArgs, reach: Reach<'_>) -> Result<Option<Vec<u8>>, Failed> {
    target(named, reach, tuf::SIGNING_CONFIG)
}

/// A root that was read and is not one.
pub(super) fn unusable(named: &RootArgs, error: &str) -> Failed {
    let place = named.trusted_root.as_ref().map(|path| path.display().to_string());
    let place = place.or_else(|| named.tuf_mirror.clone()).unwrap_or_else(|| "built in".to_owned());
    Failed::new(Ending::Usage, anyhow::anyhow!("the trusted root `{place}` cannot be used: {error}"))
        .hint("it is the trusted_root.json of a Sigstore instance (`cosign trusted-root create` makes one)")
}

fn target(named: &RootArgs, reach: Reach<'_>, name: &str) -> Result<Option<Vec<u8>>, Failed> {
    let (Some(mirror), Some(root)) = (&named.tuf_mirror, &named.tuf_root) else { return Ok(None) };
    let root = read_file(root, MAX_METADATA_BYTES, "root of the TUF repository")?;
    let cache = places::tuf().map(|folder| tuf::cache_of(&folder, mirror));
    let place = place(mirror, reach)?;
    let found = tuf::targets(place, &root, cache.as_deref(), &[name], jiff::Timestamp::now());
    found.map(|files| files.into_iter().next()).map_err(|error| refused(mirror, reach.offline, error))
}

fn place(mirror: &str, reach: Reach<'_>) -> Result<Mirror, Failed> {
    if Path::new(mirror).is_dir() {
        return Ok(Mirror::Folder(PathBuf::from(mirror)));
    }
    let url = mirror.parse().ok().filter(|url: &reqwest::Url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| {
        Failed::new(
            Ending::Usage,
            anyhow::anyhow!("`{mirror}` is neither the address of a TUF repository nor a folder"),
        )
    })?;
    if reach.offline {
        return Ok(Mirror::Cache);
    }
    let transport =
        Transport::new(sources::settings(reach.network)).map_err(|error| Failed::new(Ending::Source, error))?;
    Ok(Mirror::Web(url, Arc::new(transport)))
}

fn refused(mirror: &str, offline: bool, error: TufError) -> Failed {
    let (ending, hint) = match &error {
        TufError::Unreachable(_) if offline => {
            (Ending::Source, "run once without --offline, or give the file itself with --trusted-root")
        }
        TufError::Unreachable(_) => (Ending::Source, "check the address, or give the file itself with --trusted-root"),
        TufError::Expired(_) if offline => {
            (Ending::Source, "run once without --offline, or give the file itself with --trusted-root")
        }
        TufError::Expired(_) => {
            (Ending::Source, "the mirror is not kept up to date, or the clock of this machine is wrong")
        }
        TufError::Repository(_) => {
            (Ending::Source, "it is not the repository that --tuf-root is of, or somebody changed it")
        }
        TufError::Start(_) => (Ending::Incomplete, "try again"),
    };
    let error = anyhow::Error::new(error).context(format!("the trusted root of `{mirror}` cannot be had"));
    Failed::new(ending, error).hint(hint)
}
