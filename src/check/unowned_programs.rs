//! Programs among those of the distribution that no package brought.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::facts::inventory::Unowned;
use crate::finding::{Finding, Kind};

/// Most files that are findings of their own.
const MAX_SINGLE_FILES: usize = 10;

/// `unowned-program`.
pub(super) struct UnownedPrograms;

static META: Meta = Meta {
    name: "unowned-program",
    summary: "a program stands among those of the distribution and belongs to no package",
    doc: "**Reads** the files of `/bin`, `/sbin`, `/usr/bin` and `/usr/sbin`, and the file lists of the OS packages.\n\n\
          **Reports** files there that no installed package owns: nobody verified where they come from, no advisory speaks of them, and an upgrade may overwrite them. Of more than 10, one finding names the first.\n\n\
          **Cannot see** programs at other places, such as `/usr/local` and `/opt`, which are there for what is no package; images whose packages keep no file lists.\n\n**Since** 0.3.0",
    aliases: &["CIS-4.11", "CIS-DI-0011"],
    needs_config: false,
};

/// What builders of base images put there: docker-library's keeps services from being started by packages.
const OF_BASES: &[&[u8]] = &[b"usr/sbin/policy-rc.d"];

impl Check for UnownedPrograms {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let all = subject.inventory.unowned.iter().filter(|file| !OF_BASES.contains(&file.path.as_bytes()));
        let files: Vec<&Unowned> = all.collect();
        if files.len() > MAX_SINGLE_FILES {
            let title = format!("{} programs among those of the distribution belong to no package", files.len());
            return vec![finding(subject, title, "programs".to_owned(), &files)];
        }
        let single = |file: &Unowned| {
            finding(subject, format!("{} belongs to no package", file.path), file.path.to_string(), &[file])
        };
        files.into_iter().map(single).collect()
    }
}

fn finding(subject: &Subject<'_>, title: String, identity: String, files: &[&Unowned]) -> Finding {
    let finding = Finding::new(Kind::Config, META.name, Severity::Low, title, identity);
    let places = files.iter().take(MAX_SINGLE_FILES).map(|file| subject.place(&file.path, file.layer));
    Finding { confidence: Confidence::Medium, ..places.fold(finding, Finding::at) }
        .advise("install it from a package, or verify its checksum in the build and put it into /usr/local/bin")
}
