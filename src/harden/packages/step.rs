//! Updates as a step of hardening: the image's files as the draft has them, and the new layer's entries put into it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Body, Found, Layer, Node, PackagesError, Plan, Root, Sources, Wanted};
use crate::facts::FilePath;
use crate::facts::path::{join, parent};
use crate::harden::transform::{Transform, Wishes};
use crate::harden::{Change, Draft, NewContent, NewEntry, NewKind, SharedFile, Step};
use crate::layer::EntryKind;

/// Brings packages with findings to versions without them.
pub struct UpdatePackages;

const NAME: &str = "update-packages";

/// Where newer packages are, and which are wanted.
#[derive(Clone, Debug)]
pub struct Updates {
    /// Folders, mirrors, and what proves their packages.
    pub sources: Arc<Sources>,
    /// By platform, as it is written: [`wanted`](super::wanted).
    pub wanted: BTreeMap<String, Vec<Wanted>>,
    /// When signatures are judged.
    pub at: Timestamp,
}

impl Transform for UpdatePackages {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "updates packages that have findings, from a folder or mirror"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let Some(updates) = &wishes.updates else { return };
        let wanted = updates.wanted.get(&draft.platform.to_string()).map_or(&[][..], Vec::as_slice);
        if let Err(error) = update(draft, updates, wanted) {
            let mut step = Step::new(NAME, "", "");
            step.cannot.push(error.to_string());
            draft.note(step);
        }
    }
}

fn update(draft: &mut Draft, updates: &Updates, wanted: &[Wanted]) -> Result<(), PackagesError> {
    let spool = tempfile::tempfile().map_err(PackagesError::Spool)?;
    let (inventory, platform) = (draft.inventory.clone(), draft.platform.clone());
    let (plan, layer) = updates.sources.update(&Files(draft), &inventory, &platform, wanted, updates.at, spool)?;
    if let Some(layer) = layer {
        put(draft, layer);
    }
    draft.note(step(&plan));
    Ok(())
}

/// Whether the content of a file of a layer is needed for an update: records of package managers, and what may be a configuration file.
pub(in crate::harden) fn reads(path: &[u8]) -> bool {
    let folder = parent(path).unwrap_or_default();
    let name = path.get(folder.len()..).unwrap_or_default();
    let is_info = folder.ends_with(b"lib/dpkg/info")
        && [&b".list"[..], b".triggers", b".prerm", b".postrm"].iter().any(|extension| name.ends_with(extension));
    let is_record = [&b"lib/dpkg"[..], b"lib/dpkg/status.d", b"lib/dpkg/triggers", b"lib/apk/db"];
    path.starts_with(b"etc/") || is_info || is_record.iter().any(|record| folder.ends_with(record))
}

/// The files of a draft.
struct Files<'d>(&'d Draft);

impl Root for Files<'_> {
    fn at(&self, path: &[u8]) -> Option<Found> {
        let entry = self.0.view.get(path).filter(|_| self.0.is_there(&FilePath::new(path)))?;
        Some(match entry.kind {
            EntryKind::File | EntryKind::HardLink => Found::File,
            EntryKind::Directory => Found::Directory,
            EntryKind::Symlink => Found::Symlink(entry.link.to_vec()),
            EntryKind::Special => Found::Special,
        })
    }

    fn names(&self, folder: &[u8]) -> Vec<Vec<u8>> {
        let prefix = if folder.is_empty() { Vec::new() } else { join(folder, b"") };
        let below = self.0.view.below(folder).filter(|(path, _)| self.0.is_there(path));
        let first = |path: &FilePath| {
            let rest = path.as_bytes().strip_prefix(prefix.as_slice())?;
            rest.split(|byte| *byte == b'/').next().map(<[u8]>::to_vec)
        };
        let mut names: Vec<Vec<u8>> = below.filter_map(|(path, _)| first(path)).collect();
        names.dedup();
        names
    }

    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let content = self.0.read(path).ok_or_else(|| io::Error::other("it is too large to be kept in memory"))?;
        if content.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content.to_vec()) }
    }
}

/// Puts the new files into the draft.
fn put(draft: &mut Draft, layer: Layer) {
    let spool = SharedFile(Arc::new(layer.spool));
    for (path, entry) in &layer.entries {
        let kind = match &entry.node {
            Node::File(Body::Bytes(bytes)) => NewKind::File(NewContent::Bytes(bytes.as_slice().into())),
            Node::File(Body::Spooled { at, length }) => {
                NewKind::File(NewContent::Part { file: spool.clone(), at: *at, length: *length })
            }
            Node::HardLink(target) => NewKind::HardLink(FilePath::new(target)),
            Node::Symlink(target) => NewKind::Symlink(target.clone()),
            Node::Directory => NewKind::Directory,
            Node::Whiteout => NewKind::Whiteout,
        };
        // What is made here is as old as the image, what packages bring as old as they say.
        let mtime = u64::try_from(entry.mtime).ok().filter(|mtime| *mtime > 0).unwrap_or(draft.mtime);
        let id = |id: u64| u32::try_from(id).unwrap_or(0);
        let mut new = NewEntry::new(path, kind, entry.mode, mtime).owned(id(entry.uid), id(entry.gid));
        new.xattrs.extend(entry.capability.iter().map(|value| ("security.capability".to_owned(), value.clone())));
        draft.put(new);
    }
}

/// What people read of it.
fn step(plan: &Plan) -> Step {
    let count = plan.updates.len();
    let title = if count == 0 { String::new() } else { format!("{count} packages are updated") };
    let mut step = Step::new(NAME, title, plan.trust.join("; "));
    for update in &plan.updates {
        let from = update.from.as_deref().unwrap_or("not installed");
        let mut change = format!("{from} → {}", update.to);
        if !update.fixes.is_empty() {
            change.push_str(&format!(", fixes {}", update.fixes.join(", ")));
        }
        if let Some(by) = &update.needed_by {
            change.push_str(&format!(", needed by {by}"));
        }
        step.changes.push(Change::new(format!("package:{}:{}", update.package, update.arch), change));
        step.left.extend(update.notes.iter().map(|note| format!("{}: {note}", update.package)));
        let leaves = update.leaves.iter();
        step.cannot.extend(leaves.map(|id| format!("{}: {} does not fix {id}", update.package, update.to)));
    }
    for refused in &plan.refused {
        let to = refused.to.as_ref().map(|to| format!(" {to}")).unwrap_or_default();
        step.cannot.push(format!("{}{to}: {}", refused.package, refused.reason));
    }
    step
}
