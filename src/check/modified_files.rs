//! Files of OS packages that are no longer what the package brought.

use std::collections::BTreeMap;

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::inventory::ChangedFile;
use crate::finding::{Finding, Kind};

/// Most files of one package that are findings of their own; of a package that was overwritten as a whole, one finding names all.
const MAX_SINGLE_FILES: usize = 10;

/// `modified-os-file`.
pub(super) struct ModifiedFiles;

static META: Meta = Meta {
    name: "modified-os-file",
    summary: "a file of an OS package whose content is not what the package brought",
    doc: "**Reads** the digests that dpkg, apk and rpm record of the files they install, and those of the files that a later layer rewrote; with `--verify-files`, of all.\n\n\
          **Reports** files with another content than their package brought: the package manager's version and the distribution's advisories no longer speak of them. Configuration \
          files are left out. Of a package with more than 10 such files, one finding names all.\n\n\
          **Cannot see** files that the layer which installed them changed right away, unless `--verify-files` is given; files that were removed; packages without recorded digests.\n\n**Since** 0.2.0",
    aliases: &["CIS-4.11", "CIS-DI-0011"],
    needs_config: false,
};

impl Check for ModifiedFiles {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let mut by_package: BTreeMap<&str, Vec<&ChangedFile>> = BTreeMap::new();
        for file in &subject.inventory.changed {
            by_package.entry(&file.owner).or_default().push(file);
        }
        by_package.into_iter().flat_map(|(package, files)| findings(subject, package, &files)).collect()
    }
}

fn findings(subject: &Subject<'_>, package: &str, files: &[&ChangedFile]) -> Vec<Finding> {
    let finding = |title: String, identity: String, files: &[&ChangedFile]| {
        let finding = Finding::new(Kind::Config, META.name, Severity::Medium, title, identity);
        let places = files.iter().map(|file| subject.place(&file.path, file.layer));
        places
            .fold(finding, Finding::at)
            .advise(format!("reinstall {package}, or put the changed file where no package owns it"))
    };
    if files.len() > MAX_SINGLE_FILES {
        let title = format!("{} files are not what the package {package} brought", files.len());
        return vec![finding(title, format!("package:{package}"), files)];
    }
    let single = |file: &&ChangedFile| {
        let title = format!("{} is not what the package {package} brought", file.path);
        finding(title, file.path.to_string(), &[*file])
    };
    files.iter().map(single).collect()
}
