//! `db export` and `db import` of its file: a store for a closed network, with policies, a trusted root and a base catalogue, signed as one.

use std::path::{Path, PathBuf};

use super::args::{Global, Network};
use super::db_args::{ExportArgs, ImportArgs};
use super::exit::Ending;
use super::roots::Reach;
use super::sources::read_file;
use super::{Failed, created, fetch, keys, notice, output, places, today, update};
use crate::advisory::store::Store;
use crate::artifact::{
    ArtifactError, Extra, ExtraKind, Freshness, Origin, Payload as _, Place, Publication, Published, bring, consult,
    is_plain, publish,
};
use crate::base::Catalogue;
use crate::policy::Policy;
use crate::report::bytes;
use crate::source::archive::{empty_layout, pack_layout, unpack_layout};
use crate::source::layout::LayoutRepository;
use crate::source::repository::{At, Repository as _};

/// The name of the artifact in the file.
const TAG: &str = "latest";

/// `db export`.
pub(super) fn export(arguments: &ExportArgs, global: &Global) -> Result<Ending, Failed> {
    let context = |error: anyhow::Error| error.context(format!("`{}` was not written", arguments.file.display()));
    let artifact = |error: ArtifactError| fetch::failed(error, context);
    let store = super::db::open_store(arguments.db.as_deref())?;
    let extras = extras(arguments)?;
    let key = keys::open_private(&arguments.key)?;
    let created = created()?;
    let folder = tempfile::tempdir().map_err(|error| Failed::new(Ending::Incomplete, context(error.into())))?;
    empty_layout(folder.path()).map_err(|error| artifact(error.into()))?;
    let layout = LayoutRepository::open(folder.path()).map_err(|error| artifact(error.into()))?;
    let author = keys::author(&key)?;
    let publication = Publication {
        payload: &store,
        author: &author,
        created: &created,
        extras: &extras,
        for_own_use: true,
        accept_fewer: false,
    };
    publish(&layout, TAG, &publication).map_err(artifact)?;
    output::write_file(&|out| pack_layout(folder.path(), out), &arguments.file)?;
    let advisories = store.provenance().advisories;
    notice(
        global,
        &format!("{}: {advisories} advisories, {} files beside them", arguments.file.display(), extras.len()),
    );
    if !store.provenance().is_redistributable() {
        notice(global, "  it is for yourself: the terms of some of its sources do not allow to hand it on");
    }
    Ok(Ending::Pass)
}

