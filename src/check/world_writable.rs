//! Files and folders that everyone in the container may write.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::inventory::OpenPlace;
use crate::finding::{Finding, Kind};
use crate::inspect::sensitive::by_name;

/// Most places that are findings of their own; of more, one finding names the first.
const MAX_SINGLE: usize = 20;

/// `world-writable-file`.
pub(super) struct WorldWritable;

static META: Meta = Meta {
    name: "world-writable-file",
    summary: "a file or folder that everyone may write",
    doc: "**Reads** the modes of all files and folders.\n\n**Reports** those that others than owner and group may write. Folders with the sticky bit, such as `/tmp`, are there for that and are left out; of what is in an open folder, only the folder is told. Files with credentials or rights are told as `writable-control-file`.\n\n\
          **Cannot see** access control lists.\n\n**Since** 0.3.0",
    aliases: &["CIS-4.8"],
    needs_config: false,
};

impl Check for WorldWritable {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        // What gives rights is told as `writable-control-file`, which is worse.
        let all = subject.inventory.writable.iter();
        let places: Vec<&OpenPlace> = all.filter(|place| by_name(place.path.as_bytes()).is_none()).collect();
        let single = places.iter().take(MAX_SINGLE).map(|place| finding(subject, place));
        let rest = places.get(MAX_SINGLE..).filter(|rest| !rest.is_empty()).map(|rest| together(subject, rest));
        single.chain(rest).collect()
    }
}

fn finding(subject: &Subject<'_>, place: &OpenPlace) -> Finding {
    // What is run, or decides what is run, is worse than what is only read.
    let runs = place.access.mode & 0o111 != 0 && !place.is_folder;
    let severity = if runs { Severity::Medium } else { Severity::Low };
    let mut title = format!("{} may be written by everyone ({:04o})", place.path, place.access.mode);
    if place.below > 0 {
        title.push_str(&format!(", and so may {} files and folders in it", place.below));
    }
    Finding::new(Kind::Config, META.name, severity, title, place.path.to_string())
        .at(subject.place(&place.path, place.layer))
        .advise("take the right from others (chmod o-w), and give what the service writes to its own user")
}

fn together(subject: &Subject<'_>, places: &[&OpenPlace]) -> Finding {
    let title = format!("{} more files and folders may be written by everyone", places.len());
    let finding = Finding::new(Kind::Config, META.name, Severity::Low, title, "more");
    places
        .iter()
        .take(MAX_SINGLE)
        .map(|place| subject.place(&place.path, place.layer))
        .fold(finding, Finding::at)
        .advise("take the right from others (chmod o-w), and give what the service writes to its own user")
}
