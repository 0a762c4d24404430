//! `base`: what images stand on; and `base push`, `base pull`.

use std::path::{Path, PathBuf};

use super::args::{Global, Network};
use super::base_args::{BaseArgs, BaseVerb, PullArgs, PushArgs};
use super::exit::Ending;
use super::output::print;
use super::{Failed, base_index, base_list, db, fetch, places, publish, rules, scan, sources, today, update};
use crate::artifact::Freshness;
use crate::base::{Catalogue, CatalogueError};
use crate::report::base::{Bases, Checked};
use crate::report::bytes;
use crate::report::contract::Report;
use crate::scan::RunError;
use crate::source::repository::At;

/// `base`.
pub(super) fn base(arguments: &BaseArgs, global: &Global) -> Result<Ending, Failed> {
    match &arguments.verb {
        None => show(arguments, global),
        Some(BaseVerb::Index(arguments)) => base_index::index(arguments, global),
        Some(BaseVerb::List(arguments)) => base_list::list(arguments),
        Some(BaseVerb::Push(arguments)) => push(arguments, global),
        Some(BaseVerb::Pull(arguments)) => pull(arguments, global),
    }
}

/// What images stand on.
fn show(arguments: &BaseArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let references = sources::references(&arguments.target)?;
    let how = (&arguments.target.reading, &arguments.looking);
    let (answers, mut worst) = scan::answers_with_attached(how, &references, global)?;
    if answers.is_empty() {
        return Ok(worst);
    }
    let mut bases = Vec::new();
    for answer in answers {
        let mut one = Bases::of(&answer.report);
        if arguments.check {
            worst = worst.max(check(&answer.report, &mut one, &arguments.target.reading.network));
        }
        bases.push(one);
    }
    print(&|out| match arguments.format.as_str() {
        "json" => Bases::json(&bases, out),
        _ => bases.iter().try_for_each(|one| one.page(out)),
    })?;
    Ok(worst)
}

/// Asks registries what the tags of proven bases point to now; whom an image only names is not asked for that. That one cannot be asked is told, and the rest is still said.
fn check(report: &Report, bases: &mut Bases, network: &Network) -> Ending {
    let mut worst = Ending::Pass;
    let named = report.platforms.iter().filter_map(|platform| platform.base.as_ref()).filter(|base| base.verified);
    let mut names: Vec<(String, Option<String>)> =
        named.filter_map(|base| Some((base.name.clone()?, base.digest.clone()))).collect();
    names.sort();
    names.dedup();
    for (name, known) in names {
        match current(&name, network) {
            Ok(digest) => bases.checked.push(Checked { is_same: known.as_deref() == Some(&digest), name, digest }),
            Err(failed) => {
                super::complain(&failed);
                worst = worst.max(failed.ending);
            }
        }
    }
    worst
}

/// What a tag points to now.
fn current(name: &str, network: &Network) -> Result<String, Failed> {
    let opened = sources::repository(name, false, network, false)?;
    let missing = || {
        let error = anyhow::anyhow!("`{name}` has no tag that could be asked");
        Failed::new(Ending::Source, error).hint("its publisher may have removed it: take another base")
    };
    let At::Tag(tag) = opened.root() else { return Err(missing()) };
    let stored = opened.repository.manifest(At::Tag(tag)).map_err(|error| {
        sources::failed(error, true, |error| error.context(format!("what `{name}` is now could not be asked")))
    })?;
    Ok(stored.ok_or_else(missing)?.digest.to_string())
}

/// The catalogue that was asked for, else the user's own where there is one.
pub(super) fn open_catalogue(path: Option<&Path>) -> Result<Option<Catalogue>, Failed> {
    let path = path.map(Path::to_owned).or_else(|| places::catalogue().filter(|path| path.is_file()));
    path.map(|path| Catalogue::open(&path)).transpose().map_err(unusable)
}

/// A catalogue that has to be there.
pub(super) fn need_catalogue(path: Option<&Path>) -> Result<Catalogue, Failed> {
    open_catalogue(path)?.ok_or_else(|| {
        Failed::new(Ending::Usage, anyhow::anyhow!("there is no base catalogue yet")).hint(
            "make one with `imgguard base index`, fetch one with `imgguard base pull`, or name one with --catalogue",
        )
    })
}

/// Where a catalogue is written.
pub(super) fn output(path: Option<&PathBuf>) -> Result<PathBuf, Failed> {
    let path = path.cloned().or_else(places::catalogue);
    let path = path.ok_or_else(|| update::no_place("the catalogue", "--output"))?;
    update::make_own_folder(&path)?;
    Ok(path)
}

/// A catalogue that cannot be used.
pub(super) fn unusable(error: CatalogueError) -> Failed {
    Failed::new(Ending::Store, error)
        .hint("make it anew with `imgguard base index`, or fetch it with `imgguard base pull`")
}

/// A run that has no answer.
pub(super) fn refused(error: RunError) -> Failed {
    match error {
        RunError::Store(error) => db::refused(error),
        RunError::Catalogue(error) => unusable(error),
    }
}

fn push(arguments: &PushArgs, global: &Global) -> Result<Ending, Failed> {
    let catalogue = need_catalogue(arguments.catalogue.as_deref())?;
    publish::push_file(&catalogue, &arguments.to, global)
}

fn pull(arguments: &PullArgs, global: &Global) -> Result<Ending, Failed> {
    let output = output(arguments.output.as_ref())?;
    let wanted = fetch::Wanted {
        from: &arguments.from,
        trust: &arguments.trust,
        allow_unsigned: arguments.allow_unsigned,
        freshness: Freshness {
            today: today(arguments.as_of),
            max_age: Some(arguments.max_age),
            accept_fewer: arguments.accept_fewer,
        },
        network: &arguments.network,
        output: &output,
    };
    fetch::fetch::<Catalogue>(&wanted, global, &|| {
        let catalogue = Catalogue::open(&output).map_err(std::io::Error::other)?;
        Ok(format!("{}: {}", output.display(), describe(&catalogue)))
    })
}

/// What a catalogue has, in one line.
pub(super) fn describe(catalogue: &Catalogue) -> String {
    let (content, length) = (catalogue.content(), catalogue.as_bytes().len() as u64);
    let tags: usize = content.repositories.values().map(|repository| repository.tags.len()).sum();
    let (repositories, images) = (content.repositories.len(), content.images.len());
    format!("{repositories} repositories, {tags} tags, {images} images, {}", bytes(length))
}
