//! Where `harden` takes fixed packages from, and what proves them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use reqwest::Url;

use super::args::Reading;
use super::exit::Ending;
use super::{Failed, sources, today};
use crate::harden::packages::openpgp::MAX_KEYRING_BYTES;
use crate::harden::packages::step::Updates;
use crate::harden::packages::{Sources, Store, wanted};
use crate::net::Transport;
use crate::report::contract::Report;

/// Where fixed packages come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Updates")]
pub struct Updating {
    /// Take fixed packages from this folder or mirror (https://deb.debian.org/debian-security/dists/bookworm-security); repeat for several
    #[arg(long, value_name = "DIR|URL")]
    pub packages: Vec<String>,
    /// Believe what these OpenPGP keys, or keys of Alpine, signed: a file, or a folder of them; repeat for several
    #[arg(long, value_name = "FILE|DIR", requires = "packages")]
    pub keyring: Vec<PathBuf>,
    /// Believe Debian packages by these SHA-256 sums, as sha256sum writes them, instead of by a signature
    #[arg(long, value_name = "FILE", requires = "packages")]
    pub digests: Option<PathBuf>,
}

/// What is to be updated from where; none where the user names no packages.
pub(super) fn updates(arguments: &Updating, report: &Report, reading: &Reading) -> Result<Option<Updates>, Failed> {
    if arguments.packages.is_empty() {
        return Ok(None);
    }
    let mut sources = Sources::default();
    let mut transport = None;
    for place in &arguments.packages {
        sources.add_store(store(place, reading, &mut transport)?);
    }
    for path in arguments.keyring.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?.concat() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        sources.add_keys(&name, &read(&path)?).map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("`{}` cannot be used", path.display()));
            Failed::new(Ending::Usage, error)
        })?;
    }
    if let Some(path) = &arguments.digests {
        sources.set_digests(&path.display().to_string(), read(path)?);
    }
    // The whole day counts.
    let end = today(reading.as_of).at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC);
    let at = match reading.as_of {
        Some(_) => end.map(|end| end.timestamp()).unwrap_or(jiff::Timestamp::MAX),
        None => jiff::Timestamp::now(),
    };
    Ok(Some(Updates { sources: Arc::new(sources), wanted: wanted(&report.findings), at }))
}

fn store(place: &str, reading: &Reading, transport: &mut Option<Arc<Transport>>) -> Result<Store, Failed> {
    let url = Url::parse(place).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else { return Ok(Store::Folder(place.into())) };
    if reading.offline {
        return Err(Failed::new(Ending::Usage, anyhow::anyhow!("`{place}` is on the network, and --offline is set")));
    }
    let transport = match transport {
        Some(transport) => transport.clone(),
        None => {
            let new = Transport::new(sources::settings(&reading.network));
            let new = Arc::new(new.map_err(|error| Failed::new(Ending::Source, error))?);
            transport.insert(new).clone()
        }
    };
    Ok(Store::mirror(&url, transport))
}

/// The file, or the files of the folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failed> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut files: Vec<PathBuf> =
        entries.map_err(|error| unreadable(path, error))?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    let length = fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    // No keyring and no list of digests is longer; a device would never end.
    if length > 16 * MAX_KEYRING_BYTES as u64 {
        return Err(Failed::new(Ending::Usage, anyhow::anyhow!("`{}` is too large", path.display())));
    }
    fs::read(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Failed {
    Failed::new(Ending::Usage, anyhow::Error::new(error).context(format!("cannot read `{}`", path.display())))
}
