//! `harden`: an image to a plan, the plan to a new image, which is scanned before its tag moves.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::args::{Global, Looking, Reading};
use super::exit::Ending;
use super::harden_args::{Compress, HardenArgs, Steps};
use super::harden_rebase::How;
use super::harden_report::Outcome;
use super::sign_args::{Format, Place, RootArgs, Signing, Vouching};
use super::sources::{self, Opener};
use super::{
    Failed, base, db, harden_rebase, harden_report, harden_run, harden_updates, notice, output, reading, rules, sign,
    suppressing, today, vex,
};
use crate::advisory::Store;
use crate::base::Catalogue;
use crate::facts::Inventory;
use crate::harden::image::NewImage;
use crate::harden::transform::Wishes;
use crate::harden::work::{self, Planned, Subject};
use crate::harden::write::{Destination, Seen};
use crate::harden::{HardenError, Packing, Stage};
use crate::layer::inflate::Compression;
use crate::policy::Policy;
use crate::reference::{Choice, Reference};
use crate::report::RenderOptions;
use crate::report::contract::{Report, Reports};
use crate::scan::{self, Answer, CollectOptions, Judging, Request, Signatures, Stage as ScanStage};
use crate::source::repository::At;
use crate::source::{Image, PlatformChoice, SourceError};

/// The tag where none is named.
const LATEST: &str = "latest";

/// `harden`.
pub(super) fn harden(arguments: &HardenArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let epoch = output::created()?.and_then(|time| u64::try_from(time.as_second()).ok());
    let target = Target::parse(&arguments.target)?;
    let eye = Eye::open(&arguments.reading, &arguments.looking, global)?;
    let old = open(arguments)?;
    let (before, inventories) = eye.look(old.clone())?;
    if reading::ending(&before) != Ending::Pass {
        let error = anyhow::anyhow!("`{}` could not be read whole, so no new image is made of it", arguments.reference);
        return Err(Failed::new(reading::ending(&before), error).hint("scan it to see what is missing"));
    }
    let stage = Arc::new(Stage::new().map_err(|error| failed(error, &arguments.target))?);
    let how = How {
        image: &old,
        report: &before.report,
        reading: &arguments.reading,
        epoch,
        packing: packing(&arguments.steps),
    };
    let rebased = harden_rebase::rebased(&arguments.rebasing, &how, &stage)?;
    // The other steps work on what the rebase left.
    let (base, inventories) = match &rebased {
        Some(rebased) => (&rebased.image, eye.look(rebased.image.clone())?.1),
        None => (&old, inventories),
    };
    let choice = &arguments.reading.platform;
    let subject = Subject { image: base, inventories, choice, target: &arguments.target, epoch };
    let updates = harden_updates::updates(&arguments.updating, &before.report, &arguments.reading)?;
    let mut planned = work::plan(subject, &Wishes { updates, ..wishes(&arguments.steps, &before.report) })
        .map_err(|error| failed(error, &arguments.reference))?;
    if let Some(rebased) = &rebased {
        planned.plan.comes_after(rebased.steps.clone(), rebased.notes.clone(), old.digest.as_ref());
    }
    if arguments.plan {
        harden_report::plan(&planned.plan, arguments.format)?;
        return Ok(Ending::Pass);
    }
    if arguments.format == Format::Table {
        harden_report::plan(&planned.plan, arguments.format)?;
    }
    let destination = target.open(arguments, rebased.as_ref().map(|rebased| rebased.base.as_str()))?;
    let seen = destination.look().map_err(|error| failed(error, &arguments.target))?;
    confirm(arguments, &seen)?;
    let run = Run { arguments, global, eye: &eye, target: &target, destination: &destination, seen };
    run.publish(base, &before, planned, &stage)
}

/// What making the new image needs.
struct Run<'a> {
    arguments: &'a HardenArgs,
    global: &'a Global,
    eye: &'a Eye<'a>,
    target: &'a Target,
    destination: &'a Destination,
    /// What was at the destination when the plan was shown.
    seen: Seen,
}

