//! Packages of rpm: verified and listed, not put in.
//!
//! The way of a file: an OpenPGP key of the user's signs the header of each package, which has the SHA-256 of its payload.
//!
//! Why no further: rpm's database in an image is SQLite with the header of each package, to which rpm adds at installation (file states, time, transaction), and some twenty tables that index it by tags, of which
//! `rpm -V`, `dnf` and the resolver of dependencies live. Without rpm that can be written, but not so that rpm's own check (`rpmdb --verifydb`, `rpm -Va`) would have to hold: most packages of the family
//! carry scriptlets or file triggers (`%transfiletriggerin` of glibc, systemd) as well. An image whose records are wrong is worse than one that is old, so the plan says what to write into the build.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::openpgp::Keyring;
use super::store::{Store, sha256_of};
use super::{PackagesError, Plan, Refused, Wanted};
use crate::facts::{Inventory, PackageKind};
use crate::inspect::rpm::PackageFile;
use crate::layer::{ReadAt as _, Slice};
use crate::version;

/// A package whose signature and payload were verified.
struct Verified {
    evr: String,
    signer: String,
}

/// Says of everything that is wanted which verified package of the folder would bring it, and why it is not put in.
///
/// # Errors
/// When the folder cannot be read, or a package of it that is wanted is not signed with a given key.
pub fn list(
    inventory: &Inventory,
    store: &Store,
    keyring: &Keyring,
    wanted: &[Wanted],
    at: Timestamp,
) -> Result<Plan, PackagesError> {
    let names: BTreeSet<&str> = wanted.iter().map(|one| one.package.as_str()).collect();
    let verified = verify(store, keyring, &names, at)?;
    let mut plan = Plan::default();
    let signers: BTreeSet<&String> = verified.values().flatten().map(|one| &one.signer).collect();
    plan.trust =
        signers.into_iter().map(|signer| format!("packages of {}, signed by {signer}", store.name())).collect();
    for one in wanted {
        let is_it = |fact: &crate::facts::PackageFact| {
            let same_arch = one.arch.is_none() || fact.arch == one.arch;
            fact.kind == PackageKind::Rpm && fact.name == one.package && same_arch
        };
        for package in inventory.packages.iter().map(|package| &package.fact).filter(|fact| is_it(fact)) {
            let key = (package.name.clone(), package.arch.clone().unwrap_or_default());
            let newer = verified.get(&key).into_iter().flatten();
            let newer = newer.filter(|file| compare(&file.evr, &package.version) == Some(Ordering::Greater));
            let newest = newer.max_by(|a, b| compare(&a.evr, &b.evr).unwrap_or(Ordering::Equal));
            plan.refused.push(Refused {
                package: package.name.clone(),
                arch: package.arch.clone(),
                to: newest.map(|file| file.evr.clone()),
                reason: newest
                    .map_or_else(|| "no newer version of it is there".to_owned(), |file| reason(&package.name, file)),
            });
        }
    }
    plan.refused.sort();
    plan.refused.dedup();
    Ok(plan)
}

fn reason(name: &str, file: &Verified) -> String {
    format!(
        "{} is there and its signature is good, but only rpm can write its database; in the build: RUN dnf -y upgrade {name}-{}",
        file.evr, file.evr
    )
}

/// Packages of the folder with one of the names, by name and architecture.
fn verify(
    store: &Store,
    keyring: &Keyring,
    names: &BTreeSet<&str>,
    at: Timestamp,
) -> Result<BTreeMap<(String, String), Vec<Verified>>, PackagesError> {
    let mut found: BTreeMap<(String, String), Vec<Verified>> = BTreeMap::new();
    let refused =
        |file: &str, reason: String| PackagesError::Index { file: format!("{}/{file}", store.name()), reason };
    for folder in ["", "Packages/"] {
        let files = store.list(folder.trim_end_matches('/')).map_err(|error| refused(folder, error.to_string()))?;
        let is_wanted =
            |file: &str| file.ends_with(".rpm") && names.iter().any(|name| file.starts_with(&format!("{name}-")));
        for file in files.iter().filter(|file| is_wanted(file)).map(|file| format!("{folder}{file}")) {
            let mut package = store.any_package(&file).map_err(|error| refused(&file, error.to_string()))?;
            let view = package.view().map_err(PackagesError::Spool)?;
            let parsed = PackageFile::read(&view).map_err(|error| refused(&file, error.to_string()))?;
            let signatures = parsed.signatures.concat();
            let signers = keyring.verify_detached(&parsed.header, &signatures, at);
            let signers = signers.map_err(|source| PackagesError::Signature { file: file.clone(), source })?;
            let payload = Slice::whole(&view).part(parsed.payload_at, view.len());
            let sum = sha256_of(payload).map_err(|error| refused(&file, error.to_string()))?;
            if parsed.payload_sha256.as_deref() != Some(sum.as_str()) {
                return Err(refused(&file, "its payload does not have the SHA-256 that is signed".to_owned()));
            }
            let signer = signers.first().map(|one| format!("{} ({})", one.user, one.fingerprint)).unwrap_or_default();
            let key = (parsed.package.name.clone(), parsed.package.arch.clone().unwrap_or_default());
            found.entry(key).or_default().push(Verified { evr: parsed.package.evr(), signer });
        }
    }
    Ok(found)
}

fn compare(left: &str, right: &str) -> Option<Ordering> {
    version::by_name("rpm")?.compare(left, right).ok()
}
