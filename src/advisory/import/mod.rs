//! Zip files and folders of OSV records ▸ a store.
//!
//! In: paths. Out: a store file and an [`ImportReport`] that says what became of every record. Records are read in batches and parsed in
//! parallel; in memory stay one batch of JSON and the compiled records. A record that cannot be read is reported by name; a zip file or
//! folder that cannot be read stops the import, and the older store stays.

mod inputs;
mod read;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::read::RawRecord;
use super::error::{AdvisoryError, RecordError};
use super::feed::{Losses, Translated, osv};
use super::osv::Record;
use super::store::{Compiler, Provenance, Source, SourceTotals, replace_file};
use crate::digest::Digest;

/// Malformed records that are reported by name, per source; the others are only counted.
const MAX_NAMED: usize = 100;

/// What to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Leave out records that must not be handed on (content from OSVDB). For stores that are published, like the one in the program.
    pub redistributable_only: bool,
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
}

/// A record that could not be read.
#[derive(Debug)]
pub struct Malformed {
    /// Its file name.
    pub name: String,
    /// Why.
    pub error: RecordError,
}

/// Imports OSV records from `inputs` into the store file `output`, which is replaced as a whole.
///
/// An input is a zip file (`all.zip` as osv.dev publishes it: the source is named after its folder), a folder with `all.zip` files in
/// subfolders, a folder of `.json` records, or one record.
///
/// # Errors
/// When an input as a whole cannot be read or passes a limit, when no record was found, or when the store cannot be written.
pub fn import(inputs: &[PathBuf], output: &Path, options: ImportOptions) -> Result<ImportReport, AdvisoryError> {
    let (bytes, report) = compile(inputs, options)?;
    write(&bytes, output)?;
    Ok(report)
}

/// Puts a compiled store in the place of the file `output`, in one step.
///
/// # Errors
/// When it cannot be written; the old file stays.
pub fn write(store: &[u8], output: &Path) -> Result<(), AdvisoryError> {
    replace_file(output, |file| file.write_all(store))
        .map_err(|source| AdvisoryError::Write { path: output.to_owned(), source })
}

/// Like [`import`], into memory. The same inputs give the same bytes, in whatever order they are named.
///
/// # Errors
/// As [`import`], except for writing.
pub fn compile(inputs: &[PathBuf], options: ImportOptions) -> Result<(Vec<u8>, ImportReport), AdvisoryError> {
    let found = inputs::find(inputs)?;
    let mut compiler = Compiler::default();
    let mut sources = Vec::with_capacity(found.len());
    let mut records: u64 = 0;
    for (number, input) in (0..).zip(&found) {
        let mut importer = Importer {
            compiler: &mut compiler,
            number,
            options,
            totals: SourceTotals::default(),
            report: SourceReport::default(),
        };
        let digest = read::each_batch(input, |batch| importer.take(batch))?;
        let Importer { mut totals, mut report, .. } = importer;
        records += u64::from(totals.source.records) + u64::from(totals.source.malformed);
        report.name.clone_from(&input.name);
        totals.source = Source { name: input.name.clone(), digest: digest.to_string(), ..totals.source };
        compiler.add_source(totals);
        sources.push(report);
    }
    if records == 0 {
        return Err(AdvisoryError::NoRecords { path: inputs.first().cloned().unwrap_or_default() });
    }
    let (bytes, provenance) = compiler.finish()?;
    let digest = super::store::Store::from_memory(bytes.clone())?.digest().clone();
    Ok((bytes.clone(), ImportReport { digest, bytes: bytes.len() as u64, provenance, sources }))
}

/// Takes one source's records.
struct Importer<'a> {
    compiler: &'a mut Compiler,
    number: u32,
    options: ImportOptions,
    totals: SourceTotals,
    report: SourceReport,
}

impl Importer<'_> {
    fn take(&mut self, batch: Vec<RawRecord>) -> Result<(), AdvisoryError> {
        let only = self.options.redistributable_only;
        let translated: Vec<(String, Result<Translated, RecordError>)> = batch
            .into_par_iter()
            .map(|raw| {
                let outcome = raw.bytes.and_then(|bytes| Ok(osv::translate(&Record::parse(&bytes)?, only)));
                (raw.name, outcome)
            })
            .collect();
        translated.into_iter().try_for_each(|(name, outcome)| self.count(name, outcome))
    }

    fn count(&mut self, name: String, outcome: Result<Translated, RecordError>) -> Result<(), AdvisoryError> {
        let source = &mut self.totals.source;
        let translated = match outcome {
            Ok(translated) => translated,
            Err(error) => {
                source.malformed += 1;
                if self.report.malformed.len() < MAX_NAMED {
                    self.report.malformed.push(Malformed { name, error });
                }
                return Ok(());
            }
        };
        source.records += 1;
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
            Translated::NotRedistributable { modified } => {
                source.not_redistributable += 1;
                modified
            }
            Translated::Kept(draft) => {
                self.report.loss.add(draft.losses);
                let modified = draft.advisory.modified;
                self.compiler.add(*draft, self.number)?;
                modified
            }
        };
        self.totals.newest = self.totals.newest.max(modified);
        Ok(())
    }
}

impl Loss {
    fn add(&mut self, losses: Losses) {
        self.without_versions += u64::from(losses.without_versions);
        self.unevaluable += u64::from(losses.unevaluable);
        self.debug_packages += u64::from(losses.debug_packages);
    }
}
