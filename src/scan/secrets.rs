//! A layer's files to the secret scan, and the files in them.

use std::collections::BTreeSet;

use crate::facts::{Confidence, Effect, FilePath, FileSecrets, SecretFact, Unknown};
use crate::layer::Slice;
use crate::nested::{Allowance, Form, NestedError, Visitor, walk};
use crate::secret::{FileScan, Scanner, Scratch};

/// Most secrets that are kept of one layer; a layer of a million copies is one fact, not a million.
const MAX_SECRETS: usize = 10_000;

/// Most unknowns that are kept of one file; an archive of a million broken archives is one problem.
const MAX_UNREAD: usize = 20;

/// What "secrets" are told as.
pub(super) const BY: &str = "secrets";

/// Scans the files of one layer.
pub(super) struct SecretPass<'w> {
    scan: FileScan<'w>,
    allowance: Allowance,
    /// Secrets that were found.
    kept: usize,
    /// That there were too many was told.
    is_full: bool,
}

/// What one file holds.
#[derive(Default)]
struct Found {
    /// By place in the file; empty for the file itself.
    secrets: Vec<(Vec<u8>, Vec<SecretFact>)>,
    /// Place, whether the answer is complete without it, and why.
    unread: Vec<(Vec<u8>, Effect, String)>,
}

impl<'w> SecretPass<'w> {
    /// `reveal` keeps the secrets in clear.
    pub(super) fn new(scratch: &'w mut Scratch, reveal: bool) -> Self {
        Self {
            scan: Scanner::in_use().scan(scratch).revealing(reveal),
            allowance: Allowance::default(),
            kept: 0,
            is_full: false,
        }
    }

    /// A file begins.
    pub(super) fn begin(&mut self, path: &[u8], size: u64) {
        self.scan.begin(path, size);
    }

    /// Its next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.scan.feed(bytes);
    }

    /// A hole in it.
    pub(super) fn skip(&mut self, length: u64) {
        self.scan.skip(length);
    }

    /// The file is complete. `container` is its content where it holds others. Gives back what could not be read.
    #[must_use]
    pub(super) fn end(
        &mut self,
        path: &[u8],
        container: Option<(Form, Slice<'_>)>,
        secrets: &mut Vec<FileSecrets>,
    ) -> Vec<Unknown> {
        let mut found = Found::default();
        found.take(Vec::new(), &mut self.scan);
        if let Some((form, content)) = container {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            let mut inner = Inner { scan: &mut self.scan, found: &mut found, path, inside: Vec::new() };
            walk(content, name, form, &mut self.allowance, &mut inner);
            found.drop_doubled();
        }
        let unknown = |(inside, effect, reason): (Vec<u8>, Effect, String)| Unknown {
            effect,
            path: Some(place(path, &inside)),
            by: BY.to_owned(),
            reason,
        };
        let mut unknowns: Vec<Unknown> = found.unread.into_iter().map(unknown).collect();
        for (inside, in_file) in found.secrets.into_iter().filter(|(_, in_file)| !in_file.is_empty()) {
            let room = MAX_SECRETS.saturating_sub(self.kept);
            self.kept += in_file.len();
            if in_file.len() > room {
                unknowns.extend(self.first_too_many());
                break;
            }
            let inside = (!inside.is_empty()).then(|| FilePath::new(&inside));
            secrets.push(FileSecrets { path: FilePath::new(path), inside, secrets: in_file });
        }
        unknowns
    }

    fn first_too_many(&mut self) -> Option<Unknown> {
        let reason = format!("the layer holds more than {MAX_SECRETS} secrets; the others are not listed");
        let first = !std::mem::replace(&mut self.is_full, true);
        first.then(|| Unknown { effect: Effect::Required, path: None, by: "layer".into(), reason })
    }
}

/// A place as reports show it.
pub(super) fn place(path: &[u8], inside: &[u8]) -> FilePath {
    if inside.is_empty() { FilePath::new(path) } else { FilePath::new(&[path, b"!/", inside].concat()) }
}

