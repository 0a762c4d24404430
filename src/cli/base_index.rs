//! `base index`: base images into the catalogue.

use std::io::Write as _;

use jiff::civil::Date;

use super::args::{Global, Reading};
use super::base_args::IndexArgs;
use super::exit::Ending;
use super::sources::{self, Opener};
use super::{Failed, base, notice, reading, today};
use crate::base::Catalogue;
use crate::base::catalogue::Draft;
use crate::base::name::{is_official, repository_of};
use crate::digest::Digest;
use crate::reference::{ImageName, Reference};
use crate::report::escape::terminal;
use crate::scan::{self, BaseToRead, CollectOptions};
use crate::sign::discover::is_signed;
use crate::source::registry::Registry;
use crate::source::repository::{At, Repository};
use crate::source::{Image, SourceError};

/// Most tags of a repository that are looked at: a request each, so some minutes.
const MAX_TAGS: usize = 5000;

/// Images that are read at a time: their packages are in memory until they are in the catalogue.
const AT_A_TIME: usize = 8;

/// A tag to be indexed.
struct Wanted {
    /// The repository's name in the catalogue.
    repository: String,
    tag: String,
    /// What it points to.
    root: Digest,
    signed: Option<bool>,
    image: Option<Image>,
}

/// `base index`.
pub(super) fn index(arguments: &IndexArgs, global: &Global) -> Result<Ending, Failed> {
    let output = base::output(arguments.output.as_ref())?;
    let how = reading_of(arguments);
    let known = if output.is_file() { Some(Catalogue::open(&output).map_err(base::unusable)?) } else { None };
    let draft = known.as_ref().map(Draft::of).transpose().map_err(base::unusable)?.unwrap_or_default();
    let mut indexing = Indexing {
        draft,
        official: arguments.official,
        day: today(arguments.as_of),
        opener: Opener::new(&how, false),
        how: &how,
        global,
        pending: Vec::new(),
        worst: Ending::Pass,
    };
    for text in &arguments.references {
        indexing.reference(text, arguments)?;
    }
    indexing.flush();
    let worst = indexing.worst;
    let catalogue = indexing.draft.write(&output).map_err(|error| match error {
        crate::base::CatalogueError::Write { .. } => Failed::new(Ending::Incomplete, error),
        error => base::unusable(error),
    })?;
    let line = format!("{}: {}", output.display(), base::describe(&catalogue));
    writeln!(anstream::stdout(), "{}", terminal(&line)).map_err(|error| Failed::new(Ending::Incomplete, error))?;
    Ok(worst)
}

/// Diff IDs are compared with the layers here, so that they prove something later.
fn reading_of(arguments: &IndexArgs) -> Reading {
    let (cache, as_of, network) = (arguments.cache.clone(), arguments.as_of, arguments.network.clone());
    Reading { cache, as_of, network, verify_diff_ids: true, ..Reading::default() }
}

/// A run of `base index`.
struct Indexing<'a> {
    draft: Draft,
    official: bool,
    day: Date,
    opener: Opener<'a>,
    how: &'a Reading,
    global: &'a Global,
    /// Opened, to be read together.
    pending: Vec<Wanted>,
    worst: Ending,
}

