//! `harden`: an image to a plan, the plan to a new image, which is scanned before its tag moves.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::args::{Global, Looking, Network, Reading};
use super::exit::Ending;
use super::harden_args::{Compress, HardenArgs, HardenSigning, Steps};
use super::sign_args::{Format, Place, RootArgs, Signing, Vouching};
use super::sources::{self, Opener};
use super::{
    Failed, base, db, harden_report, harden_updates, notice, output, reading, rules, sign, suppressing, today, vex,
};
use crate::advisory::Store;
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
use crate::source::layout::LayoutRepository;
use crate::source::repository::{At, Repository as _};
use crate::source::{Image, PlatformChoice, SourceError};

/// The tag where none is named.
const LATEST: &str = "latest";

/// `harden`.
pub(super) fn harden(arguments: &HardenArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let epoch = output::created()?.and_then(|time| u64::try_from(time.as_second()).ok());
    let place = Target::open(arguments)?;
    let seen = place.destination.current().map_err(|error| failed(error, &arguments.target))?;
    let eye = Eye::open(&arguments.reading, &arguments.looking, global)?;
    let old = open(arguments)?;
    let (before, inventories) = eye.look(old.clone())?;
    if reading::ending(&before) != Ending::Pass {
        let error = anyhow::anyhow!("`{}` could not be read whole, so no new image is made of it", arguments.reference);
        return Err(Failed::new(reading::ending(&before), error).hint("scan it to see what is missing"));
    }
    let choice = &arguments.reading.platform;
    let subject = Subject { image: &old, inventories, choice, target: &arguments.target, epoch };
    let updates = harden_updates::updates(&arguments.updating, &before.report, &arguments.reading)?;
    let planned = work::plan(subject, &Wishes { updates, ..wishes(&arguments.steps, &before.report) })
        .map_err(|error| failed(error, &arguments.reference))?;
    if arguments.plan {
        harden_report::plan(&planned.plan, arguments.format)?;
        return Ok(Ending::Pass);
    }
    if arguments.format == Format::Table {
        harden_report::plan(&planned.plan, arguments.format)?;
    }
    confirm(arguments, &seen)?;
    publish(arguments, global, &place, &seen, &eye, &old, &before, planned)
}

/// Makes the new image, looks at it, and puts it where it shall be.
#[expect(clippy::too_many_arguments, reason = "each is one thing of the run, and it has one caller")]
fn publish(
    arguments: &HardenArgs,
    global: &Global,
    place: &Target,
    seen: &Seen,
    eye: &Eye<'_>,
    old: &Image,
    before: &Answer,
    planned: Planned,
) -> Result<Ending, Failed> {
    let target = arguments.target.as_str();
    let failed = |error| failed(error, target);
    let stage = Arc::new(Stage::new().map_err(failed)?);
    let plan = planned.plan.clone();
    let new = work::make(planned, old, &stage, packing(&arguments.steps)).map_err(failed)?;
    let opened = new.open(target, &stage).map_err(failed)?;
    let (after, _) = eye.look(opened)?;
    let outcome = harden_report::Outcome::new(plan, &before.report, &after.report, &new);
    harden_report::outcome(&outcome, arguments.format)?;
    if let Some(worse) = outcome.worse(reading::ending(&after)) {
        let error = anyhow::anyhow!("the new image is not published: {worse}");
        return Err(Failed::new(Ending::Refused, error)
            .hint("look at the plan, and leave out the step that does it with --skip"));
    }
    place.destination.publish(&new, &stage, seen).map_err(failed)?;
    place.compare(&new, target, arguments)?;
    write_reports(arguments, after.report)?;
    notice(global, &format!("wrote {target}: {}", new.root.digest));
    sign_new(&arguments.signing, target, arguments, global)?;
    Ok(Ending::Pass)
}

/// Whether what is at the destination may be replaced.
fn confirm(arguments: &HardenArgs, seen: &Seen) -> Result<(), Failed> {
    let Some(digest) = seen.as_ref().filter(|_| !arguments.yes) else { return Ok(()) };
    let target = &arguments.target;
    if !std::io::stdin().is_terminal() {
        let error = anyhow::anyhow!("`{target}` is there already ({digest})");
        return Err(Failed::new(Ending::Usage, error).hint("add --yes to replace it, or name another destination"));
    }
    let _ = write!(anstream::stderr(), "Replace {} ({digest})? [y/N] ", crate::report::escape::terminal(target));
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
    reading: &'a Reading,
    looking: &'a Looking,
    policy: Policy,
    global: &'a Global,
}

