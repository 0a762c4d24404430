//! Installed Perl distributions: what CPAN clients leave beside the modules.
//!
//! Source: cpanminus' `.meta` folders; `ExtUtils::Command::MM::perllocal_install`; CPAN::Meta::Spec.

use serde::Deserialize;

use super::control::lines;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `.meta/DISTRIBUTION-VERSION/MYMETA.json`, which cpanminus keeps of each distribution.
pub(super) struct MyMeta;

static MY_META: Meta = Meta {
    name: "language/perl",
    summary: "Perl distributions installed by cpanm",
    required: false,
    doc: "**Reads** `.meta/*/MYMETA.json`, up to 4 MiB.\n\n**Reports** name, version and licences of the distribution.\n\n**Cannot see** what was installed by other means than cpanm, but see \
          `language/perl-local`.\n\n**Since** 0.2.0",
};

impl Inspector for MyMeta {
    fn meta(&self) -> &'static Meta {
        &MY_META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"MYMETA.json" && entry.path.rsplit(|byte| *byte == b'/').nth(2) == Some(b".meta")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let meta: Distribution = serde_json::from_slice(whole(file, 4 << 20)?)?;
        let version = match &meta.version {
            serde_json::Value::String(version) => version.clone(),
            number => number.to_string(),
        };
        let licenses = meta.license.into_iter().filter(|license| license != "unknown").collect();
        facts.push(Fact::Package(PackageFact { licenses, ..PackageFact::new(PackageKind::Cpan, meta.name, version) }));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Distribution {
    name: String,
    version: serde_json::Value,
    #[serde(default)]
    license: Vec<String>,
}

/// `perllocal.pod`, the journal of `make install`.
pub(super) struct PerlLocal;

static PERL_LOCAL: Meta = Meta {
    name: "language/perl-local",
    summary: "Perl modules in the journal of installations",
    required: false,
    doc: "**Reads** `perllocal.pod`, up to 8 MiB.\n\n**Reports** each module's distribution (`Foo::Bar` as `Foo-Bar`) with the version that was installed last.\n\n**Cannot see** removals, \
          which are not written down, and distributions that are named differently from their main module.\n\n**Since** 0.2.0",
};

impl Inspector for PerlLocal {
    fn meta(&self) -> &'static Meta {
        &PERL_LOCAL
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"perllocal.pod"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let mut installed = std::collections::BTreeMap::new();
        let mut module = None;
        for line in lines(whole(file, 8 << 20)?) {
            let line = text(line);
            // `=head2 Tue Nov 25 19:00:00 2025: C<Module> L<Foo::Bar|Foo::Bar>`
            if let Some((_, link)) = line.split_once("C<Module> L<").filter(|_| line.starts_with("=head2")) {
                module = link.split(['|', '>']).next().map(|name| name.replace("::", "-"));
            } else if let Some((_, version)) = line.split_once("C<VERSION: ") {
                let version = version.split('>').next().unwrap_or_default();
                installed.extend(module.take().map(|name| (name, version.to_owned())));
            }
        }
        let whole = installed.into_iter().filter(|(name, version)| !name.is_empty() && !version.is_empty());
        facts.extend(whole.map(|(name, version)| Fact::Package(PackageFact::new(PackageKind::Cpan, name, version))));
        Ok(())
    }
}
