//! Feeds, as files and folders ▸ a store.
//!
//! In: paths. Out: a store file and an [`ImportReport`] that says what became of every record. The feed of each document is told by its first
//! bytes. Documents of one record are read in batches and parsed in parallel; longer ones are streams. In memory stay one batch and the
//! compiled records.
//!
//! A record that cannot be read is reported by name. What would make a store that is smaller than it should be and looks whole stops the
//! import, and the older store stays: a feed that is cut, one that has fewer records than it says, or far fewer than before.

mod archive;
mod inputs;
mod sources;

use std::io::{BufRead, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::inputs::Input;
pub(crate) use self::inputs::{ARCHIVE, NEWER};
use self::sources::Sources;
pub use self::sources::refuse_step_back;
use super::error::{AdvisoryError, RecordError};
use super::feed::document::HEAD_BYTES;
use super::feed::{Document, Documents, FEEDS, Feed, Head, Item, Losses, Translated, osv};
use super::store::{Compiler, Provenance, Store, replace_file};
use crate::digest::Digest;

/// Malformed records and files that no feed recognises that are reported by name, per source; the others are only counted.
const MAX_NAMED: usize = 100;

/// Largest document of one record, in bytes. The largest in the data we tested with has 13 MB; Ubuntu's list every build of every release.
const MAX_RECORD_BYTES: u64 = 32 << 20;

/// A batch ends at this many bytes or documents: enough for all cores, small beside the compiled records.
const BATCH_BYTES: usize = 32 << 20;
const BATCH_RECORDS: usize = 4096;

/// What to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Leave out records that must not be handed on (Chainguard's, and content from OSVDB). For stores that are published, like the one in
    /// the program.
    pub redistributable_only: bool,
    /// Import a source also when it has far fewer records than in the store that is replaced, or than it says itself.
    pub accept_fewer: bool,
}

/// What an import did.
#[derive(Debug)]
pub struct ImportReport {
    /// Root digest of the store.
    pub digest: Digest,
    /// Length of the store in bytes.
    pub bytes: u64,
    /// What the store says about itself.
    pub provenance: Provenance,
    /// What each source lost, in the order of `provenance.sources`.
    pub sources: Vec<SourceReport>,
    /// Files and archive entries that are of no feed: how many.
    pub unrecognised: u64,
    /// Their names, at most 100 of them.
    pub unrecognised_names: Vec<String>,
}

/// What one source lost on its way into the store.
#[derive(Debug, Default)]
pub struct SourceReport {
    /// The source's name.
    pub name: String,
    /// Entries that no package version can be judged by.
    pub loss: Loss,
    /// Malformed records by name, at most 100 of them; all are counted in the provenance.
    pub malformed: Vec<Malformed>,
}

/// Affected entries that did not become rows that can be evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Entries without a package or without versions (only git ranges, or nothing).
    pub without_versions: u64,
    /// Entries whose versions have no known order; a package that meets one is reported as undetermined.
    pub unevaluable: u64,
    /// Debug packages.
    pub debug_packages: u64,
    /// Entries of products that no image is matched by: containers, flatpaks, builds with ksplice or for FIPS 140, releases that are not known.
    pub other_products: u64,
}

/// A record that could not be read.
#[derive(Debug)]
pub struct Malformed {
    /// Its id, place or file name.
    pub name: String,
    /// Why.
    pub error: RecordError,
}

/// Imports feeds from `inputs` into the store file `output`, which is replaced as a whole.
///
/// An input is a file or a folder with files at any depth, each of them a document of a feed, plain, compressed, or in an archive. OSV records
/// belong to the source that their zip file or folder is named after (`crates.io/all.zip`); a vendor's feed has its own name.
///
/// # Errors
/// When an input as a whole cannot be read or passes a limit, when a feed is cut or has far fewer records than the store at `output`, when no
/// record was found, or when the store cannot be written.
pub fn import(inputs: &[PathBuf], output: &Path, options: ImportOptions) -> Result<ImportReport, AdvisoryError> {
    let (bytes, report) = compile(inputs, options)?;
    // A store that cannot be opened any more (an older format) has nothing to say.
    if let Some(previous) = Store::open(output).ok().filter(|_| !options.accept_fewer) {
        refuse_step_back(previous.provenance(), &report.provenance)?;
    }
    replace_file(output, |file| file.write_all(&bytes))
        .map_err(|source| AdvisoryError::Write { path: output.to_owned(), source })?;
    Ok(report)
}

