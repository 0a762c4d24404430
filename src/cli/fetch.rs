//! `db update --from` and `base pull`: the file that somebody published, from the first mirror that has it as it should be.

use std::io::Write as _;
use std::path::Path;

use super::args::{Global, Network};
use super::db_args::UpdateArgs;
use super::exit::Ending;
use super::progress::Bar;
use super::roots::Reach;
use super::sign_args::Trusted;
use super::{Failed, complain, notice, sources, today, verify};
use crate::advisory::store::Store;
use crate::artifact::{ArtifactError, Brought, Freshness, Origin, Payload, Place, bring, consult};
use crate::report::bytes;
use crate::report::escape::terminal;
use crate::sign::Engine;
use crate::source::SourceError;

/// A store that is published every day and has not been for so long is worth a word.
const REMARKABLE_AGE_DAYS: i32 = 7;

/// How often a mirror is asked when there is another one: waiting for one that wants to be left alone helps nobody.
const HASTY: u32 = 1;

/// What is fetched, and from whom it is taken.
pub(super) struct Wanted<'a> {
    /// Mirrors.
    pub(super) from: &'a [String],
    /// Who may have signed it.
    pub(super) trust: &'a Trusted,
    /// Take it whoever made it.
    pub(super) allow_unsigned: bool,
    /// How it is judged.
    pub(super) freshness: Freshness,
    /// How the network is used.
    pub(super) network: &'a Network,
    /// The file.
    pub(super) output: &'a Path,
}

/// What came of a mirror that could not serve.
struct Miss {
    failed: Failed,
    /// Whether it may serve when it is asked with more patience.
    later: bool,
}

/// Fetches the published store.
pub(super) fn update_from(arguments: &UpdateArgs, output: &Path, global: &Global) -> Result<Ending, Failed> {
    let wanted = Wanted {
        from: &arguments.from,
        trust: &arguments.trust,
        allow_unsigned: arguments.allow_unsigned,
        freshness: Freshness {
            today: today(arguments.as_of),
            max_age: Some(arguments.max_age),
            accept_fewer: arguments.accept_fewer,
        },
        network: &arguments.network,
        output,
    };
    fetch::<Store>(&wanted, global, &|| {
        let status = Store::open(output).map_err(std::io::Error::other)?.status();
        let (advisories, length) = (status.provenance.advisories, bytes(status.bytes));
        Ok(format!("{}: {advisories} advisories, {length}", output.display()))
    })
}

/// Fetches a published file of any kind from the first mirror that has it as it should be; `describe` tells what is in place then.
pub(super) fn fetch<P: Payload>(
    wanted: &Wanted<'_>,
    global: &Global,
    describe: &dyn Fn() -> std::io::Result<String>,
) -> Result<Ending, Failed> {
    let reach = Reach { offline: false, network: wanted.network };
    let engine = trusted(wanted.trust, wanted.allow_unsigned, reach)?;
    let is_alone = wanted.from.len() == 1;
    let mut asked: Vec<&String> = wanted.from.iter().collect();
    let mut worst: Option<Failed> = None;
    for attempts in if is_alone { &[None][..] } else { &[Some(HASTY), None] } {
        let mut later = Vec::new();
        for reference in asked {
            let miss = match one::<P>(wanted, reference, *attempts, engine.as_ref(), (global, describe)) {
                Ok(()) => {
                    // That another mirror is out of order is worth knowing, too.
                    worst.iter().for_each(complain);
                    return Ok(Ending::Pass);
                }
                Err(miss) => miss,
            };
            if miss.later && attempts.is_some() {
                later.push(reference);
                notice(global, &format!("{reference}: {}; asking another mirror", miss.failed.error.root_cause()));
                continue;
            }
            // The worst is the error of the run; the others are told as they come.
            let is_worse = worst.as_ref().is_none_or(|worst| miss.failed.ending > worst.ending);
            let told = if is_worse { worst.replace(miss.failed) } else { Some(miss.failed) };
            told.iter().for_each(complain);
        }
        asked = later;
    }
    Err(worst.unwrap_or_else(|| Failed::new(Ending::Usage, anyhow::anyhow!("no mirror is named"))))
}