impl Found {
    /// Takes what a scan found at `inside`.
    fn take(&mut self, inside: Vec<u8>, scan: &mut FileScan<'_>) {
        let secrets = scan.finish();
        if let Some(reason) = scan.unread() {
            self.tell(&inside, Effect::Optional, reason.to_owned());
        }
        if !secrets.is_empty() {
            self.secrets.push((inside, secrets));
        }
    }

    /// Adds what only another reading of the bytes at `inside` shows.
    fn add_read_anew(&mut self, inside: &[u8], secrets: impl Iterator<Item = SecretFact>) {
        let known = self.secrets.iter().rposition(|(place, _)| place == inside);
        for secret in secrets {
            let is_known = |known: usize| {
                let all = self.secrets.get(known).map_or(&[][..], |(_, secrets)| secrets);
                all.iter().any(|other| other.fingerprint.is_some() && bare(other) == bare(&secret))
            };
            match known {
                Some(known) if is_known(known) => {}
                Some(known) => {
                    self.secrets.iter_mut().skip(known).take(1).for_each(|(_, all)| all.push(secret.clone()))
                }
                None => self.secrets.push((inside.to_vec(), vec![secret])),
            }
        }
    }

    fn tell(&mut self, inside: &[u8], effect: Effect, reason: String) {
        if self.unread.len() < MAX_UNREAD {
            self.unread.push((inside.to_vec(), effect, reason));
        } else if self.unread.len() == MAX_UNREAD {
            let reason = format!("more than {MAX_UNREAD} files in it could not be read; the others are not listed");
            self.unread.push((Vec::new(), Effect::Optional, reason));
        }
    }

    /// What was seen in the bytes of an archive and again in a file in it is told of that file only.
    fn drop_doubled(&mut self) {
        let mut deeper: BTreeSet<(Vec<u8>, SecretFact)> = BTreeSet::new();
        for (inside, secrets) in &self.secrets {
            for above in containers(inside) {
                deeper.extend(secrets.iter().map(|secret| (above.to_vec(), bare(secret))));
            }
        }
        for (inside, secrets) in &mut self.secrets {
            secrets.retain(|secret| !deeper.contains(&(inside.clone(), bare(secret))));
        }
    }
}

/// The places of the containers around a place, the outermost file first.
fn containers(inside: &[u8]) -> impl Iterator<Item = &[u8]> {
    let outermost = (!inside.is_empty()).then_some(&b""[..]);
    let ends = memchr::memmem::find_iter(inside, b"!/").filter_map(|end| inside.get(..end));
    outermost.into_iter().chain(ends)
}

/// What stays the same of a secret wherever it is read.
fn bare(secret: &SecretFact) -> SecretFact {
    let (key, line, value) = (None, None, None);
    SecretFact { confidence: Confidence::Low, key, line, offset: 0, allowed_inline: false, value, ..secret.clone() }
}

/// Scans the files in a file.
struct Inner<'i, 'w> {
    scan: &'i mut FileScan<'w>,
    found: &'i mut Found,
    /// The outermost file.
    path: &'i [u8],
    /// The place of the one that streams by.
    inside: Vec<u8>,
}

impl Visitor for Inner<'_, '_> {
    fn begin(&mut self, inside: &[u8], size: u64) {
        self.inside = inside.to_vec();
        self.scan.begin(inside, size);
    }

    fn data(&mut self, bytes: &[u8]) {
        self.scan.feed(bytes);
    }

    fn hole(&mut self, length: u64) {
        self.scan.skip(length);
    }

    fn end(&mut self) {
        self.found.take(std::mem::take(&mut self.inside), self.scan);
    }

    fn text(&mut self, inside: &[u8], text: &[u8], at: u64) {
        self.scan.begin(if inside.is_empty() { self.path } else { inside }, text.len() as u64);
        self.scan.feed(text);
        let secrets = self.scan.finish().into_iter().map(|secret| SecretFact { line: None, offset: at, ..secret });
        self.found.add_read_anew(inside, secrets);
    }

    fn unread(&mut self, inside: &[u8], error: &NestedError) {
        let effect = if matches!(error, NestedError::TooMuch) { Effect::Required } else { Effect::Optional };
        self.found.tell(inside, effect, super::collect::describe(error));
    }
}
