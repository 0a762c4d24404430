//! What packages say about each other: what one needs, provides, and does not stand beside, and whether that holds for a set of packages.
//!
//! dpkg and apk differ in how they write it and in how versions sort, not in what it means; rules that only one has (architectures of dpkg, versions that only begin alike of apk) do no harm to the other.
//!
//! Sources: Debian Policy 7; deb-control(5); apk-world(5).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Where a version stands to another one; none when one is no version.
pub(super) type Order = fn(&str, &str) -> Option<Ordering>;

/// One name with what is demanded of it: `libc6:any (>= 2.36)`, `so:libssl.so.3`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Relation {
    pub(super) name: String,
    /// `any`, `native` or an architecture.
    pub(super) qualifier: Option<String>,
    pub(super) version: Option<(Operator, String)>,
}

/// How a version has to stand to the one that is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    Earlier,
    EarlierOrEqual,
    Equal,
    LaterOrEqual,
    Later,
    /// It is that, or begins so.
    Begins,
}

impl Operator {
    fn holds(self, version: &str, wanted: &str, order: Order) -> bool {
        if self == Self::Begins {
            return version
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']));
        }
        order(version, wanted).is_some_and(|order| match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierOrEqual => order.is_le(),
            Self::Equal | Self::Begins => order.is_eq(),
            Self::LaterOrEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        })
    }
}

impl Relation {
    pub(super) fn allows(&self, version: &str, order: Order) -> bool {
        self.version.as_ref().is_none_or(|(operator, wanted)| operator.holds(version, wanted, order))
    }
}

/// What is known of a package, installed or to be.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) arch: String,
    pub(super) version: String,
    /// dpkg's `Multi-Arch`, empty for others.
    pub(super) multi_arch: String,
    pub(super) provides: Vec<Relation>,
    /// Alternatives, each group with how it is written.
    pub(super) needs: Vec<(Vec<Relation>, String)>,
    pub(super) excludes: Vec<(Relation, String)>,
    pub(super) order: Order,
}

/// Name and architecture.
pub(super) type Key = (String, String);

impl Member {
    pub(super) fn key(&self) -> Key {
        (self.name.clone(), self.arch.clone())
    }

    /// Whether its architecture serves a package of `arch` that names it like `relation`.
    fn serves(&self, relation: &Relation, arch: &str) -> bool {
        match relation.qualifier.as_deref() {
            Some("any") => matches!(self.multi_arch.as_str(), "allowed" | "foreign") || self.arch_fits(arch),
            None | Some("native") => self.arch_fits(arch) || self.multi_arch == "foreign",
            Some(named) => self.arch == named || self.arch == "all",
        }
    }

    fn arch_fits(&self, arch: &str) -> bool {
        self.arch == arch || self.arch == "all" || arch == "all"
    }

    /// Whether it is what `relation`, of a package of `arch`, names: itself, or by what it provides.
    fn satisfies(&self, relation: &Relation, arch: &str) -> bool {
        if !self.serves(relation, arch) {
            return false;
        }
        let is_itself = self.name == relation.name && relation.allows(&self.version, self.order);
        let provides = |provided: &Relation| {
            provided.name == relation.name
                && match &provided.version {
                    Some((_, version)) => relation.allows(version, self.order),
                    // What is provided without a version satisfies no demand for one (Policy 7.5; apk does the same).
                    None => relation.version.is_none(),
                }
        };
        is_itself || self.provides.iter().any(provides)
    }
}

/// A set of packages, by name.
#[derive(Default)]
pub(super) struct Packages<'m> {
    members: BTreeMap<Key, &'m Member>,
    /// By every name that one has or provides.
    by_name: BTreeMap<&'m str, Vec<&'m Member>>,
}

/// Something that does not hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Broken {
    /// Who says it.
    pub(super) by: Key,
    /// `needs libc6 (>= 2.37)`, `breaks a (<< 2)`.
    pub(super) says: String,
    /// Names of the alternatives, or of the package that is in the way.
    pub(super) names: Vec<String>,
    /// A package that is in the way; none where one is missing.
    pub(super) other: Option<Key>,
}

impl<'m> Packages<'m> {
    pub(super) fn of(members: impl Iterator<Item = &'m Member>) -> Self {
        let mut packages = Self::default();
        for member in members {
            packages.members.insert(member.key(), member);
            let names: BTreeSet<&str> =
                member.provides.iter().map(|one| one.name.as_str()).chain([member.name.as_str()]).collect();
            names.into_iter().for_each(|name| packages.by_name.entry(name).or_default().push(member));
        }
        packages
    }

    /// All that does not hold.
    pub(super) fn broken(&self) -> BTreeSet<Broken> {
        let of = |member: &&'m Member| self.missing(member).chain(self.excluded(member)).chain(self.uneven(member));
        self.members.values().flat_map(of).collect()
    }

    fn named(&self, relation: &Relation) -> &[&'m Member] {
        self.by_name.get(relation.name.as_str()).map_or(&[], Vec::as_slice)
    }

    fn missing(&self, member: &'m Member) -> impl Iterator<Item = Broken> {
        let holds = |group: &[Relation]| {
            group.iter().any(|relation| self.named(relation).iter().any(|one| one.satisfies(relation, &member.arch)))
        };
        member.needs.iter().filter(move |(group, _)| !holds(group)).map(|(group, text)| Broken {
            by: member.key(),
            says: format!("needs {text}"),
            names: group.iter().map(|relation| relation.name.clone()).collect(),
            other: None,
        })
    }

    /// Packages that share files over architectures (`Multi-Arch: same`) must have one version.
    fn uneven(&self, member: &'m Member) -> impl Iterator<Item = Broken> {
        let named = self.by_name.get(member.name.as_str()).map_or(&[][..], Vec::as_slice);
        let is_other =
            |one: &&&'m Member| one.name == member.name && one.arch != member.arch && one.version != member.version;
        let others = named.iter().filter(|_| member.multi_arch == "same").filter(is_other);
        others.map(|one| Broken {
            by: member.key(),
            says: format!("must have the version of {}:{}", one.name, one.arch),
            names: vec![one.name.clone()],
            other: Some(one.key()),
        })
    }

    fn excluded(&self, member: &'m Member) -> impl Iterator<Item = Broken> {
        member.excludes.iter().flat_map(move |(relation, text)| {
            // Without a qualifier these are about every architecture; a package is never in its own way.
            let is_hit = |one: &&&'m Member| {
                let any =
                    Relation { qualifier: relation.qualifier.clone().or(Some(one.arch.clone())), ..relation.clone() };
                one.name != member.name && one.satisfies(&any, &member.arch)
            };
            let hit = self.named(relation).iter().filter(is_hit);
            hit.map(|one| Broken {
                by: member.key(),
                says: text.clone(),
                names: vec![one.name.clone()],
                other: Some(one.key()),
            })
        })
    }
}

/// What does not hold of the packages afterwards and did before, for people.
pub(super) fn newly_broken(before: &[Member], after: &[Member]) -> Vec<String> {
    let known = Packages::of(before.iter()).broken();
    let broken = Packages::of(after.iter()).broken();
    let new = broken.iter().filter(|broken| !known.contains(broken));
    new.map(|Broken { by, says, .. }| format!("{} {says}", by.0)).collect()
}
