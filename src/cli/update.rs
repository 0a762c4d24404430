//! `db update`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::args::{Global, Network, Reading, Target};
use super::db_args::UpdateArgs;
use super::exit::Ending;
use super::progress::Bar;
use super::{Failed, fetch, places, scan};
use crate::advisory::upstream::{ALL, Addresses, Change, Mirror, UpdateError, Updated, Wanted, upstream, upstreams};
use crate::advisory::{AdvisoryError, ImportOptions, import};
use crate::net::{DownloadError, Transport};
use crate::report::bytes;
use crate::report::escape::terminal;

/// What is kept up to date: an upstream and a path below it.
type Things = BTreeSet<(&'static str, String)>;

/// Brings the mirror and then the store up to date.
pub(super) fn update(arguments: &UpdateArgs, global: &Global) -> Result<Ending, Failed> {
    let output = match arguments.output.clone().or_else(places::store) {
        Some(output) => output,
        None => return Err(no_place("the store", "--output")),
    };
    if !arguments.from.is_empty() {
        make_own_folder(&output)?;
        return fetch::update_from(arguments, &output, global);
    }
    let folder = match arguments.mirror.clone().or_else(places::feeds) {
        Some(folder) => folder,
        None => return Err(no_place("the feeds", "--mirror")),
    };
    let mut mirror = Mirror::open(&folder).map_err(failed)?;
    let mut things = mirror.held();
    let named = |name: &String| {
        if name == "all" { ALL.iter().map(|name| (*name).to_owned()).collect() } else { vec![name.clone()] }
    };
    let named: BTreeSet<String> = arguments.ecosystem.iter().flat_map(named).collect();
    let seen =
        if arguments.images.is_empty() { BTreeSet::new() } else { scan::ecosystems(&target(arguments), global)? };
    things.extend(things_of(&named, true)?);
    things.extend(things_of(&seen, false)?);
    if things.is_empty() {
        let error = anyhow::anyhow!("there is nothing to update yet");
        return Err(Failed::new(Ending::Usage, error)
            .hint("say what for: `imgguard db update --for IMAGE`, or `--ecosystem PyPI,Debian:12`"));
    }
    // Facts about CVEs go with every other feed.
    things.extend(things_of(&BTreeSet::from([String::new()]), false)?);
    let addresses: Addresses = arguments.upstream.iter().cloned().collect();
    let transport = transport(&arguments.network)?;
    if arguments.plan {
        return plan(&mirror, &transport, &things, &addresses);
    }
    let lines = refresh(&mut mirror, &transport, &things, &addresses, (&output, arguments.accept_fewer), global)?;
    let mut out = anstream::stdout();
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}", terminal(line)))
        .map_err(|error| Failed::new(Ending::Incomplete, error))?;
    Ok(Ending::Pass)
}

/// `scan --update`: fetches what images need, before they are scanned. Standard output is the report's, so that this is told on the other.
pub(super) fn before_scan(
    target: &Target,
    db: Option<&Path>,
    upstream: &[(String, Url)],
    global: &Global,
) -> Result<(), Failed> {
    let output = db.map(Path::to_owned).or_else(places::store).ok_or_else(|| no_place("the store", "--db"))?;
    let folder = places::feeds().ok_or_else(|| no_place("the feeds", "`imgguard db update --mirror`"))?;
    let mut mirror = Mirror::open(&folder).map_err(failed)?;
    let mut things = mirror.held();
    things.extend(things_of(&scan::ecosystems(target, global)?, false)?);
    things.extend(things_of(&BTreeSet::from([String::new()]), false)?);
    let addresses: Addresses = upstream.iter().cloned().collect();
    let transport = transport(&target.reading.network)?;
    let lines = refresh(&mut mirror, &transport, &things, &addresses, (&output, false), global)?;
    lines.iter().for_each(|line| super::notice(global, line));
    Ok(())
}

/// Brings the mirror up to date, and compiles the store of it; tells what was done.
fn refresh(
    mirror: &mut Mirror,
    transport: &Transport,
    things: &Things,
    addresses: &Addresses,
    (output, accept_fewer): (&Path, bool),
    global: &Global,
) -> Result<Vec<String>, Failed> {
    let bar = Bar::new(0, global);
    let mut updated = Vec::new();
    for (wanted, name) in wanted(things) {
        bar.say(&name);
        let progress = |length| bar.more(length);
        let one = mirror.update(transport, wanted, addresses, &progress).map_err(failed)?;
        updated.push((name, one));
    }
    bar.finish();
    build(&updated, output, accept_fewer)
}

/// The images that an update is for, as a scan reads them.
fn target(arguments: &UpdateArgs) -> Target {
    let (references, network) = (arguments.images.clone(), arguments.network.clone());
    let reading = Reading { network, ..Reading::default() };
    Target { references, reading, ..Target::default() }
}

/// Our own folder is made; one that somebody misspelled is not.
pub(super) fn make_own_folder(output: &Path) -> Result<(), Failed> {
    let is_own = [places::store(), places::catalogue()].iter().flatten().any(|own| own == output);
    if let (true, Some(folder)) = (is_own, output.parent()) {
        let context = format!("the folder `{}` cannot be made", folder.display());
        let made = std::fs::create_dir_all(folder);
        made.map_err(|error| Failed::new(Ending::Incomplete, anyhow::Error::new(error).context(context)))?;
    }
    Ok(())
}

