//! Which packages go to which version, so that what packages demand of each other holds as well as before.
//!
//! No general solver: an update stays within one release, so the newest version of what is wanted is taken, with the packages that it then needs; and where that breaks something it is refused with what would
//! break. What did not hold in the image before is not asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::relation::{Broken, Key, Member, Order, Packages};
use super::{Refused, Wanted};

/// Most steps. Each takes one more package or refuses one, so real updates have some tens.
const MAX_STEPS: usize = 20_000;

/// A package that can be had.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) member: Member,
    /// Version of its source, which advisories speak of.
    pub(super) source_version: String,
    /// Which store, and the name there.
    pub(super) file: (usize, String),
    /// By what its file is known: a digest.
    pub(super) proof: String,
}

/// A package of the image.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub(super) member: Member,
    /// Why it must not be changed.
    pub(super) is_fixed: Option<&'static str>,
}

/// Versions of what has or provides a name, for an architecture; newest first.
pub(super) type Offers<'o> = dyn Fn(&str, &str) -> Vec<Candidate> + 'o;

/// A version that is taken.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) candidate: Candidate,
    /// The package that needs it; none for one that is wanted.
    pub(super) needed_by: Option<String>,
}

/// What is taken, and what is not.
pub(super) struct Solving<'s> {
    installed: &'s BTreeMap<Key, Installed>,
    offers: &'s Offers<'s>,
    arch: &'s str,
    order: Order,
    /// Packages that are not touched, with the version that they would have got and the reason.
    refused: BTreeMap<Key, (Option<String>, String)>,
}

impl<'s> Solving<'s> {
    pub(super) fn new(
        installed: &'s BTreeMap<Key, Installed>,
        offers: &'s Offers<'s>,
        arch: &'s str,
        order: Order,
    ) -> Self {
        Self { installed, offers, arch, order, refused: BTreeMap::new() }
    }

    /// The version of an installed package.
    pub(super) fn installed(&self, key: &Key) -> Option<String> {
        self.installed.get(key).map(|one| one.member.version.clone())
    }

    /// How versions sort.
    pub(super) fn order(&self) -> Order {
        self.order
    }

