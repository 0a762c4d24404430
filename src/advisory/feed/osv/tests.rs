use super::*;
use crate::advisory::model::Upper;

fn kept(json: &str) -> Draft {
    match translate(&Record::parse(json.as_bytes()).expect("a record")) {
        Translated::Kept(draft) => *draft,
        other => panic!("{other:?}"),
    }
}

/// A record of one npm package with this affected entry.
fn npm(entry: &str) -> Draft {
    kept(&format!(
        r#"{{"id":"T-1","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"x"}},{entry}}}]}}"#
    ))
}

fn shown(draft: &Draft) -> Vec<String> {
    draft
        .rows
        .iter()
        .flat_map(|(_, row)| {
            row.intervals
                .iter()
                .map(ToString::to_string)
                .chain(row.versions.iter().map(|version| format!("= {version}")))
        })
        .collect()
}

#[test]
fn only_versions_outside_of_ranges_are_kept() {
    let draft = npm(
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"fixed":"2.0.0"}]}],"versions":["1.0.0","1.5.0","0.9.0","0.9.0"]"#,
    );
    assert_eq!(shown(&draft), [">= 1.0.0, < 2.0.0", "= 0.9.0"]);
}

#[test]
fn git_ranges_and_empty_entries_judge_nothing() {
    let git = npm(r#""ranges":[{"type":"GIT","repo":"x","events":[{"introduced":"0"}]}]"#);
    assert_eq!((git.rows.len(), git.losses.without_versions), (0, 1));
    assert_eq!(npm(r#""ranges":null,"versions":null"#).losses.without_versions, 1);
}

#[test]
fn the_last_known_version_only_closes_open_ranges_above_their_start() {
    let entry = |events: &str, known: &str| {
        shown(&npm(&format!(
            r#""ranges":[{{"type":"SEMVER","events":[{events}]}}],"database_specific":{{"last_known_affected_version_range":"{known}"}}"#
        )))
    };
    let open = r#"{"introduced":"1.0.0"}"#;
    assert_eq!(entry(open, "<= 1.4.0"), [">= 1.0.0, <= 1.4.0"]);
    assert_eq!(entry(open, "< 1.4.0"), [">= 1.0.0, < 1.4.0"]);
    assert_eq!(entry(r#"{"introduced":"1.0.0"},{"fixed":"1.2.0"}"#, "<= 1.4.0"), [">= 1.0.0, < 1.2.0"]);
    for useless in ["<= 0.5.0", "= 1.0.0", "<=", "<= what, ever", ""] {
        assert_eq!(entry(open, useless), [">= 1.0.0"], "{useless}");
    }
}

#[test]
fn a_bound_of_the_last_known_version_is_no_fix() {
    let draft = npm(
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"< 1.4.0"}"#,
    );
    assert_eq!(draft.rows[0].1.intervals[0].to, Upper::Before("1.4.0".to_owned()));
}

#[test]
fn custom_ranges_that_do_not_parse_do_not_replace_anything() {
    let go = |custom: &str| {
        shown(&kept(&format!(
            r#"{{"id":"GO-1","affected":[{{"package":{{"ecosystem":"Go","name":"x"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}],
            "ecosystem_specific":{{"custom_ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{custom}"}}]}}]}}}}]}}"#
        )))
    };
    assert_eq!(go("1.2.3"), ["< 1.2.3"]);
    assert_eq!(go("not a version"), ["all versions"]);
}

#[test]
fn odd_free_form_content_does_not_cost_the_record() {
    let draft = kept(
        r#"{"id":"T-1","database_specific":[1,2],"severity":null,"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1.0.0"],
        "ecosystem_specific":"text","database_specific":{"informational":7}}]}"#,
    );
    assert_eq!(shown(&draft), ["= 1.0.0"]);
}

#[test]
fn cves_come_from_derived_ids() {
    for (id, cve) in [
        ("DEBIAN-CVE-2023-0286", Some("CVE-2023-0286")),
        ("UBUNTU-CVE-2016-20013", Some("CVE-2016-20013")),
        ("CVE-2023-0286", Some("CVE-2023-0286")),
        ("CVE-2023-0286-x", None),
        ("x_NSWG-ECO-244", None),
        ("GHSA-8qxg-mff5-j3wc", None),
    ] {
        assert_eq!(cve_of(id), cve, "{id}");
    }
}

#[test]
fn related_ids_are_cves_of_errata_only() {
    let erratum = kept(r#"{"id":"ALSA-2030:1","related":["CVE-2030-0001"],"affected":[]}"#);
    assert_eq!(erratum.advisory.cves, ["CVE-2030-0001"]);
    let other = kept(r#"{"id":"GHSA-x","related":["CVE-2030-0001"],"affected":[]}"#);
    assert!(other.advisory.cves.is_empty());
}

#[test]
fn placeholder_dates_are_no_dates() {
    let draft =
        kept(r#"{"id":"GO-1","modified":"0001-01-01T00:00:00Z","published":"2026-01-02T03:04:05.678Z","affected":[]}"#);
    assert_eq!((draft.advisory.modified, draft.advisory.published), (None, Some(1_767_323_045)));
}

#[test]
fn texts_that_could_harm_a_terminal_do_not_get_in() {
    let draft = npm(
        r#""ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.0.0\u001b[2J"}]}],"versions":["1\u0007"]"#,
    );
    assert!(draft.rows[0].1.unevaluable && shown(&draft).is_empty());
    let named = kept(
        r#"{"id":"T-1","aliases":["CVE-1\u001b[2J","CVE-2026-0001"],"affected":[{"package":{"ecosystem":"npm","name":"x\u0000y"},"versions":["1"]}]}"#,
    );
    assert_eq!((named.advisory.aliases, named.rows.len()), (vec!["CVE-2026-0001".to_owned()], 0));
}

#[test]
fn more_events_than_any_range_needs_are_not_sorted() {
    let events: Vec<String> = (0..5000).map(|number| format!(r#"{{"introduced":"1.0.{number}"}}"#)).collect();
    let draft = npm(&format!(r#""ranges":[{{"type":"SEMVER","events":[{}]}}]"#, events.join(",")));
    assert!(draft.rows[0].1.unevaluable);
}

/// As many entries, intervals and versions of one package as a record of some megabytes holds: work must not grow with their square.
#[test]
fn crowded_records_take_no_quadratic_time() {
    let entry = |ecosystem: &str, number: u32| {
        format!(
            r#"{{"package":{{"ecosystem":"{ecosystem}","name":"x"}},"versions":["9.0.{number}"],"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"1.{number}.0"}},{{"fixed":"1.{number}.1"}}]}}]}}"#
        )
    };
    for ecosystem in ["npm", "AlmaLinux:9"] {
        let entries: Vec<String> = (0..30_000).map(|number| entry(ecosystem, number)).collect();
        let draft = kept(&format!(
            r#"{{"id":"ALSA-2030:1","summary":"Low: y security update","affected":[{}]}}"#,
            entries.join(",")
        ));
        match ecosystem {
            "npm" => assert!(
                draft.rows.len() == 1 && draft.rows[0].1.unevaluable && draft.rows[0].1.versions.len() == 30_000
            ),
            _ => assert_eq!(draft.rows.len(), 30_000),
        }
    }
}