/// Compiles what the mirror holds, and puts it in the place of the old store unless that is a step back.
fn build(updated: &[(String, Updated)], output: &Path, accept_fewer: bool) -> Result<Vec<String>, Failed> {
    let files: Vec<PathBuf> = updated.iter().map(|(_, updated)| updated.file.clone()).collect();
    make_own_folder(output)?;
    let options = ImportOptions { accept_fewer, ..ImportOptions::default() };
    let report = import(&files, output, options).map_err(|error| match error {
        AdvisoryError::Write { .. } => Failed::new(Ending::Incomplete, error),
        error => Failed::new(Ending::Store, error).hint("the store is as it was"),
    })?;
    let of = |(name, updated): &(String, Updated)| match updated.change {
        Change::Unchanged => format!("  {name}: nothing new"),
        Change::Records(count) => format!("  {name}: {count} records changed"),
        Change::Whole(length) => format!("  {name}: {}", bytes(length)),
    };
    let mut lines: Vec<String> = updated.iter().map(of).collect();
    let advisories = report.provenance.advisories;
    lines.push(format!("{}: {advisories} advisories, {}", output.display(), bytes(report.bytes)));
    Ok(lines)
}

/// Shows what an update would fetch.
fn plan(mirror: &Mirror, transport: &Transport, things: &Things, addresses: &Addresses) -> Result<Ending, Failed> {
    let mut out = anstream::stdout();
    let mut total = 0;
    for (wanted, name) in wanted(things) {
        let size = mirror.size(transport, wanted, addresses).map_err(failed)?;
        total += size.unwrap_or(0);
        let size = size.map_or_else(|| "size unknown".to_owned(), bytes);
        let line = terminal(&format!("  {name}: {size}"));
        writeln!(out, "{line}").map_err(|error| Failed::new(Ending::Incomplete, error))?;
    }
    let line = format!("{} at most; what did not change is not fetched again", bytes(total));
    writeln!(out, "{line}").map_err(|error| Failed::new(Ending::Incomplete, error))?;
    Ok(Ending::Pass)
}

/// The upstreams' things that speak for these ecosystems; `demanded` when each must have one.
fn things_of(ecosystems: &BTreeSet<String>, demanded: bool) -> Result<Things, Failed> {
    let mut things = Things::new();
    for ecosystem in ecosystems {
        let speaking = upstreams().filter(|upstream| upstream.speaks_for(ecosystem));
        let own: Things = speaking
            .filter(|upstream| upstream.is_general() == ecosystem.is_empty())
            .flat_map(|upstream| upstream.paths(ecosystem).into_iter().map(|path| (upstream.name, path)))
            .collect();
        if own.is_empty() && demanded {
            let error = anyhow::anyhow!("nobody is known to publish advisories for `{ecosystem}`");
            return Err(Failed::new(Ending::Usage, error)
                .hint("write it as the report's coverage does, such as PyPI, Debian:12 or Alpine:v3.20"));
        }
        things.extend(own);
    }
    Ok(things)
}

/// What to update, with the name that people read.
fn wanted(things: &Things) -> impl Iterator<Item = (Wanted<'_>, String)> {
    things.iter().filter_map(move |(name, path)| {
        let upstream = upstream(name)?;
        Some((Wanted { upstream, path }, format!("{name} {path}")))
    })
}

fn transport(network: &Network) -> Result<Transport, Failed> {
    Transport::new(super::sources::settings(network)).map_err(|error| Failed::new(Ending::Usage, error))
}

pub(super) fn no_place(what: &str, flag: &str) -> Failed {
    let error = anyhow::anyhow!("there is no folder for {what}: neither XDG variables nor HOME are set");
    Failed::new(Ending::Usage, error).hint(format!("name one with {flag}"))
}

pub(super) fn failed(error: UpdateError) -> Failed {
    let (ending, hint) = match &error {
        UpdateError::Download { source, .. } => match **source {
            DownloadError::Net(_) | DownloadError::Refused { .. } => {
                (Ending::Source, "the store is as it was; what came so far is kept: run it again")
            }
            DownloadError::TooLarge { .. } => (Ending::Store, "the store is as it was; check the address"),
            DownloadError::Write { .. } => (Ending::Incomplete, "check the room and the rights of the folder"),
        },
        UpdateError::Malformed { .. } | UpdateError::Shrunk { .. } => {
            (Ending::Store, "the store is as it was; check the address, and try again later")
        }
        UpdateError::Folder { .. } => (Ending::Incomplete, "name another folder with --mirror"),
        UpdateError::Locked { .. } => (Ending::Incomplete, "wait for it, or name another folder with --mirror"),
        UpdateError::Address(_) => (Ending::Usage, "write NAME=URL with a whole URL"),
    };
    Failed::new(ending, error).hint(hint)
}

/// `NAME=URL` of `--upstream`.
pub(super) fn address(text: &str) -> Result<(String, Url), String> {
    let names = || upstreams().map(|upstream| upstream.name).collect::<Vec<_>>().join(", ");
    let (name, url) = text.split_once('=').ok_or("write NAME=URL, such as osv=https://mirror.example/osv/")?;
    if upstream(name).is_none() {
        return Err(format!("there is no upstream `{name}`; there are: {}", names()));
    }
    let url: Url = url.parse().map_err(|error| format!("not a URL: {error}"))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok((name.to_owned(), url))
    } else {
        Err("write an http or https URL".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The workflow that publishes the store takes part in what this page says of `all`.
    #[test]
    fn the_workflow_fetches_all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/advisories.yml");
        let text = std::fs::read_to_string(path).expect("the workflow");
        assert!(text.contains("db update --ecosystem all --output"));
        let all = ALL.iter().map(|name| (*name).to_owned()).collect();
        let things = things_of(&all, true).expect("somebody publishes each");
        assert!(things.len() > 40, "{things:?}");
    }
}