/// The files that go along, each checked to be what it is said to be.
fn extras(arguments: &ExportArgs) -> Result<Vec<Extra>, Failed> {
    let policies = arguments.policy.iter().map(|path| (ExtraKind::Policy, path, "policy"));
    let root = arguments.trusted_root.iter().map(|path| (ExtraKind::TrustedRoot, path, "trusted root"));
    let catalogue = arguments.catalogue.iter().map(|path| (ExtraKind::Catalogue, path, "base catalogue"));
    let mut extras: Vec<Extra> = Vec::new();
    for (kind, path, what) in policies.chain(root).chain(catalogue) {
        let unusable = |error: anyhow::Error| {
            Failed::new(Ending::Usage, error.context(format!("the {what} `{}` cannot go along", path.display())))
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_plain(&name) || extras.iter().any(|known| known.kind == kind && known.name == name) {
            let error = anyhow::anyhow!("its name is taken, or has other than letters, digits, `-`, `_` and `.`");
            return Err(unusable(error).hint("rename it"));
        }
        let bytes = read_file(path, kind.limit(), what)?;
        check(kind, &bytes).map_err(unusable)?;
        extras.push(Extra { kind, name, bytes });
    }
    Ok(extras)
}

fn check(kind: ExtraKind, bytes: &[u8]) -> anyhow::Result<()> {
    let text = || std::str::from_utf8(bytes);
    match kind {
        ExtraKind::Policy => drop(Policy::parse(text()?)?),
        ExtraKind::Catalogue => Catalogue::from_memory(bytes.to_vec())?.verify()?,
        ExtraKind::TrustedRoot => {
            let text = text()?;
            drop(crate::sign::Engine::new(crate::sign::Trust::default(), Some(text)).map_err(anyhow::Error::msg)?);
        }
    }
    Ok(())
}

/// Whether a file is what `db export` wrote: an archive whose first file is the mark of a layout. No feed begins so.
pub(super) fn is_exported(path: &Path) -> bool {
    use std::io::Read as _;
    let mut head = [0; 11];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"oci-layout\0"
}

/// `db import` of what `db export` wrote.
pub(super) fn import(arguments: &ImportArgs, file: &Path, global: &Global) -> Result<Ending, Failed> {
    let context = |error: anyhow::Error| error.context(format!("nothing of `{}` is used", file.display()));
    let artifact = |error: ArtifactError| fetch::failed(error, context);
    // A file from elsewhere is for machines without a network.
    let (offline, network) = (true, &Network::default());
    let engine = fetch::trusted(&arguments.trust, arguments.allow_unsigned, Reach { offline, network })?;
    let folder = tempfile::tempdir().map_err(|error| Failed::new(Ending::Incomplete, context(error.into())))?;
    unpack_layout(file, folder.path()).map_err(|error| artifact(error.into()))?;
    let layout = LayoutRepository::open(folder.path()).map_err(|error| artifact(error.into()))?;
    let (published, signer) = consult::<Store>(&layout, At::Tag(TAG), engine.as_ref()).map_err(artifact)?;
    let output = match arguments.output.clone().or_else(places::store) {
        Some(output) => output,
        None => return Err(update::no_place("the store", "--output")),
    };
    update::make_own_folder(&output)?;
    let freshness =
        Freshness { today: today(arguments.as_of), max_age: arguments.max_age, accept_fewer: arguments.accept_fewer };
    freshness.judge(&published, Origin::beside(&output).as_ref()).map_err(artifact)?;
    let extras = read_extras(&layout, &published).map_err(artifact)?;
    let reference = file.display().to_string();
    let place = Place { output: &output, reference: &reference, signer, progress: &|_| {} };
    bring::<Store>(&layout, &published, freshness, &place).map_err(artifact)?;
    let store = Store::open(&output).map_err(super::db::refused)?;
    let advisories = store.provenance().advisories;
    let length = bytes(store.as_bytes().len() as u64);
    notice(global, &format!("{}: {advisories} advisories, {length}, published {}", output.display(), published.date()));
    for extra in extras {
        let path = put(&extra, &output).map_err(|error| Failed::new(Ending::Incomplete, context(error.into())))?;
        notice(global, &format!("  {}", path.display()));
    }
    if published.unknown > 0 {
        notice(global, &format!("  {} parts are of a newer release and were passed over", published.unknown));
    }
    Ok(Ending::Pass)
}

/// The files that came along; a policy that cannot be read, or is no policy, stops everything.
fn read_extras(layout: &LayoutRepository, published: &Published) -> Result<Vec<Extra>, ArtifactError> {
    let read = |(kind, name, descriptor): &(ExtraKind, String, crate::source::Descriptor)| {
        if descriptor.size > kind.limit() {
            let (what, limit) = (format!("`{name}`"), kind.limit());
            return Err(crate::source::SourceError::TooLarge { what, limit }.into());
        }
        let bytes = layout.blob(descriptor)?;
        let malformed = |error: anyhow::Error| crate::source::SourceError::Malformed {
            what: format!("`{name}`"),
            detail: error.to_string(),
        };
        check(*kind, &bytes).map_err(malformed)?;
        Ok(Extra { kind: *kind, name: name.clone(), bytes })
    };
    published.extras.iter().map(read).collect()
}

/// Writes a file that came along beside the store: policies into a folder of their own.
fn put(extra: &Extra, store: &Path) -> std::io::Result<PathBuf> {
    use std::io::Write as _;
    let beside = store.parent().unwrap_or(Path::new("."));
    let folder = match extra.kind {
        ExtraKind::Policy => beside.join("policies"),
        ExtraKind::TrustedRoot | ExtraKind::Catalogue => beside.to_owned(),
    };
    std::fs::create_dir_all(&folder)?;
    // What lies beside the store has one name, so that it never takes the store's place.
    let name = match extra.kind {
        ExtraKind::Policy => &extra.name,
        ExtraKind::TrustedRoot => "trusted_root.json",
        ExtraKind::Catalogue => Catalogue::KIND.title,
    };
    let path = folder.join(name);
    crate::advisory::store::replace_file(&path, |file| file.write_all(&extra.bytes))?;
    Ok(path)
}
