//! Which rules of sudo's count, and which jobs of cron's start what others may change.

use std::collections::{BTreeMap, BTreeSet};

use super::super::access::{OTHERS_WRITE, STICKY};
use super::super::inventory::{FoundRule, OpenJob};
use super::super::path::{join, parent};
use super::super::tree::Node;
use super::super::{CronJob, Effect, Fact, FilePath, Inventory, Sudoers, Unknown};
use super::Merge;

/// Where sudo looks, in that order: openSUSE's own file counts where the administrator has none.
const MAIN_FILES: &[&str] = &["etc/sudoers", "usr/etc/sudoers"];

/// By path: the layer and what was read.
type Read<'a> = BTreeMap<&'a [u8], (usize, &'a Sudoers)>;

impl<'a> Merge<'a> {
    pub(super) fn rights(&self, inventory: &mut Inventory) {
        let mut read: Read<'a> = BTreeMap::new();
        for (layer, file) in self.live_files() {
            for fact in &file.facts {
                match fact {
                    Fact::Sudoers(sudoers) => drop(read.insert(file.path.as_bytes(), (layer, sudoers))),
                    Fact::CronJobs(jobs) => {
                        inventory.open_jobs.extend(jobs.iter().filter_map(|job| self.open_job(&file.path, layer, job)));
                    }
                    _ => {}
                }
            }
        }
        self.sudo_rules(&read, inventory);
    }

    /// The rules of the main file and of all that it includes.
    fn sudo_rules(&self, read: &Read<'a>, inventory: &mut Inventory) {
        let main = MAIN_FILES.iter().map(|name| name.as_bytes()).find(|name| read.contains_key(name));
        let mut waiting: Vec<&[u8]> = main.into_iter().collect();
        let mut seen: BTreeSet<&[u8]> = waiting.iter().copied().collect();
        while let Some(path) = waiting.pop() {
            let Some((layer, sudoers)) = read.get(path) else { continue };
            let found = |rule: &super::super::SudoRule| FoundRule {
                path: FilePath::new(path),
                layer: *layer,
                rule: rule.clone(),
            };
            inventory.sudo_rules.extend(sudoers.rules.iter().map(found));
            for name in &sudoers.includes {
                let target = match name.strip_prefix('/') {
                    Some(absolute) => absolute.trim_end_matches('/').as_bytes().to_vec(),
                    None => join(parent(path).unwrap_or_default(), name.as_bytes()),
                };
                let included: Vec<&[u8]> = read.keys().copied().filter(|file| is_included(file, &target)).collect();
                if included.is_empty() && self.is_unread(&target) {
                    let reason = format!("it includes {name}, which is not read");
                    let (path, by) = (Some(FilePath::new(path)), "os/sudoers".to_owned());
                    inventory.unknowns.push((Some(*layer), Unknown { effect: Effect::Optional, path, by, reason }));
                }
                waiting.extend(included.into_iter().filter(|file| seen.insert(*file)));
            }
        }
        inventory.sudo_rules.sort_by(|a, b| (&a.path, a.rule.line).cmp(&(&b.path, b.rule.line)));
    }

    /// Whether there is a file at a place, or in a folder, that no inspector reads.
    fn is_unread(&self, target: &[u8]) -> bool {
        let is_own = |name: &Vec<u8>| is_included(&join(target, name), target);
        match self.view.resolve(target).and_then(|(_, place)| self.view.entry(&place)) {
            Some((_, Node::Directory)) => self.view.names_in(target).iter().any(is_own),
            found => found.is_some(),
        }
    }

    fn open_job(&self, path: &FilePath, layer: usize, job: &CronJob) -> Option<OpenJob> {
        let places = job.programs.iter().filter_map(|program| self.view.follow(program.as_bytes()));
        let open: Vec<FilePath> =
            places.filter(|place| self.is_open(place)).map(|place| FilePath::new(&place)).collect();
        (!open.is_empty()).then(|| OpenJob { path: path.clone(), layer, line: job.line, user: job.user.clone(), open })
    }

    /// Whether others than root may change what is at `path`, or put something else there.
    fn is_open(&self, path: &[u8]) -> bool {
        let access = |path: &[u8]| {
            let (layer, node) = self.view.entry(path)?;
            Some((node, self.layers.get(layer).copied().flatten()?.access_at(path)?))
        };
        let is_open_folder = |path| {
            access(path).is_some_and(|(node, access)| {
                let everyone = access.mode & OTHERS_WRITE != 0 && access.mode & STICKY == 0;
                node == Node::Directory && (everyone || access.uid != 0)
            })
        };
        let is_open_file =
            access(path).is_some_and(|(node, access)| node != Node::Directory && access.mode & OTHERS_WRITE != 0);
        self.view.entry(path).is_some()
            && (is_open_file || is_open_folder(path) || parent(path).is_some_and(is_open_folder))
    }
}

/// Whether `file` is what is included, or one of the files in an included folder that count: those without a dot, and without `~` at the end.
fn is_included(file: &[u8], target: &[u8]) -> bool {
    let in_folder = file.strip_prefix(target).and_then(|rest| rest.strip_prefix(b"/"));
    let counts =
        |name: &[u8]| !name.is_empty() && !name.iter().any(|b| matches!(b, b'/' | b'.')) && !name.ends_with(b"~");
    file == target || in_folder.is_some_and(counts)
}
