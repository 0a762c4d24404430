//! What `lint` asks images for: their digests, and what they say of how they are run.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Global, Network, Reading};
use super::exit::Ending;
use super::lint_args::LintArgs;
use super::lint_files::{Found, Overlay};
use super::sources::{self, Opener};
use super::{Failed, notice};
use crate::dockerfile::Dockerfile;
use crate::reference::Reference;
use crate::source::Manifest;
use crate::workload::{OfImage, Workload};

/// Most images that are asked for their digests; more are a list of somebody else's.
const MAX_PINNED: usize = 500;

/// The digests of the images that files name by a tag alone. One that cannot be had is told, and stays as it is.
pub(super) fn digests<'f>(
    found: impl Iterator<Item = &'f Found>,
    network: &Network,
    global: &Global,
) -> Result<BTreeMap<String, String>, Failed> {
    let names: BTreeSet<String> = found.flat_map(images).filter(|name| has_tag_alone(name)).collect();
    if names.len() > MAX_PINNED {
        let error =
            anyhow::anyhow!("the files name {} images, and digests are asked for {MAX_PINNED} at most", names.len());
        return Err(Failed::new(Ending::Usage, error).hint("name fewer files"));
    }
    let mut digests = BTreeMap::new();
    for name in names {
        match digest(&name, network) {
            Ok(digest) => drop(digests.insert(name, digest)),
            Err(error) => notice(global, &format!("`{name}` stays without a digest: {error:#}")),
        }
    }
    Ok(digests)
}

fn digest(name: &str, network: &Network) -> Result<String, anyhow::Error> {
    let opened = sources::repository(name, false, network, false).map_err(|failed| failed.error)?;
    let stored = opened.repository.manifest(opened.root())?;
    let stored = stored.ok_or_else(|| anyhow::anyhow!("the registry has no such image"))?;
    Ok(stored.digest.to_string())
}

/// The images that are pulled.
fn images(found: &Found) -> Vec<String> {
    let dockerfiles = found.dockerfiles.iter().filter_map(|(_, bytes)| Dockerfile::parse(bytes.as_ref().ok()?).ok());
    let bases = dockerfiles.flat_map(|file| {
        file.stages.iter().filter_map(|stage| stage.base.image().map(str::to_owned)).collect::<Vec<_>>()
    });
    let workloads = found.projects.iter().filter_map(|project| project.load(&Overlay::new()).ok());
    let started = workloads.flat_map(|workload| {
        let pulled = workload.containers.into_iter().filter(|container| container.build.is_none());
        pulled.filter_map(|container| container.image?.value).collect::<Vec<_>>()
    });
    bases.chain(started).collect()
}

/// A name of a registry's image with a tag and no digest.
fn has_tag_alone(name: &str) -> bool {
    match name.parse::<Reference>() {
        Ok(Reference::Registry { name, .. }) => name.tag.is_some() && name.digest.is_none(),
        _ => false,
    }
}

/// What named images say.
pub(super) fn said(arguments: &LintArgs) -> Result<BTreeMap<String, OfImage>, Failed> {
    let reading = Reading { offline: arguments.offline, network: arguments.network.clone(), ..Reading::default() };
    let opener = Opener::new(&reading, true);
    let mut said = BTreeMap::new();
    for (name, text) in &arguments.image {
        let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
        let is_remote = matches!(reference, Reference::Registry { .. });
        let failed =
            |error| sources::failed(error, is_remote, |error| error.context(format!("`{text}` could not be opened")));
        let image = opener.open(text, &reference).map_err(failed)?;
        if !image.has_config() {
            let error = anyhow::anyhow!("`{text}` does not say how it is run");
            return Err(Failed::new(Ending::Usage, error).hint("name an image, and no folder or bill of materials"));
        }
        said.insert(name.clone(), of(&image.manifests));
    }
    Ok(said)
}

/// What holds on every platform: root where any is started as root, a health check where all have one.
fn of(manifests: &[Manifest]) -> OfImage {
    let users = || manifests.iter().map(|manifest| manifest.config.config.user.as_str());
    let root = users().find(|user| user.is_empty() || crate::lint::is_root(user));
    let has_check = |manifest: &Manifest| {
        let test = manifest.config.config.healthcheck.as_ref().and_then(|check| check.test.first());
        test.is_some_and(|word| word != "NONE")
    };
    OfImage {
        user: root.or_else(|| users().next()).unwrap_or_default().to_owned(),
        has_health: !manifests.is_empty() && manifests.iter().all(has_check),
    }
}

/// Tells containers what their images say: by the name of the service or container, or of the image.
pub(super) fn tell(workload: &mut Workload, said: &BTreeMap<String, OfImage>) {
    for container in &mut workload.containers {
        let image = container.image.as_ref().and_then(|setting| setting.value.as_deref());
        let short = container.name.rsplit('/').next();
        let names = [Some(container.name.as_str()), short, image];
        container.of_image = names.into_iter().flatten().find_map(|name| said.get(name)).cloned();
    }
}