impl<'a> Eye<'a> {
    fn open(reading: &'a Reading, looking: &'a Looking, global: &'a Global) -> Result<Self, Failed> {
        let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
        Ok(Self { store: db::open_store(looking.db.as_deref())?, reading, looking, policy, global })
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
            catalogue: None,
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
    destination: Destination,
    reference: Reference,
}

impl Target {
    fn open(arguments: &HardenArgs) -> Result<Self, Failed> {
        let text = &arguments.target;
        let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
        let usage = |error: anyhow::Error, hint: &str| Failed::new(Ending::Usage, error).hint(hint);
        let named = |choice: &Choice| match choice {
            Choice::Only => Ok(None),
            Choice::Name(name) => Ok(Some(name.clone())),
            Choice::Digest(_) => {
                Err(usage(anyhow::anyhow!("`{text}` names a digest, which nobody can choose"), "name a tag"))
            }
        };
        let tag = |choice| named(choice).map(|name| name.unwrap_or_else(|| LATEST.to_owned()));
        let destination = match &reference {
            Reference::Layout(path, choice) => Destination::Layout { path: path.clone(), tag: tag(choice)? },
            Reference::OciArchive(path, choice) => Destination::OciArchive { path: path.clone(), tag: tag(choice)? },
            Reference::DockerArchive(path, choice) => {
                Destination::DockerArchive { path: path.clone(), name: named(choice)? }
            }
            Reference::Registry { name, .. } if name.digest.is_none() => {
                let is_offline = arguments.reading.offline;
                let repository = registry(text, name, is_offline, &arguments.reading.network)?;
                let tag = name.tag.clone().unwrap_or_else(|| LATEST.to_owned());
                Destination::Registry { repository, tag }
            }
            _ => {
                let error = anyhow::anyhow!("an image cannot be written to `{text}`");
                return Err(usage(error, "name a tag of a registry, oci:DIR, oci-archive:FILE or docker-archive:FILE"));
            }
        };
        Ok(Self { destination, reference })
    }

    /// Reads the destination again and compares it with what was to be written.
    fn compare(&self, new: &NewImage, text: &str, arguments: &HardenArgs) -> Result<(), Failed> {
        let how = Reading { network: arguments.reading.network.clone(), ..Reading::default() };
        let there = match &self.destination {
            Destination::Layout { path, tag } => LayoutRepository::open(path)
                .and_then(|layout| layout.manifest(At::Tag(tag)))
                .map(|stored| stored.map(|stored| stored.digest)),
            Destination::DockerArchive { .. } => {
                let opened = Opener::new(&how, false).open(text, &self.reference);
                let config =
                    opened.map(|image| image.manifests.first().and_then(|known| known.documents.config.clone()));
                let config = config.map_err(|error| failed(error.into(), text))?;
                let is_same = new.platforms.iter().all(|platform| config.as_ref() == Some(&platform.config.bytes));
                return if is_same { Ok(()) } else { Err(differs(text)) };
            }
            _ => Opener::new(&how, false).open(text, &self.reference).map(|image| image.digest),
        };
        let there = there.map_err(|error| failed(error.into(), text))?;
        if there.as_ref() == Some(&new.root.digest) { Ok(()) } else { Err(differs(text)) }
    }
}

fn differs(text: &str) -> Failed {
    let error = anyhow::anyhow!("`{text}` is not what was written to it");
    Failed::new(Ending::Incomplete, error)
        .hint("somebody else wrote there at the same time; look at it, and run this again")
}

fn registry(
    text: &str,
    name: &crate::reference::ImageName,
    is_offline: bool,
    network: &Network,
) -> Result<crate::source::registry::RegistryRepository, Failed> {
    let failed = |error| failed(HardenError::Source(error), text);
    if is_offline {
        return Err(failed(SourceError::Offline(text.to_owned())));
    }
    let registry = sources::start(network).map_err(failed)?;
    registry.writable_repository(name, None).map_err(failed)
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

fn sign_new(signing: &HardenSigning, target: &str, arguments: &HardenArgs, global: &Global) -> Result<(), Failed> {
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
fn failed(error: HardenError, what: &str) -> Failed {
    let context = |error: anyhow::Error| error.context(format!("`{what}` could not be hardened"));
    match error {
        HardenError::Source(error) => sources::failed(error, !what.starts_with("oci"), context),
        HardenError::Layer(error) => {
            let ending = if error.is_mismatch() { Ending::Mismatch } else { Ending::Incomplete };
            Failed::new(ending, context(error.into()))
        }
        error @ HardenError::Moved { .. } => Failed::new(Ending::Incomplete, error)
            .hint("nothing was replaced; look at the destination, and run this again"),
        error @ HardenError::Unfit { .. } => Failed::new(Ending::Usage, context(error.into())),
        error => Failed::new(Ending::Incomplete, context(error.into())),
    }
}