/// Like [`import`], into memory and without comparing with an older store. The same inputs give the same bytes, in whatever order they are named.
///
/// # Errors
/// As [`import`], except for writing and comparing.
pub fn compile(inputs: &[PathBuf], options: ImportOptions) -> Result<(Vec<u8>, ImportReport), AdvisoryError> {
    let mut importer = Importer { options, ..Importer::default() };
    for input in inputs::find(inputs)? {
        importer.read(&input)?;
    }
    let Importer { mut compiler, sources, unrecognised, unrecognised_names, .. } = importer;
    if sources.is_empty() {
        return Err(AdvisoryError::NoRecords { path: inputs.first().cloned().unwrap_or_default() });
    }
    let (totals, mut sources) = sources.finish(options.accept_fewer)?;
    compiler.set_sources(totals);
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    let (bytes, provenance) = compiler.finish()?;
    let digest = Store::from_memory(bytes.clone())?.digest().clone();
    let bytes_length = bytes.len() as u64;
    Ok((bytes, ImportReport { digest, bytes: bytes_length, provenance, sources, unrecognised, unrecognised_names }))
}

/// Takes documents.
#[derive(Default)]
struct Importer {
    compiler: Compiler,
    options: ImportOptions,
    sources: Sources,
    batch: Vec<RawRecord>,
    batch_bytes: usize,
    unrecognised: u64,
    unrecognised_names: Vec<String>,
}

/// A document of one record.
struct RawRecord {
    feed: &'static dyn Feed,
    source: u32,
    name: String,
    bytes: Result<Vec<u8>, RecordError>,
}

impl Importer {
    fn read(&mut self, input: &Input) -> Result<(), AdvisoryError> {
        let superseded = input.newer.as_deref().map(archive::file_names).transpose()?.unwrap_or_default();
        let digest = archive::each_document(input, &mut |name, content| {
            let is_old = superseded.contains(name.rsplit('/').next().unwrap_or(name));
            if is_old { Ok(()) } else { self.document(input, name, content) }
        })?;
        self.flush()?;
        self.sources.close_file(input, &digest);
        Ok(())
    }

    fn document(
        &mut self,
        input: &Input,
        name: &str,
        content: Result<&mut dyn BufRead, RecordError>,
    ) -> Result<(), AdvisoryError> {
        let opened = content.and_then(|content| match content.fill_buf() {
            Ok(_) => Ok(content),
            Err(error) => Err(RecordError::Entry(error)),
        });
        let content = match opened {
            Ok(content) => content,
            Err(error) => return self.unreadable(input, name, error),
        };
        let bytes = content.fill_buf().unwrap_or_default();
        let head = Head { bytes: bytes.get(..HEAD_BYTES).unwrap_or(bytes) };
        let broken = || (!input.beside_archives && osv::is_named_like_a_record(name)).then_some(&osv::Osv as &dyn Feed);
        let Some(feed) = FEEDS.iter().copied().find(|feed| feed.recognises(&head)).or_else(broken) else {
            self.unrecognised += 1;
            if self.unrecognised_names.len() < MAX_NAMED {
                self.unrecognised_names.push(name.to_owned());
            }
            return Ok(());
        };
        let source = self.sources.number(feed, &input.label);
        match feed.meta().documents {
            Documents::Records => {
                let mut bytes = Vec::new();
                let read = content.take(MAX_RECORD_BYTES + 1).read_to_end(&mut bytes);
                let bytes = match read {
                    Err(error) => Err(RecordError::Entry(error)),
                    Ok(length) if length as u64 > MAX_RECORD_BYTES => Err(RecordError::TooLarge(MAX_RECORD_BYTES)),
                    Ok(_) => Ok(bytes),
                };
                self.push(RawRecord { feed, source, name: name.to_owned(), bytes })
            }
            Documents::Collections => self.collection(input, feed, source, &mut Document::new(name, content)),
        }
    }