impl Indexing<'_> {
    fn reference(&mut self, text: &str, arguments: &IndexArgs) -> Result<(), Failed> {
        let usage = |error: anyhow::Error| Failed::new(Ending::Usage, error);
        let reference = text.parse::<Reference>().map_err(|error| usage(error.into()))?;
        let name =
            arguments.name.as_deref().map(str::parse::<ImageName>).transpose().map_err(|error| usage(error.into()))?;
        if name.is_some() && arguments.references.len() > 1 {
            return Err(
                usage(anyhow::anyhow!("--as names one image, and several are given")).hint("index them one by one")
            );
        }
        match (reference, name) {
            (Reference::Registry { name, .. }, known) => self.registry(&name, known.as_ref(), arguments.all_tags),
            (reference @ Reference::Layout(..), Some(known)) => self.layout(text, &reference, &known),
            (Reference::Layout(..), None) => {
                let error = anyhow::anyhow!("`{text}` is a folder, and build files name bases by their repository");
                Err(usage(error).hint("say which name it has with --as, such as --as registry.example/base:7"))
            }
            _ => {
                let error = anyhow::anyhow!("`{text}` is neither in a registry nor in an OCI layout");
                Err(usage(error).hint("name it as debian:12, registry.example/base:7, or oci:DIR --as NAME:TAG"))
            }
        }
    }

    fn registry(&mut self, name: &ImageName, known: Option<&ImageName>, all_tags: bool) -> Result<(), Failed> {
        let text = name.to_string();
        let failed = |error| sources::failed(error, true, |error| error.context(format!("`{text}` could not be read")));
        let registry = sources::start(&self.how.network).map_err(failed)?;
        let tags = if all_tags { self.tags(&registry, name).map_err(failed)? } else { vec![tag_of(name)] };
        let repository = registry.readable_repository(name).map_err(failed)?;
        let catalogued = repository_of(known.unwrap_or(name));
        self.declare(&catalogued);
        for tag in tags {
            let called = known.map_or_else(|| tag.clone(), tag_of);
            let asked = match &name.digest {
                Some(digest) if !all_tags => At::Digest(digest),
                _ => At::Tag(&tag),
            };
            if let Err(error) = self.tag(&repository, name, asked, &catalogued, called) {
                self.told(sources::failed(error, true, |error| {
                    error.context(format!("`{text}`, tag `{tag}`, was left out"))
                }));
            }
        }
        self.flush();
        Ok(())
    }

    /// The tags of a repository, without those under which signatures hang.
    fn tags(&mut self, registry: &Registry, name: &ImageName) -> Result<Vec<String>, SourceError> {
        let all = registry.readable_repository(name)?.tags()?;
        let mut tags: Vec<String> = all.into_iter().filter(|tag| !tag.starts_with("sha256-")).collect();
        if tags.len() > MAX_TAGS {
            let error =
                anyhow::anyhow!("`{name}` has {} tags; those after the first {MAX_TAGS} are left out", tags.len());
            self.told(Failed::new(Ending::Incomplete, error));
            tags.truncate(MAX_TAGS);
        }
        Ok(tags)
    }

    /// Official is what the user says, and what Docker says; being named again without the flag takes nothing away.
    fn declare(&mut self, repository: &str) {
        if self.official || is_official(repository) {
            self.draft.declare(repository, true);
        }
    }

    fn tag(
        &mut self,
        repository: &dyn Repository,
        name: &ImageName,
        at: At<'_>,
        catalogued: &str,
        tag: String,
    ) -> Result<(), SourceError> {
        let missing = || SourceError::NotFound { what: format!("`{}`", at.as_str()), place: repository.name() };
        let root = repository.manifest(at)?.ok_or_else(missing)?.digest;
        let signed = is_signed(repository, &root).ok();
        let image = if self.draft.knows(catalogued, &root) || self.is_pending(catalogued, &root) {
            None
        } else {
            let name = ImageName { tag: None, digest: Some(root.clone()), ..name.clone() };
            Some(self.opener.open(&name.to_string(), &Reference::Registry { name: name.clone(), bare: false })?)
        };
        self.pending.push(Wanted { repository: catalogued.to_owned(), tag, root, signed, image });
        if self.pending.iter().filter(|wanted| wanted.image.is_some()).count() >= AT_A_TIME {
            self.flush();
        }
        Ok(())
    }

    fn layout(&mut self, text: &str, reference: &Reference, known: &ImageName) -> Result<(), Failed> {
        let failed =
            |error| sources::failed(error, false, |error| error.context(format!("`{text}` could not be read")));
        let image = self.opener.open(text, reference).map_err(failed)?;
        let repository = repository_of(known);
        self.declare(&repository);
        let Some(root) = image.digest.clone() else { return Ok(()) };
        let image = Some(image).filter(|_| !self.draft.knows(&repository, &root));
        self.pending.push(Wanted { repository, tag: tag_of(known), root, signed: None, image });
        Ok(())
    }

    fn is_pending(&self, repository: &str, root: &Digest) -> bool {
        self.pending.iter().any(|wanted| wanted.repository == repository && wanted.root == *root)
    }

    /// Reads what was opened, and notes what the tags point to.
    fn flush(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        let images: Vec<BaseToRead> = pending
            .iter_mut()
            .filter_map(|wanted| {
                let (repository, signed) = (wanted.repository.clone(), wanted.signed);
                Some(BaseToRead { repository, signed, image: wanted.image.take()? })
            })
            .collect();
        if !images.is_empty() {
            let collect = CollectOptions::default();
            let cache = reading::cache(self.how, collect, self.global);
            let opened: Vec<Image> = images.iter().map(|base| base.image.clone()).collect();
            let bar = reading::announce(&opened, self.global);
            let left_out =
                scan::index(images, reading::options(self.how, collect), &cache, bar.clone(), &mut self.draft);
            bar.finish();
            for reason in left_out {
                self.told(Failed::new(Ending::Incomplete, anyhow::anyhow!("{reason}")));
            }
        }
        for wanted in pending {
            if self.draft.knows(&wanted.repository, &wanted.root) {
                self.draft.signed(&wanted.repository, &wanted.root, wanted.signed);
                self.draft.saw(&wanted.repository, &wanted.tag, &wanted.root, self.day);
                notice(self.global, &format!("  {}:{} is {}", wanted.repository, wanted.tag, wanted.root));
            }
        }
    }

    /// What is left out is told, and the rest is still read.
    fn told(&mut self, failed: Failed) {
        super::complain(&failed);
        self.worst = self.worst.max(failed.ending);
    }
}

fn tag_of(name: &ImageName) -> String {
    name.tag.clone().unwrap_or_else(|| "latest".to_owned())
}
