//! CSAF documents (`advisory::csaf`) of vendors ▸ what they state of packages.
//!
//! Red Hat and SUSE use the same shape and mean different things by it: what a product is called and what its package's version is are told in
//! each one's file.

pub(super) mod redhat;
pub(super) mod suse;

use std::collections::BTreeMap;

use super::{Draft, Item, Meta, Translated, draft};
use crate::advisory::csaf::{Csaf, Flaw, Note, Products};
use crate::advisory::error::RecordError;
use crate::advisory::model::{Interval, Rating, Row, Severity, Status, Upper};
use crate::advisory::osv::Text;
use crate::advisory::severity;

/// A package of an ecosystem, as a product id names it.
pub(super) struct Package {
    /// Ecosystem with release and channel.
    ecosystem: String,
    /// Binary or source package.
    name: String,
    /// `epoch:version-release`; `None` where the id is about every version, or its version is not the package's.
    evr: Option<String>,
    /// `name:stream`.
    module: Option<String>,
    /// Architecture, `src` for the source package, empty where none is named.
    arch: String,
}

/// How a vendor's products become packages of ecosystems.
pub(super) trait Vendor: Sync {
    /// The feed.
    fn meta(&self) -> &'static Meta;
    /// Before the ids of records about one CVE, which have no id of their own.
    fn prefix(&self) -> &'static str;
    /// The package that a product id stands for; `None` for products that are no packages of a distribution. `versioned` tells whether the
    /// id carries a version, which some vendors only show by the list that it is in.
    fn package(&self, products: &Products<'_>, id: &str, versioned: bool) -> Option<Package>;
}

/// Reads a document.
pub(super) fn read(vendor: &dyn Vendor, bytes: &[u8]) -> Result<Item, RecordError> {
    let text = std::str::from_utf8(bytes).map_err(|_| RecordError::NotUtf8)?;
    let csaf = Csaf::parse(text).map_err(RecordError::Json)?;
    let tracking = &csaf.document.tracking;
    let own = tracking.id.as_ref().ok_or(RecordError::Id)?.as_str();
    let time = |text: &Option<Text<'_>>| text.as_ref().and_then(|text| draft::unix_seconds(text.as_str()));
    let modified = time(&tracking.current_release_date);
    let id = if own.starts_with("CVE-") { format!("{}{own}", vendor.prefix()) } else { own.to_owned() };
    if tracking.status.as_ref().is_some_and(|status| status.as_str() == "deleted") {
        return Ok(Item::Record(Translated::Withdrawn { id, modified, at: modified }));
    }
    let cves = csaf.vulnerabilities.iter().filter_map(|flaw| flaw.cve.as_ref()).map(Text::as_str);
    let flaws = cves.chain(Some(own).filter(|own| own.starts_with("CVE-")));
    let mut draft = Draft::new(vendor.meta(), &id, flaws).ok_or(RecordError::Id)?;
    let advisory = &mut draft.advisory;
    (advisory.published, advisory.modified) = (time(&tracking.initial_release_date), modified);
    advisory.vectors = draft::sorted(csaf.vulnerabilities.iter().flat_map(vectors).collect());
    advisory.rating = severity::rate(worst(&csaf), advisory.vectors.iter().map(String::as_str));
    let products = csaf.products();
    let severity = draft.advisory.rating.severity;
    let mut statements =
        Statements { vendor, products: &products, severity, found: BTreeMap::new(), other_products: 0 };
    csaf.vulnerabilities.iter().for_each(|flaw| statements.take(flaw));
    statements.state(&mut draft, is_vex(&csaf));
    Ok(Item::Record(Translated::Kept(Box::new(draft.settled()))))
}

fn vectors(flaw: &Flaw<'_>) -> Vec<String> {
    let scores = flaw.scores.iter().flat_map(|score| [&score.cvss_v3, &score.cvss_v2]);
    let texts = scores.flatten().filter_map(|vector| vector.text.as_ref()).map(Text::as_str);
    texts.filter(|text| crate::advisory::osv::is_plain_id(text)).map(str::to_owned).collect()
}

fn is_vex(csaf: &Csaf<'_>) -> bool {
    csaf.document.category.as_ref().is_some_and(|category| category.as_str() == "csaf_vex")
}

/// The document's own word, else the worst impact that it states.
fn worst(csaf: &Csaf<'_>) -> Option<Severity> {
    let own = csaf.document.aggregate_severity.as_ref().and_then(|own| own.text.as_ref());
    let impacts = csaf.vulnerabilities.iter().flat_map(|flaw| &flaw.threats);
    let worst = impacts.filter_map(impact).max();
    own.and_then(|word| severity::from_word(word.as_str())).or(worst)
}

fn impact(threat: &Note<'_>) -> Option<Severity> {
    let details = threat.details.as_ref().filter(|_| threat.category.as_str() == "impact")?;
    severity::from_word(details.as_str())
}

/// What a document states, by package.
struct Statements<'a> {
    vendor: &'a dyn Vendor,
    products: &'a Products<'a>,
    /// The record's.
    severity: Severity,
    found: BTreeMap<Place, Vec<(Row, String)>>,
    other_products: u32,
}

