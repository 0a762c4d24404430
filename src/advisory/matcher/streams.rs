//! Streams of advisories that an image takes beyond its release's own, by the channels of updates that it shows.

use std::collections::BTreeSet;

use crate::advisory::ecosystem::{self, OsRelease};
use crate::advisory::error::AdvisoryError;
use crate::advisory::store::Store;

/// The ecosystems of an image's channels, but for its release's own; Ubuntu Pro's ESM, which every release of it has, is not among them.
pub(in crate::advisory) fn streams(
    store: &Store,
    os: Option<&OsRelease<'_>>,
    release: Option<&str>,
) -> Result<Vec<String>, AdvisoryError> {
    let (Some(os), Some(release)) = (os, release) else { return Ok(Vec::new()) };
    let mut streams = BTreeSet::new();
    for channel in os.channels {
        match ecosystem::base(release) {
            "Red Hat" => {
                let cpes = store.repository_cpes(channel)?;
                streams.extend(cpes.iter().filter_map(|cpe| ecosystem::of_red_hat_cpe(cpe)));
            }
            "SUSE" => streams.extend(long_term(channel, release)),
            "Amazon Linux" => {
                streams.extend(channel.strip_prefix("amzn2extra-").map(|extra| format!("Amazon Linux:2:{extra}")));
            }
            "Ubuntu" => streams.extend(certified(channel, release)),
            _ => {}
        }
    }
    streams.remove(release);
    Ok(streams.into_iter().collect())
}

/// `SLES-LTSS 15.3` is the stream of that service pack alone.
fn long_term(channel: &str, release: &str) -> Option<String> {
    let version = channel.strip_prefix("SLES-LTSS ")?;
    let own = ecosystem::of_os(&OsRelease { id: "sles", version_id: Some(version), ..OsRelease::default() })?;
    (own == release).then(|| format!("{release}-LTSS"))
}

/// FIPS-certified builds, by the names that OSV gives to their channels.
fn certified(channel: &str, release: &str) -> Option<String> {
    let number = release.strip_prefix("Ubuntu:")?;
    let name = match channel {
        "fips" => "FIPS",
        "fips-updates" => "FIPS-updates",
        "fips-preview" => "FIPS-preview",
        "realtime" | "realtime-kernel" => "Realtime",
        _ => return None,
    };
    Some(format!("Ubuntu:Pro:{name}:{number}"))
}
