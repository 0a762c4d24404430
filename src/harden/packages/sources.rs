//! Everything that the user gave for updates, and the update of an image by whichever package manager it has.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;

use jiff::Timestamp;

use super::openpgp::{Keyring, KeyringError};
use super::store::Store;
use super::{Layer, PackagesError, Plan, Root, Wanted, apk, deb, rpm};
use crate::facts::{Inventory, PackageKind, purl_parse};
use crate::oci::Platform;
use crate::report::contract::Finding;

/// Folders and mirrors, and what proves their packages.
#[derive(Clone, Default)]
pub struct Sources {
    stores: Vec<Store>,
    keyring: Keyring,
    keys: apk::Keys,
    /// Name and text of a list of digests.
    digests: Option<(String, Vec<u8>)>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stores.iter().map(Store::name)).finish()
    }
}

impl Sources {
    /// Adds a folder or mirror.
    pub fn add_store(&mut self, store: Store) {
        self.stores.push(store);
    }

    /// Adds keys: an OpenPGP keyring, or a key of Alpine, which is known by the name of its file.
    ///
    /// # Errors
    /// When it is neither.
    pub fn add_keys(&mut self, name: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        if bytes.trim_ascii_start().starts_with(b"-----BEGIN PUBLIC KEY-----") {
            return self.keys.add(name, bytes).map_err(KeyringError::Damaged);
        }
        self.keyring.add(bytes)
    }

    /// Takes the packages of folders by their SHA-256, as `sha256sum` writes them, instead of by a signature.
    pub fn set_digests(&mut self, name: &str, text: Vec<u8>) {
        self.digests = Some((name.to_owned(), text));
    }

    /// Whether there is nothing to take packages from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    /// Updates what is wanted, as far as it can be; the layer is none when nothing changes. `spool` is an empty file for the new contents, `at` the time at which signatures are judged.
    ///
    /// # Errors
    /// When a source is not proved or cannot be read, or the records of the image cannot.
    pub fn update(
        &self,
        root: &dyn Root,
        inventory: &Inventory,
        platform: &Platform,
        wanted: &[Wanted],
        at: Timestamp,
        spool: File,
    ) -> Result<(Plan, Option<Layer>), PackagesError> {
        let has = |kind| inventory.packages.iter().any(|package| package.fact.kind == kind);
        if wanted.is_empty() {
            return Ok((Plan::default(), None));
        }
        if has(PackageKind::Deb) {
            return self.update_deb(root, inventory, platform, wanted, at, spool);
        }
        if has(PackageKind::Apk) {
            let arch = apk_arch(platform);
            let mut repository = apk::Repository::new(self.keys.clone());
            self.stores.iter().try_for_each(|store| repository.add(store.clone(), &arch))?;
            return apk::update(root, &repository, wanted, &arch, spool);
        }
        let mut plan = Plan::default();
        for store in self.stores.iter().filter(|_| has(PackageKind::Rpm)) {
            let own = rpm::list(inventory, store, &self.keyring, wanted, at)?;
            plan.trust.extend(own.trust);
            plan.refused.extend(own.refused);
        }
        Ok((plan, None))
    }

    fn update_deb(
        &self,
        root: &dyn Root,
        inventory: &Inventory,
        platform: &Platform,
        wanted: &[Wanted],
        at: Timestamp,
        spool: File,
    ) -> Result<(Plan, Option<Layer>), PackagesError> {
        let codename = inventory.os.as_ref().map(|os| os.codename.clone()).filter(|codename| !codename.is_empty());
        let target = deb::Target { arch: deb_arch(platform), codename, at };
        let mut repository = deb::Repository::default();
        for store in &self.stores {
            match &self.digests {
                Some((name, text)) => repository.add_plain(store.clone(), text, name)?,
                None => repository.add_signed(store.clone(), &self.keyring, &target)?,
            }
        }
        deb::update(root, &repository, wanted, &target, spool)
    }
}

/// Packages of the operating system that have findings with a fix, by platform; findings that somebody's word sets aside stay out.
#[must_use]
pub fn wanted(findings: &[Finding]) -> BTreeMap<String, Vec<Wanted>> {
    let mut wanted: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
    let counts = |finding: &&Finding| finding.kind == "vulnerability" && finding.disposition.state == "open";
    for finding in findings.iter().filter(counts) {
        let Some(fixed) = finding.fixed_in.first() else { continue };
        let packages = finding.packages.iter().filter_map(|purl| purl_parse::parse(purl).ok());
        for package in packages.map(|parsed| parsed.package).filter(|package| package.kind.is_os()) {
            for platform in &finding.platforms {
                let all = wanted.entry(platform.clone()).or_default();
                let fix = (finding.rule.clone(), fixed.clone());
                match all.iter_mut().find(|one| one.package == package.name && one.arch == package.arch) {
                    Some(one) => one.fixes.push(fix),
                    None => {
                        all.push(Wanted { package: package.name.clone(), arch: package.arch.clone(), fixes: vec![fix] })
                    }
                }
            }
        }
    }
    wanted.values_mut().for_each(|all| all.sort());
    wanted
}

/// Debian's name of an architecture (`dpkg-architecture -L`).
fn deb_arch(platform: &Platform) -> String {
    match (platform.architecture.as_str(), platform.variant.as_str()) {
        ("386", _) => "i386",
        ("arm", "v5" | "v6") => "armel",
        ("arm", _) => "armhf",
        ("ppc64le", _) => "ppc64el",
        ("mips64le", _) => "mips64el",
        ("mipsle", _) => "mipsel",
        (other, _) => other,
    }
    .to_owned()
}

/// Alpine's name of an architecture.
fn apk_arch(platform: &Platform) -> String {
    match (platform.architecture.as_str(), platform.variant.as_str()) {
        ("amd64", _) => "x86_64",
        ("386", _) => "x86",
        ("arm64", _) => "aarch64",
        ("arm", "v6") => "armhf",
        ("arm", _) => "armv7",
        ("loong64", _) => "loongarch64",
        (other, _) => other,
    }
    .to_owned()
}