    /// A document that cannot even be begun. It may be a feed that holds many records, so a plain file stops the import.
    fn unreadable(&mut self, input: &Input, name: &str, error: RecordError) -> Result<(), AdvisoryError> {
        if name == input.name {
            let (path, document) = (input.path.clone(), name.to_owned());
            return Err(AdvisoryError::Feed { path, feed: "the file", document, source: error });
        }
        let feed: &dyn Feed = &osv::Osv;
        let source = self.sources.number(feed, &input.label);
        self.push(RawRecord { feed, source, name: name.to_owned(), bytes: Err(error) })
    }

    fn collection(
        &mut self,
        input: &Input,
        feed: &'static dyn Feed,
        source: u32,
        document: &mut Document<'_>,
    ) -> Result<(), AdvisoryError> {
        let name = document.name;
        let mut failed = Ok(());
        let outcome = feed.read(document, &mut |item| {
            if failed.is_ok() {
                failed = self.take(source, item);
            }
        });
        failed?;
        outcome.map_err(|error| AdvisoryError::Feed {
            path: input.path.clone(),
            feed: feed.meta().name,
            document: name.to_owned(),
            source: error,
        })
    }

    fn push(&mut self, record: RawRecord) -> Result<(), AdvisoryError> {
        self.batch_bytes += record.bytes.as_ref().map_or(0, Vec::len);
        self.batch.push(record);
        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_RECORDS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), AdvisoryError> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let items: Vec<(u32, Vec<Item>)> = batch.into_par_iter().map(|raw| (raw.source, items(raw))).collect();
        for (source, items) in items {
            items.into_iter().try_for_each(|item| self.take(source, item))?;
        }
        Ok(())
    }

    fn take(&mut self, number: u32, item: Item) -> Result<(), AdvisoryError> {
        let Some(state) = self.sources.get(number) else { return Ok(()) };
        let source = &mut state.totals.source;
        match item {
            Item::Malformed { name, error } => {
                source.malformed += 1;
                if state.report.malformed.len() < MAX_NAMED {
                    state.report.malformed.push(Malformed { name, error });
                }
            }
            Item::Made(at) => state.totals.newest = state.totals.newest.max(Some(at)),
            Item::Expected(count) => state.expected = state.expected.max(count),
            Item::Record(translated) => {
                source.records += 1;
                self.record(number, translated)?;
            }
            fact => {
                source.records += 1;
                self.compiler.add_fact(fact);
            }
        }
        Ok(())
    }

    fn record(&mut self, number: u32, translated: Translated) -> Result<(), AdvisoryError> {
        let Some(state) = self.sources.get(number) else { return Ok(()) };
        let source = &mut state.totals.source;
        let modified = match translated {
            Translated::Withdrawn { id, modified, at } => {
                source.withdrawn += 1;
                self.compiler.add_withdrawn(id, at);
                modified
            }
            Translated::NotSecurity { modified } => {
                source.not_security += 1;
                modified
            }
            Translated::Kept(draft) if draft.advisory.restricted && self.options.redistributable_only => {
                source.not_redistributable += 1;
                draft.advisory.modified
            }
            Translated::Kept(draft) => {
                state.report.loss.add(draft.losses);
                let modified = draft.advisory.modified;
                self.compiler.add(*draft, number)?;
                modified
            }
        };
        state.totals.newest = state.totals.newest.max(modified);
        Ok(())
    }
}

/// What a document of one record gives.
fn items(raw: RawRecord) -> Vec<Item> {
    let mut items = Vec::new();
    let name = raw.name;
    let read = raw.bytes.and_then(|bytes| {
        let mut bytes = bytes.as_slice();
        raw.feed.read(&mut Document::new(&name, &mut bytes), &mut |item| items.push(item))
    });
    if let Err(error) = read {
        items.push(Item::Malformed { name, error });
    }
    items
}

impl Loss {
    fn add(&mut self, losses: Losses) {
        self.without_versions += u64::from(losses.without_versions);
        self.unevaluable += u64::from(losses.unevaluable);
        self.debug_packages += u64::from(losses.debug_packages);
        self.other_products += u64::from(losses.other_products);
    }
}
