//! Files that give privileges and that the distribution did not put there.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::inventory::FoundPrivileged;
use crate::finding::{Finding, Kind};

/// `privileged-file`.
pub(super) struct PrivilegedFiles;

static META: Meta = Meta {
    name: "privileged-file",
    summary: "a setuid or setgid file, or one with capabilities, beyond the distribution's own",
    doc: "**Reads** modes and `security.capability` attributes of all files, and the file lists of the OS packages.\n\n**Reports** executable files with setuid, setgid or capabilities that no installed OS package owns.\n\n\
          **Cannot see** what a package's own setuid program does; distroless images may keep no file lists, then every such file is reported.\n\n**Since** 0.1.0",
    aliases: &["CIS-4.8", "CIS-DI-0008"],
    needs_config: false,
};

impl Check for PrivilegedFiles {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let foreign = subject.inventory.privileged.iter().filter(|file| file.owner.is_none());
        foreign.map(|found| finding(subject, found)).collect()
    }
}

fn finding(subject: &Subject<'_>, found: &FoundPrivileged) -> Finding {
    let file = &found.file;
    let mut rights = Vec::new();
    if file.mode & 0o4000 != 0 {
        rights.push(format!("setuid {}", file.uid));
    }
    if file.mode & 0o2000 != 0 {
        rights.push("setgid".into());
    }
    if file.capabilities != 0 {
        rights.push(format!("capabilities {:#x}", file.capabilities));
    }
    let severity = if (file.mode & 0o4000 != 0 && file.uid == 0) || file.capabilities != 0 {
        Severity::Medium
    } else {
        Severity::Low
    };
    Finding::new(
        Kind::Config,
        META.name,
        severity,
        format!("{} runs with {}", file.path, rights.join(", ")),
        file.path.to_string(),
    )
    .at(subject.place(&file.path, found.layer))
    .advise("remove the bit (chmod a-s) or the capability (setcap -r), or install the program from a package")
}