impl Run<'_> {
    /// Makes the new image, looks at it, and puts it where it shall be.
    fn publish(&self, old: &Image, before: &Answer, planned: Planned, stage: &Arc<Stage>) -> Result<Ending, Failed> {
        let Self { arguments, .. } = self;
        let text = arguments.target.as_str();
        let failed = |error| failed(error, text);
        let plan = planned.plan.clone();
        let new = work::make(planned, old, stage, packing(&arguments.steps)).map_err(failed)?;
        let opened = new.open(text, stage).map_err(failed)?;
        let (after, _) = self.eye.look(opened)?;
        let outcome = Outcome::new(plan, &before.report, &after.report, &new);
        harden_report::outcome(&outcome, arguments.format)?;
        if let Some(worse) = outcome.worse(reading::ending(&after)) {
            let error = anyhow::anyhow!("the new image is not published: {worse}");
            let hint = "look at the plan, and leave out the step that does it with --skip";
            return Err(Failed::new(Ending::Refused, error).hint(hint));
        }
        if arguments.verify_runs {
            harden_run::verify(&new, stage, self.global)?;
        }
        self.destination.publish(&new, stage, &self.seen).map_err(failed)?;
        self.target.compare(&new, self.destination, arguments)?;
        write_reports(arguments, after.report)?;
        notice(self.global, &format!("wrote {text}: {}", new.root.digest));
        sign_new(arguments, self.global)?;
        Ok(Ending::Pass)
    }
}

/// Whether what is at the destination may be replaced.
fn confirm(arguments: &HardenArgs, seen: &Seen) -> Result<(), Failed> {
    let what = match seen {
        _ if arguments.yes => return Ok(()),
        Seen::Nothing => return Ok(()),
        Seen::Tag(digest) => format!(" ({digest})"),
        Seen::File(..) => String::new(),
    };
    let target = &arguments.target;
    if !std::io::stdin().is_terminal() {
        let error = anyhow::anyhow!("`{target}` is there already{what}");
        return Err(Failed::new(Ending::Usage, error).hint("add --yes to replace it, or name another destination"));
    }
    let _ = write!(anstream::stderr(), "Replace {}{what}? [y/N] ", crate::report::escape::terminal(target));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failed::new(Ending::Usage, anyhow::anyhow!("`{target}` was left as it is")))
}

/// What the scans before and after have in common.
struct Eye<'a> {
    store: Store,
    catalogue: Option<Catalogue>,
    reading: &'a Reading,
    looking: &'a Looking,
    policy: Policy,
    global: &'a Global,
}

impl<'a> Eye<'a> {
    fn open(reading: &'a Reading, looking: &'a Looking, global: &'a Global) -> Result<Self, Failed> {
        let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
        let store = db::open_store(looking.db.as_deref())?;
        let catalogue = base::open_catalogue(looking.catalogue.as_deref())?;
        Ok(Self { store, catalogue, reading, looking, policy, global })
    }

    fn look(&self, image: Image) -> Result<(Answer, Vec<Inventory>), Failed> {
        let collect = CollectOptions { secrets: true, ..CollectOptions::default() };
        let cache = reading::cache(self.reading, collect, self.global);
        let suppressions = suppressing::load(&self.looking.suppressing, &self.policy.waivers)?;
        let vex = vex::load(&self.looking.vex)?;
        let images = vec![image];
        let bar = reading::announce(&images, self.global);
        let request = Request {
            images,
            read: reading::options(self.reading, collect),
            cache: &cache,
            stage: ScanStage::Everything(&self.store),
            catalogue: self.catalogue.as_ref(),
            judging: Judging {
                policy: &self.policy,
                signatures: &Signatures::default(),
                suppressions: &suppressions,
                verifier: None,
                shows_secrets: false,
                vex: &vex,
                judged: false,
                evaluated_at: today(self.reading.as_of),
            },
            progress: bar.clone(),
        };
        let answers = scan::run_with_inventories(request).map_err(base::refused)?;
        bar.finish();
        answers.into_iter().next().ok_or_else(super::internal_error)
    }
}

