//! The comparators against upstream tables, native tools and each scheme's own rules.
//!
//! | module | what belongs there |
//! |---|---|
//! | `tables` | the shared tables of upstream projects and other scanners, every row of them |
//! | `contradicted` | rows of these that the ecosystem's own tool contradicts |
//! | `tools` | the tools themselves: dpkg, RubyGems, Composer, Maven, libalpm, R, node-semver |
//! | `properties` | what must hold for any texts |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;
#[path = "../support/shared.rs"]
mod shared;

mod contradicted;
mod properties;
mod tables;
mod tools;

use std::cmp::Ordering;
use std::path::Path;

use imgguard::version::{SCHEMES, by_name};

/// Two versions and where the first stands to the second.
type Row = (String, Ordering, String);

/// Rows `A OP B` of a table.
fn rows(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"));
    lines.map(|line| row(line).unwrap_or_else(|| panic!("{}: {line}", path.display()))).collect()
}

fn row(line: &str) -> Option<Row> {
    let operators = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)];
    let (operator, order) = operators.into_iter().find(|(operator, _)| line.contains(operator))?;
    let (left, right) = line.split_once(operator)?;
    Some((left.trim().to_owned(), order, right.trim().to_owned()))
}

/// The rows of our own table of a scheme.
fn own_rows(scheme: &str) -> Vec<Row> {
    rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/versions").join(format!("{scheme}.txt")))
}

fn failures(scheme: &str, rows: &[Row]) -> Vec<String> {
    let scheme = by_name(scheme).unwrap();
    let wrong = |(left, order, right): &Row| {
        let ours = scheme.compare(left, right);
        let back = scheme.compare(right, left);
        let agrees = ours == Ok(*order) && back == Ok(order.reverse());
        (!agrees).then(|| format!("{left} {order:?} {right}: ours {ours:?}, back {back:?}"))
    };
    rows.iter().filter_map(wrong).collect()
}

#[test]
fn own_tables() {
    for scheme in SCHEMES {
        let rows = own_rows(scheme.name);
        assert!(rows.len() >= 12, "{}", scheme.name);
        let wrong = failures(scheme.name, &rows);
        assert!(wrong.is_empty(), "{}:\n{}", scheme.name, wrong.join("\n"));
    }
}

#[test]
fn pseudo_versions_and_toolchains() {
    let go = by_name("go").unwrap();
    for ascending in [
        &[
            "v0.0.0-20060102150405-abcdefabcdef",
            "v0.0.1",
            "v1.2.3-0.20060102150405-abcdefabcdef",
            "v1.2.3",
            "v2.0.0+incompatible",
        ][..],
        &["go1.21.13", "go1.22beta1", "go1.22rc1", "1.22rc2", "go1.22", "1.22.1"][..],
    ] {
        for pair in ascending.windows(2) {
            assert_eq!(go.compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
    }
    assert_eq!(go.compare("v1.0.0+incompatible", "v1.0.0"), Ok(Ordering::Equal));
    assert!(go.compare("(devel)", "v1.0.0").is_err());
}