    fn members(&self) -> impl Iterator<Item = &'s Member> {
        self.installed.values().map(|one| &one.member)
    }

    /// From now on the package stays as it is.
    pub(super) fn refuse(&mut self, key: Key, to: Option<String>, reason: String) {
        self.refused.entry(key).or_insert((to, reason));
    }

    /// A set of updates that holds together.
    pub(super) fn run(&mut self, wanted: &[Wanted]) -> BTreeMap<Key, Choice> {
        let before: BTreeSet<Broken> = Packages::of(self.members()).broken();
        let mut chosen = self.wanted(wanted);
        for _ in 0..MAX_STEPS {
            let Some(broken) = self.first_broken(&chosen, &before) else { return chosen };
            if let Some((key, choice)) = self.mend(&broken, &chosen) {
                chosen.insert(key, choice);
                continue;
            }
            // What was taken for the sake of it may not be needed any more.
            self.blame(&broken, &chosen);
            chosen = self.wanted(wanted);
        }
        chosen
            .into_keys()
            .for_each(|key| self.refuse(key, None, "its dependencies could not be worked out".to_owned()));
        BTreeMap::new()
    }

    /// The newest version of everything that is wanted, where that fixes anything.
    fn wanted(&mut self, wanted: &[Wanted]) -> BTreeMap<Key, Choice> {
        let mut chosen = BTreeMap::new();
        for one in wanted {
            let is_it = |member: &Member| {
                member.name == one.package && one.arch.as_ref().is_none_or(|arch| *arch == member.arch)
            };
            let members: Vec<&Member> = self.members().filter(|member| is_it(member)).collect();
            if members.is_empty() {
                let key = (one.package.clone(), one.arch.clone().unwrap_or_default());
                self.refuse(key, None, "the image has no record of it".to_owned());
            }
            for member in members {
                let key = member.key();
                if self.refused.contains_key(&key) {
                    continue;
                }
                match self.pick(member, one) {
                    Ok(candidate) => drop(chosen.insert(key, Choice { candidate, needed_by: None })),
                    Err((to, reason)) => self.refuse(key, to, reason),
                }
            }
        }
        chosen
    }

    fn pick(&self, member: &Member, wanted: &Wanted) -> Result<Candidate, (Option<String>, String)> {
        if let Some(reason) = self.installed.get(&member.key()).and_then(|one| one.is_fixed) {
            return Err((None, reason.to_owned()));
        }
        let Some(candidate) = self.newer(member).into_iter().next() else {
            return Err((None, "no newer version of it is there".to_owned()));
        };
        let fixes = |fixed: &str| (self.order)(&candidate.source_version, fixed).is_some_and(|order| order.is_ge());
        if !wanted.fixes.is_empty() && !wanted.fixes.iter().any(|(_, fixed)| fixes(fixed)) {
            let needed = wanted.fixes.iter().map(|(_, fixed)| fixed.as_str()).collect::<BTreeSet<_>>();
            let needed = needed.into_iter().collect::<Vec<_>>().join(", ");
            let reason = format!("the newest version that is there fixes nothing; fixed in {needed}");
            return Err((Some(candidate.member.version.clone()), reason));
        }
        Ok(candidate)
    }

    /// Versions of an installed package that are newer, newest first.
    fn newer(&self, member: &Member) -> Vec<Candidate> {
        let mut all = (self.offers)(&member.name, &member.arch);
        let is_newer = |version: &str| (self.order)(version, &member.version).is_some_and(|order| order.is_gt());
        all.retain(|one| one.member.key() == member.key() && is_newer(&one.member.version));
        all
    }

    fn after<'c>(&'c self, chosen: &'c BTreeMap<Key, Choice>) -> Packages<'c> {
        let kept = self.members().filter(|one| !chosen.contains_key(&one.key()));
        Packages::of(kept.chain(chosen.values().map(|choice| &choice.candidate.member)))
    }

    fn first_broken(&self, chosen: &BTreeMap<Key, Choice>, before: &BTreeSet<Broken>) -> Option<Broken> {
        self.after(chosen).broken().into_iter().find(|broken| !before.contains(broken))
    }

    /// One more package with which it may hold.
    fn mend(&self, broken: &Broken, chosen: &BTreeMap<Key, Choice>) -> Option<(Key, Choice)> {
        let by = broken.by.0.clone();
        // What is in the way goes to a version that is not; what is missing comes, or becomes new enough.
        let names: Vec<&String> = broken.names.iter().collect();
        for name in names {
            let installed: Vec<&Member> = self.members().filter(|member| member.name == *name).collect();
            for member in &installed {
                if let Some(found) = self.try_newest(member, &by, broken, chosen) {
                    return Some(found);
                }
            }
            if installed.is_empty() && broken.other.is_none() {
                let all = (self.offers)(name, self.arch);
                let is_free = |key: &Key| !self.refused.contains_key(key) && !chosen.contains_key(key);
                let mut fitting =
                    all.into_iter().filter(|one| is_free(&one.member.key()) && self.is_newer_than_installed(one));
                if let Some(candidate) = fitting.find(|one| self.helps(one, broken, chosen)) {
                    return Some((candidate.member.key(), Choice { candidate, needed_by: Some(by) }));
                }
            }
        }
        // The one that complains may have a version that does not.
        let complaining = self.installed.get(&broken.by).filter(|_| !chosen.contains_key(&broken.by))?;
        let cause = broken.other.as_ref().map_or_else(|| broken.names.join(" | "), |key| key.0.clone());
        self.try_newest(&complaining.member, &cause, broken, chosen)
    }

    /// A name may be provided by a package that is there in an older version, never in a newer one.
    fn is_newer_than_installed(&self, candidate: &Candidate) -> bool {
        let Some(installed) = self.installed.get(&candidate.member.key()) else { return true };
        let order = (self.order)(&candidate.member.version, &installed.member.version);
        installed.is_fixed.is_none() && order.is_some_and(|order| order.is_gt())
    }

    fn try_newest(
        &self,
        member: &Member,
        by: &str,
        broken: &Broken,
        chosen: &BTreeMap<Key, Choice>,
    ) -> Option<(Key, Choice)> {
        let key = member.key();
        let is_free = !chosen.contains_key(&key) && !self.refused.contains_key(&key);
        let is_fixed = self.installed.get(&key).is_some_and(|one| one.is_fixed.is_some());
        if !is_free || is_fixed {
            return None;
        }
        let candidate = self.newer(member).into_iter().find(|one| self.helps(one, broken, chosen))?;
        Some((key, Choice { candidate, needed_by: Some(by.to_owned()) }))
    }

    /// Whether the complaint is gone once the candidate is taken too.
    fn helps(&self, candidate: &Candidate, broken: &Broken, chosen: &BTreeMap<Key, Choice>) -> bool {
        let mut with = chosen.clone();
        with.insert(candidate.member.key(), Choice { candidate: candidate.clone(), needed_by: None });
        !self.after(&with).broken().contains(broken)
    }

    /// Refuses an update that cannot hold.
    fn blame(&mut self, broken: &Broken, chosen: &BTreeMap<Key, Choice>) {
        let says = format!("{} {}", broken.by.0, broken.says);
        let complains = chosen.get(&broken.by);
        let in_the_way = chosen.iter().filter(|(key, _)| broken.names.contains(&key.0));
        let guilty: Vec<(Key, String, String)> = match complains {
            Some(choice) => vec![(broken.by.clone(), choice.candidate.member.version.clone(), broken.says.clone())],
            None => {
                in_the_way.map(|(key, one)| (key.clone(), one.candidate.member.version.clone(), says.clone())).collect()
            }
        };
        // A name that only something provided is not among them: then none of the updates can stay.
        let all = || chosen.iter().map(|(key, one)| (key.clone(), one.candidate.member.version.clone(), says.clone()));
        let guilty = if guilty.is_empty() { all().collect() } else { guilty };
        for (key, to, reason) in guilty {
            self.refuse(key, Some(to), format!("{reason}, and no version that is there makes that hold"));
        }
    }

    /// Everything that was refused of what is wanted, and of what was needed for it.
    pub(super) fn into_refused(self) -> Vec<Refused> {
        let refused = self.refused.into_iter();
        refused
            .map(|((package, arch), (to, reason))| Refused {
                package,
                arch: Some(arch).filter(|arch| !arch.is_empty()),
                to,
                reason,
            })
            .collect()
    }
}