/// The old image with all its platforms: those that are not chosen are copied.
fn open(arguments: &HardenArgs) -> Result<Image, Failed> {
    let text = &arguments.reference;
    let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
    if matches!(reference, Reference::Directory(_) | Reference::Sbom(_) | Reference::StandardInput) {
        let error = anyhow::anyhow!("`{text}` is no image that can be written again");
        return Err(
            Failed::new(Ending::Usage, error).hint("name an image in a registry, a layout, an archive or an engine")
        );
    }
    let single = matches!(arguments.target.parse(), Ok(Reference::DockerArchive(..)));
    // An archive of Docker's has one platform, so that the others need not be read.
    let choice = if single { &arguments.reading.platform } else { &PlatformChoice::All };
    let how = Reading {
        platform: choice.clone(),
        network: arguments.reading.network.clone(),
        offline: arguments.reading.offline,
        ..Reading::default()
    };
    let opened = Opener::new(&how, false).open(text, &reference);
    opened.map_err(|error| {
        let is_remote = matches!(reference, Reference::Registry { .. });
        sources::failed(error, is_remote, |error| error.context(format!("`{text}` could not be opened")))
    })
}

/// Where the new image goes.
struct Target {
    text: String,
    reference: Reference,
}

impl Target {
    fn parse(text: &str) -> Result<Self, Failed> {
        let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
        let can_be_written = matches!(
            reference,
            Reference::Layout(..)
                | Reference::OciArchive(..)
                | Reference::DockerArchive(..)
                | Reference::Registry { .. }
        );
        if can_be_written {
            return Ok(Self { text: text.to_owned(), reference });
        }
        let error = anyhow::anyhow!("an image cannot be written to `{text}`");
        Err(Failed::new(Ending::Usage, error)
            .hint("name a tag of a registry, oci:DIR, oci-archive:FILE or docker-archive:FILE"))
    }

    /// Opens the destination; `base` is the one that the image was put on.
    fn open(&self, arguments: &HardenArgs, base: Option<&str>) -> Result<Destination, Failed> {
        let named = |choice: &Choice| match choice {
            Choice::Only => Ok(None),
            Choice::Name(name) => Ok(Some(name.clone())),
            Choice::Digest(_) => {
                let error = anyhow::anyhow!("`{}` names a digest, and the new image gets its own", self.text);
                Err(Failed::new(Ending::Usage, error).hint("name a tag"))
            }
        };
        Ok(match &self.reference {
            Reference::OciArchive(path, choice) => {
                let tag = named(choice)?.unwrap_or_else(|| LATEST.to_owned());
                Destination::OciArchive { path: path.clone(), tag }
            }
            Reference::DockerArchive(path, choice) => {
                Destination::DockerArchive { path: path.clone(), name: named(choice)? }
            }
            Reference::Registry { .. } if arguments.reading.offline => {
                return Err(failed(HardenError::Source(SourceError::Offline(self.text.clone())), &self.text));
            }
            _ => {
                let sources: Vec<&str> = std::iter::once(arguments.reference.as_str()).chain(base).collect();
                let (repository, tag) = sources::destination(&self.text, &sources, &arguments.reading.network)?;
                Destination::Repository { repository, tag }
            }
        })
    }

    /// Reads the destination again and compares it with what was to be written.
    fn compare(&self, new: &NewImage, destination: &Destination, arguments: &HardenArgs) -> Result<(), Failed> {
        let text = &self.text;
        let read = |error: SourceError| failed(error.into(), text);
        let is_same = match destination {
            Destination::Repository { repository, tag } => {
                let stored = repository.manifest(At::Tag(tag)).map_err(read)?;
                stored.is_some_and(|stored| stored.digest == new.root.digest)
            }
            Destination::OciArchive { .. } | Destination::DockerArchive { .. } => {
                let how = Reading { network: arguments.reading.network.clone(), ..Reading::default() };
                let there = Opener::new(&how, false).open(text, &self.reference).map_err(read)?;
                let configs = there.manifests.iter().map(|manifest| manifest.documents.config.as_ref());
                configs.eq(new.platforms.iter().map(|platform| Some(&platform.config.bytes)))
            }
        };
        if is_same { Ok(()) } else { Err(differs(text)) }
    }
}

