//! Facts that go with advisories: exploited CVEs, scores, end-of-life dates.

use imgguard::advisory::lifecycle::End;
use jiff::civil::date;

use super::of;

// https://www.cisa.gov/known-exploited-vulnerabilities-catalog, catalogue 2025.08.25: 1,404 entries, 293 with ransomware.
#[test]
fn the_catalogue_of_exploited_vulnerabilities_is_complete() {
    let Some((store, report)) = of(&["kev/known_exploited_vulnerabilities.json.gz"]) else { return };
    assert_eq!(store.provenance().exploited, 1404);
    let of = |cve: &str| store.exploitation(&[cve.to_owned()]).unwrap().exploited;
    let log4shell = of("CVE-2021-44228").expect("Log4Shell is listed");
    assert_eq!((log4shell.date_added(), log4shell.ransomware), (Some(date(2021, 12, 10)), true));
    assert_eq!(of("CVE-2025-48384").map(|entry| entry.ransomware), Some(false));
    assert_eq!(of("CVE-2030-0001"), None);
    let source = &report.provenance.sources[0];
    assert_eq!((source.modified.as_deref(), source.records), (Some("2025-08-25T17:04:19Z"), 1404));
}

#[test]
fn scores_are_those_of_the_file_and_dated_by_their_model() {
    let Some((store, report)) = of(&["epss/vunnel-example-1.csv"]) else { return };
    let of = |cves: &[&str]| {
        store.exploitation(&cves.iter().map(|cve| (*cve).to_owned()).collect::<Vec<_>>()).unwrap().score
    };
    let score = of(&["CVE-1999-0005"]).unwrap();
    assert_eq!((score.probability(), score.percentile()), (0.91963, 0.99214));
    assert_eq!(of(&["CVE-1999-0001", "CVE-1999-0004"]).unwrap().probability(), 0.00917, "the worst of several");
    assert_eq!(report.provenance.sources[0].modified.as_deref(), Some("2025-02-20T00:00:00Z"));
    assert!(
        super::refusal("epss.csv", b"#model_version:v2023.03.01\ninvalid,header,format\nCVE-2024-6775,0.1,0.2\n")
            .is_some()
    );
}

// https://endoflife.date/debian, /nodejs
#[test]
fn ends_of_life_are_found_by_product_and_version() {
    let Some((store, _)) = of(&["eol"]) else { return };
    assert_eq!(store.provenance().lifecycles, 81);
    let debian = store.lifecycle("debian").unwrap().expect("a product");
    let bookworm = debian.cycle("12.5").expect("a cycle");
    assert_eq!(
        (bookworm.security.is_over(date(2026, 7, 10)), bookworm.security.is_over(date(2026, 7, 11))),
        (Some(false), Some(true))
    );
    assert_eq!(bookworm.extended.is_over(date(2028, 6, 29)), Some(false));
    let node = store.lifecycle("nodejs").unwrap().expect("a product");
    assert!(node.cycle("22.11.0").is_some_and(|cycle| cycle.long_term));
    assert!(node.identifiers.contains(&"pkg:docker/library/node".to_owned()));
}

#[test]
fn the_api_says_the_same_in_other_words() {
    let Some((store, _)) = of(&["feeds/eol/endoflife.date-products-full.small.json"]) else { return };
    let python = store.lifecycle("python").unwrap().expect("a product");
    let old = python.cycle("2.7.18").expect("a cycle");
    assert_eq!(old.security.is_over(date(2020, 1, 1)), Some(true));
    assert_eq!(old.extended, End::Unstated);
    // The whole answer has a `schema_version` and `aliases`, as a record of OSV has.
    let Some((store, report)) = of(&["feeds/eol/endoflife.date-products-full.json"]) else { return };
    assert_eq!((store.provenance().lifecycles, report.sources.len()), (2, 1));
    assert!(store.lifecycle("ubuntu").unwrap().expect("a product").cycle("22.04").is_some_and(|cycle| cycle.long_term));
}
