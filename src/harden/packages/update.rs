//! The way of an update, whatever the package manager: choose, read, put over the image; and choose again without what turned out not to work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use super::relation::{Key, Order};
use super::solve::{Choice, Solving};
use super::stage::Stage;
use super::unpack::Spool;
use super::{Layer, Plan, Update, Wanted};

/// A package, the version that it does not get, and why.
pub(super) type Refusal = (Key, String, String);

/// What is good to know of each package.
pub(super) type Notes = BTreeMap<Key, Vec<String>>;

/// A package manager, as far as updates differ by it.
pub(super) trait Manager<'r> {
    /// A package that was fetched, verified and read.
    type Package;

    /// Reads the package that was chosen; contents go to `spool`.
    fn read(&self, choice: &Choice, spool: &mut Spool) -> Result<Self::Package, String>;

    /// The image with all chosen packages over it.
    fn apply(
        &self,
        packages: &Packages<Self::Package>,
        chosen: &BTreeMap<Key, Choice>,
    ) -> Result<(Stage<'r>, Notes), Refusal>;

    /// The SHA-256 of the package's file.
    fn sha256(&self, choice: &Choice, package: &Self::Package) -> String;
}

/// Packages that were read.
pub(super) struct Packages<P> {
    spool: Spool,
    done: BTreeMap<String, P>,
}

impl<P> Packages<P> {
    pub(super) fn get(&self, choice: &Choice) -> Option<&P> {
        self.done.get(&choice.candidate.proof)
    }

    /// Reads the packages that were not read yet; the first that cannot be used ends it.
    fn prepare<'r>(
        &mut self,
        manager: &impl Manager<'r, Package = P>,
        chosen: &BTreeMap<Key, Choice>,
    ) -> Result<(), Refusal> {
        for (key, choice) in chosen {
            let candidate = &choice.candidate;
            if !self.done.contains_key(&candidate.proof) {
                let refused = |reason| (key.clone(), candidate.member.version.clone(), reason);
                let package = manager.read(choice, &mut self.spool).map_err(refused)?;
                self.done.insert(candidate.proof.clone(), package);
            }
        }
        Ok(())
    }
}

/// Updates what can be; the layer is none when nothing changes. `spool` is an empty file for the new contents, `trust` who vouches for the packages.
pub(super) fn run<'r>(
    manager: &impl Manager<'r>,
    mut solving: Solving<'_>,
    wanted: &[Wanted],
    trust: &[String],
    spool: File,
) -> (Plan, Option<Layer>) {
    let mut packages = Packages { spool: Spool::over(spool), done: BTreeMap::new() };
    loop {
        let chosen = solving.run(wanted);
        let applied = packages.prepare(manager, &chosen).and_then(|()| manager.apply(&packages, &chosen));
        let (stage, mut notes) = match applied {
            Ok(applied) => applied,
            Err((key, to, reason)) => {
                solving.refuse(key, Some(to), reason);
                continue;
            }
        };
        let report = |(key, choice): (&Key, &Choice)| {
            let sha256 = packages.get(choice).map(|package| manager.sha256(choice, package)).unwrap_or_default();
            let notes = notes.remove(key).unwrap_or_default();
            Update { sha256, notes, ..described(key, choice, solving.installed(key), wanted, solving.order()) }
        };
        let updates = chosen.iter().map(report).collect();
        let plan = Plan { trust: trust.to_vec(), updates, refused: solving.into_refused() };
        let entries = stage.into_entries();
        let layer = (!entries.is_empty()).then(|| Layer { entries, spool: packages.spool.into_file() });
        return (plan, layer);
    }
}

/// What the update of every kind of package says, with which findings are fixed by the version that is taken.
fn described(key: &Key, choice: &Choice, from: Option<String>, wanted: &[Wanted], order: Order) -> Update {
    let Choice { candidate, needed_by } = choice;
    let is_it = |one: &&Wanted| one.package == key.0 && one.arch.as_ref().is_none_or(|arch| *arch == key.1);
    let findings = wanted.iter().filter(is_it).flat_map(|one| &one.fixes);
    let is_fixed = |fixed: &str| order(&candidate.source_version, fixed).is_some_and(|order| order.is_ge());
    let (fixes, leaves): (Vec<_>, Vec<_>) = findings.partition(|(_, fixed)| is_fixed(fixed));
    let ids = |list: Vec<&(String, String)>| {
        let ids: BTreeSet<String> = list.into_iter().map(|(id, _)| id.clone()).collect();
        ids.into_iter().collect()
    };
    Update {
        package: key.0.clone(),
        arch: key.1.clone(),
        from,
        to: candidate.member.version.clone(),
        sha256: String::new(),
        fixes: ids(fixes),
        leaves: ids(leaves),
        needed_by: needed_by.clone(),
        notes: Vec::new(),
    }
}