fn differs(text: &str) -> Failed {
    let error = anyhow::anyhow!("`{text}` is not what was written to it");
    Failed::new(Ending::Incomplete, error)
        .hint("somebody else wrote there at the same time; look at it, and run this again")
}

/// What the user wants; secrets that somebody answers for are left where they are.
fn wishes(steps: &Steps, report: &Report) -> Wishes {
    let accepted =
        report.findings.iter().filter(|finding| finding.kind == "secret" && finding.disposition.state != "open");
    let accepted = accepted.flat_map(|finding| &finding.locations);
    let accepted: BTreeSet<String> =
        accepted.filter_map(|location| location.path.clone().or_else(|| location.config.clone())).collect();
    Wishes {
        skip: steps.skip.iter().cloned().collect(),
        user: steps.user.as_ref().map(|(name, _)| name.clone()),
        uid: steps.user.as_ref().and_then(|(_, uid)| *uid),
        keep_privileged: set(&steps.keep_privileged),
        remove: steps.remove.iter().map(|remove| remove.removal()).collect(),
        remove_paths: set(&steps.remove_path),
        accepted,
        labels: steps.label.iter().cloned().collect(),
        annotations: steps.annotation.iter().cloned().collect(),
        stop_signal: steps.stop_signal.clone(),
        healthcheck: steps.healthcheck.clone(),
        updates: None,
        squash: steps.squash,
    }
}

fn set(globs: &[globset::Glob]) -> globset::GlobSet {
    let mut set = globset::GlobSetBuilder::new();
    for glob in globs {
        set.add(glob.clone());
    }
    // Each glob was compiled when the arguments were read.
    set.build().unwrap_or_default()
}

fn packing(steps: &Steps) -> Option<Packing> {
    steps.compression.map(|compression| {
        Packing::usual(match compression {
            Compress::Gzip => Compression::Gzip,
            Compress::Zstd => Compression::Zstd,
        })
    })
}

fn write_reports(arguments: &HardenArgs, report: Report) -> Result<(), Failed> {
    let reports = Reports::of([report]);
    let options = RenderOptions { created: output::created()?, ..RenderOptions::default() };
    for (format, file) in &arguments.also {
        output::write_file(&|out| format.render(&reports, &options, out), file)?;
    }
    Ok(())
}

fn sign_new(arguments: &HardenArgs, global: &Global) -> Result<(), Failed> {
    let (signing, target) = (&arguments.signing, arguments.target.as_str());
    let Some(key) = &signing.sign_key else { return Ok(()) };
    let place = Place {
        reference: target.to_owned(),
        offline: arguments.reading.offline,
        network: arguments.reading.network.clone(),
    };
    let vouching =
        Vouching { signing_config: None, fulcio_url: None, rekor_url: None, rekor_version: 1, tsa_url: None };
    let signing = Signing {
        key: Some(key.clone()),
        keyless: false,
        identity_token: None,
        recursive: signing.sign_recursive,
        legacy: false,
        vouching,
        root: RootArgs { trusted_root: None, tuf_mirror: None, tuf_root: None },
    };
    let annotations = std::collections::BTreeMap::new();
    sign::each(&place, &signing, signing.recursive, global, "signed", &|maker, subject, tell| {
        tell("", maker.sign(subject, &annotations))
    })
}

/// Why it was not done, as it counts.
pub(super) fn failed(error: HardenError, what: &str) -> Failed {
    let context = |error: anyhow::Error| error.context(format!("`{what}` could not be hardened"));
    match error {
        HardenError::Source(error) => sources::failed(error, !what.starts_with("oci"), context),
        HardenError::Layer(error) => {
            let ending = if error.is_mismatch() { Ending::Mismatch } else { Ending::Incomplete };
            Failed::new(ending, context(error.into()))
        }
        error @ HardenError::Moved => Failed::new(Ending::Incomplete, error)
            .hint("nothing was replaced; look at the destination, and run this again"),
        error @ HardenError::Refused { .. } => Failed::new(Ending::Refused, context(error.into()))
            .hint("nothing was made; build the image again on the new base"),
        error @ HardenError::Unfit { .. } => Failed::new(Ending::Usage, context(error.into())),
        error => Failed::new(Ending::Incomplete, context(error.into())),
    }
}