/// Ecosystem, name, module stream.
type Place = (String, String, Option<String>);

impl Statements<'_> {
    fn take(&mut self, flaw: &Flaw<'_>) {
        let Some(status) = &flaw.product_status else { return };
        let plans = plans(flaw);
        let impacts = self.other_impacts(flaw);
        for id in [&status.fixed, &status.first_fixed, &status.recommended].into_iter().flatten() {
            self.add(id.as_str(), true, &impacts, |package| match &package.evr {
                Some(evr) => Row::fixed_in(evr),
                // A module's own version is no version of its packages.
                None => Row { unevaluable: true, ..Row::default() },
            });
        }
        for id in &status.known_affected {
            let plan = plans.get(id.as_str()).copied().unwrap_or_default();
            self.add(id.as_str(), false, &impacts, |_| Row::unfixed(plan));
        }
        for id in &status.under_investigation {
            self.add(id.as_str(), false, &impacts, |_| Row::unfixed(Status::UnderInvestigation));
        }
        for id in &status.known_not_affected {
            self.add(id.as_str(), false, &impacts, |_| Row::not_affected());
        }
    }

    /// Severities of single products that are not the record's.
    fn other_impacts<'f>(&self, flaw: &'f Flaw<'_>) -> BTreeMap<&'f str, Severity> {
        let mut impacts = BTreeMap::new();
        for threat in &flaw.threats {
            if let Some(severity) = impact(threat).filter(|severity| *severity != self.severity) {
                impacts.extend(threat.product_ids.iter().map(|id| (id.as_str(), severity)));
            }
        }
        impacts
    }

    fn add(&mut self, id: &str, versioned: bool, impacts: &BTreeMap<&str, Severity>, row: impl Fn(&Package) -> Row) {
        let Some(package) = self.vendor.package(self.products, id, versioned) else {
            self.other_products += 1;
            return;
        };
        let rating = impacts.get(id).map(|severity| Rating { severity: *severity, cvss_tenths: None });
        let row = Row { module: package.module.clone(), rating, ..row(&package) };
        let place = (package.ecosystem, package.name, package.module);
        self.found.entry(place).or_default().push((row, package.arch));
    }

    /// States what was found, without what only repeats or contradicts it:
    ///
    /// * Where a release has a fix, a line that calls the package affected is about an earlier minor release of the same channel.
    /// * That a package is not affected is worth keeping only where the document calls it affected somewhere.
    fn state(self, draft: &mut Draft, is_vex: bool) {
        draft.losses.other_products += self.other_products;
        let exposed: std::collections::BTreeSet<String> = self
            .found
            .iter()
            .filter(|(_, rows)| rows.iter().any(|(row, _)| row.status.is_exposure()))
            .map(|((_, name, _), _)| name.clone())
            .collect();
        for ((ecosystem, name, _), rows) in self.found {
            let fixed = rows.iter().any(|(row, _)| is_fix(row));
            let binary = rows.iter().any(|(row, arch)| is_fix(row) && !matches!(arch.as_str(), "src" | ""));
            for (row, arch) in rows {
                let stale = fixed && !is_fix(&row);
                // Where builds are listed, the source is, too, with an epoch that those of its packages need not have.
                let source = binary && arch == "src";
                let idle = is_vex && !row.status.is_exposure() && !exposed.contains(&name);
                if !stale && !source && !idle {
                    draft.state(&ecosystem, &name, row);
                }
            }
        }
    }
}

fn is_fix(row: &Row) -> bool {
    row.unevaluable || matches!(row.intervals.as_slice(), [Interval { to: Upper::Fixed(_), .. }])
}

/// What the vendor plans for products that have no fix. "Out of support scope" is said of releases that get no more fixes of that severity.
fn plans<'a>(flaw: &'a Flaw<'_>) -> BTreeMap<&'a str, Status> {
    let mut plans = BTreeMap::new();
    for remediation in &flaw.remediations {
        let details = remediation.details.as_ref().map_or("", Text::as_str);
        let status = match (remediation.category.as_str(), details) {
            ("no_fix_planned", "Out of support scope") => Status::EndOfLife,
            ("no_fix_planned", _) => Status::WontFix,
            ("none_available", "Fix deferred") => Status::Deferred,
            ("none_available", "Under investigation") => Status::UnderInvestigation,
            _ => continue,
        };
        plans.extend(remediation.product_ids.iter().map(|id| (id.as_str(), status)));
    }
    plans
}