/// What checks the signature; none where any is taken.
pub(super) fn trusted(trust: &Trusted, allow_unsigned: bool, reach: Reach<'_>) -> Result<Option<Engine>, Failed> {
    if trust.is_named() {
        return verify::engine(trust, reach).map(Some);
    }
    if allow_unsigned {
        return Ok(None);
    }
    let error = anyhow::anyhow!("nobody is trusted, so nothing can be taken");
    Err(Failed::new(Ending::Usage, error).hint(
        "name the publisher's key with --key (and --allow-no-log), or its --identity and --issuer; --allow-unsigned takes any",
    ))
}

/// Fetches it from one mirror.
fn one<P: Payload>(
    wanted: &Wanted<'_>,
    reference: &str,
    attempts: Option<u32>,
    engine: Option<&Engine>,
    (global, describe): (&Global, &dyn Fn() -> std::io::Result<String>),
) -> Result<(), Miss> {
    let refused = |error: ArtifactError| {
        let later = matches!(&error, ArtifactError::Source(error) if may_serve_later(error));
        let context = format!("the {} of `{reference}` is not used", P::KIND.noun);
        Miss { failed: failed(error, |error| error.context(context)), later }
    };
    let unopened = |failed: Failed| {
        let later = failed.error.chain().any(|cause| cause.downcast_ref().is_some_and(may_serve_later));
        Miss { failed, later }
    };
    let opened = sources::artifact(reference, wanted.network, attempts, false).map_err(unopened)?;
    let (published, signer) = consult::<P>(opened.repository.as_ref(), opened.root(), engine).map_err(refused)?;
    let Wanted { freshness, output, .. } = *wanted;
    let days = freshness.judge(&published, Origin::beside(output).as_ref()).map_err(refused)?;
    let bar = Bar::new(0, global);
    bar.say(reference);
    let by = signer.clone();
    let place = Place { output, reference, signer, progress: &|length| bar.more(length) };
    let brought = bring::<P>(opened.repository.as_ref(), &published, freshness, &place).map_err(refused)?;
    bar.finish();
    if days > REMARKABLE_AGE_DAYS {
        notice(global, &format!("{reference} was published {days} days ago; see whether its publisher still does"));
    }
    let by = by.map_or_else(|| "not checked who signed it".to_owned(), |signer| format!("signed by {signer}"));
    let what = match brought {
        Brought::Nothing => "nothing new".to_owned(),
        Brought::Deltas(1, length) => format!("a delta of {}", bytes(length)),
        Brought::Deltas(count, length) => format!("{count} deltas, {}", bytes(length)),
        Brought::Whole(length) => bytes(length),
    };
    let page = || {
        let mut out = anstream::stdout();
        let line = format!("  {reference}: published {}, {by}: {what}", published.date());
        writeln!(out, "{}", terminal(&line))?;
        writeln!(out, "{}", terminal(&describe()?))
    };
    page().map_err(|error| Miss { failed: Failed::new(Ending::Incomplete, error), later: false })
}

/// Whether a mirror may serve what it did not now.
fn may_serve_later(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::RateLimited { .. }
            | SourceError::Server { .. }
            | SourceError::TimedOut { .. }
            | SourceError::Unreachable { .. }
    )
}

/// An artifact's error as it counts, and what to do.
pub(super) fn failed(error: ArtifactError, context: impl FnOnce(anyhow::Error) -> anyhow::Error) -> Failed {
    let error = match error {
        ArtifactError::Source(error) => return sources::failed(error, true, context),
        error => error,
    };
    let ending = match &error {
        ArtifactError::Write { .. }
        | ArtifactError::Sign(_)
        | ArtifactError::Store(crate::advisory::AdvisoryError::Write { .. }) => Ending::Incomplete,
        _ => Ending::Store,
    };
    let hint = error.hint();
    let failed = Failed::new(ending, context(anyhow::Error::new(error)));
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}
