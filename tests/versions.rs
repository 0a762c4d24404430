//! The comparators against upstream tables, native tools and each scheme's own rules.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/shared.rs"]
mod shared;

use std::cmp::Ordering;
use std::path::Path;
use std::process::Command;

use imgguard::version::{SCHEMES, by_name};
use proptest::prelude::*;

/// Rows `A OP B` of a table.
fn rows(path: &Path) -> Vec<(String, Ordering, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"));
    lines
        .map(|line| {
            let (operator, order) = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)]
                .into_iter()
                .find(|(operator, _)| line.contains(operator))
                .unwrap_or_else(|| panic!("{}: {line}", path.display()));
            let (left, right) = line.split_once(operator).unwrap();
            (left.trim().to_owned(), order, right.trim().to_owned())
        })
        .collect()
}

fn failures(scheme: &str, rows: &[(String, Ordering, String)]) -> Vec<String> {
    let scheme = by_name(scheme).unwrap();
    let wrong = |(left, order, right): &(String, Ordering, String)| {
        let ours = scheme.compare(left, right);
        let back = scheme.compare(right, left);
        let agrees = ours == Ok(*order) && back == Ok(order.reverse());
        (!agrees).then(|| format!("{left} {order:?} {right}: ours {ours:?}, back {back:?}"))
    };
    rows.iter().filter_map(wrong).collect()
}

/// Tables with the number of their rows, so that a table that is not read fails.
const TABLES: &[(&str, &str, usize)] = &[
    ("apk", "osv-scalibr/alpine-versions.txt", 778),
    ("apk", "osv-scalibr/alpine-versions-generated.txt", 13_979),
    ("deb", "osv-scalibr/debian-versions.txt", 30),
    ("deb", "osv-scalibr/debian-versions-generated.txt", 14_442),
    ("deb", "upstream/dpkg.txt", 43),
    ("rpm", "osv-scalibr/redhat-versions.txt", 165),
    ("rpm", "upstream/rpmvercmp.txt", 91),
    ("pep440", "osv-scalibr/pypi-versions.txt", 37),
    ("pep440", "osv-scalibr/pypi-versions-generated.txt", 12_375),
    ("pep440", "upstream/pep440-order.txt", 53),
    ("pep440", "upstream/pep440-normalized.txt", 210),
    ("semver", "osv-scalibr/semver-versions.txt", 86),
    ("semver", "upstream/npm-semver-gt.txt", 31),
    ("semver", "upstream/npm-semver-eq.txt", 10),
    ("go", "upstream/go-semver.txt", 23),
];

#[test]
fn upstream_tables_pass_whole() {
    let Some(shared) = shared::folder("data/versions") else { return };
    let mut wrong = Vec::new();
    for (scheme, file, count) in TABLES {
        let mut rows = rows(&shared.join(file));
        assert_eq!(rows.len(), *count, "{file}");
        if *file == "upstream/pep440-normalized.txt" {
            // 46 rows pair a version with its `public` or `base_version`, or are names of attributes: `packaging` 25.0 itself says that they are not equal.
            rows.retain(|(left, _, right)| {
                left != "version" && !(left.starts_with(right.as_str()) && left != right && left != "1.0.post000")
            });
            assert_eq!(rows.len(), count - 46);
        }
        wrong.extend(failures(scheme, &rows).into_iter().map(|failure| format!("{file}: {failure}")));
    }
    assert!(wrong.is_empty(), "{} rows\n{}", wrong.len(), wrong.join("\n"));
}

/// `A, B || C, D`: whether the version fits one of the alternatives.
fn satisfies(scheme: &str, version: &str, constraint: &str) -> bool {
    let scheme = by_name(scheme).unwrap();
    let one = |condition: &str| {
        let condition = condition.trim().trim_matches('\'');
        let (operator, wanted) = ["<=", ">=", "<", ">", "="]
            .into_iter()
            .find_map(|op| Some((op, condition.strip_prefix(op)?)))
            .unwrap_or(("=", condition));
        let order = scheme.compare(version, wanted.trim().trim_matches('\'')).unwrap();
        match operator {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => order.is_eq(),
        }
    };
    let all = |alternative: &str| alternative.split(',').filter(|part| !part.trim().is_empty()).all(one);
    constraint.trim().is_empty() || constraint.split("||").any(all)
}

#[test]
fn constraints_of_another_scanner() {
    let Some(shared) = shared::folder("data/versions") else { return };
    // SemVer 2.0.0 section 9: `alpha.beta` are two identifiers, `alpha-beta` is one; node-semver says they differ.
    // PEP 440: a version sorts below the same with a local part; that scanner's `<=` and `=` are specifiers, which ignore it. One row is cut short.
    let exceptions = [
        "1.0.0.alpha.beta\t= 1.0.0-alpha-beta",
        "1.0.0.rc.alpha\t= 1.0.0-rc-alpha",
        "6.4+cgr.1\t<=6.4.0",
        "2.0.0+cgr.1\t= 2.0.0",
        "4.5.2\t\\",
    ];
    for (scheme, file, least) in [
        ("apk", "grype/apk-constraint.tsv", 30),
        ("deb", "grype/deb-constraint.tsv", 70),
        ("semver", "grype/semantic-constraint.tsv", 95),
        ("pep440", "grype/pep440-constraint.tsv", 37),
        ("go", "grype/golang-constraint.tsv", 4),
    ] {
        let text = std::fs::read_to_string(shared.join(file)).unwrap();
        let (mut count, mut wrong) = (0, Vec::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [version, constraint, expected] = fields[..] else { continue };
            if exceptions.iter().any(|exception| line.starts_with(exception)) {
                continue;
            }
            count += 1;
            if satisfies(scheme, version, constraint) != (expected == "true") {
                wrong.push(line.to_owned());
            }
        }
        assert!(count >= least, "{file}: {count}");
        assert!(wrong.is_empty(), "{file}\n{}", wrong.join("\n"));
    }
}

#[test]
fn rpm_pairs_of_another_scanner() {
    let Some(shared) = shared::folder("data/versions") else { return };
    let text = std::fs::read_to_string(shared.join("grype/rpm-compare.tsv")).unwrap();
    let rows: Vec<_> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect::<Vec<_>>()).collect();
    assert_eq!(rows.len(), 19);
    // That scanner ignores an epoch that only one side has; `rpm --eval '%{lua: print(rpm.ver("1:0") < rpm.ver("1"))}'` says false for each of these.
    let ignored_epoch = |row: &[&str]| {
        ["1:0", "2:4.19.01-1.el7_5"].contains(&row[0])
            || (row[0], row[1]) == ("4.19.01-1.el7_5", "2:4.19.1-1.el7_5")
            || row[1] == "12:4.19.0-1.el7"
            || row[0] == "3:4.19.0-1.el7_5"
    };
    for row in rows.into_iter().filter(|row| !ignored_epoch(row)) {
        let expected = row[2].parse::<i32>().unwrap().cmp(&0);
        assert_eq!(by_name("rpm").unwrap().compare(row[0], row[1]), Ok(expected), "{row:?}");
    }
}

#[test]
fn own_tables() {
    for scheme in SCHEMES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/versions").join(format!("{}.txt", scheme.name));
        let rows = rows(&path);
        assert!(rows.len() >= 12, "{}", path.display());
        let wrong = failures(scheme.name, &rows);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// dpkg itself on generated pairs, in one call.
#[test]
fn dpkg_agrees() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        skipped!("dpkg is absent");
        return;
    }
    let parts = [
        "1",
        "2.0",
        "1.0~rc1",
        "1.0+b1",
        "1:1.0",
        "0:2.0",
        "1.0-1",
        "1.0-1~",
        "1.0-1.1",
        "1.0a",
        "1.0.",
        "01.0",
        "1.0-0",
        "2.0-1ubuntu1",
        "1.0~~",
        "1.0~~a",
    ];
    let pairs: Vec<(&str, &str)> = parts.iter().flat_map(|a| parts.iter().map(move |b| (*a, *b))).collect();
    let question = |(a, b): &(&str, &str)| {
        format!(
            "dpkg --compare-versions '{a}' lt '{b}' && echo '<' || {{ dpkg --compare-versions '{a}' eq '{b}' && echo '=' || echo '>'; }}"
        )
    };
    let script = pairs.iter().map(question).collect::<Vec<_>>().join("\n");
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), pairs.len());
    let deb = by_name("deb").unwrap();
    for ((a, b), answer) in pairs.iter().zip(answers.lines()) {
        let expected = match answer {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            _ => Ordering::Greater,
        };
        assert_eq!(deb.compare(a, b), Ok(expected), "{a} {b}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_orders_are_consistent(a in "\\PC{0,20}", b in "[0-9a-z.~^_:+-]{1,12}", c in "[0-9a-z.~_-]{1,12}") {
        for scheme in SCHEMES {
            for (x, y) in [(&a, &b), (&b, &c), (&a, &c)] {
                let (ours, back) = (scheme.compare(x, y), scheme.compare(y, x));
                prop_assert_eq!(ours.clone().ok().map(Ordering::reverse), back.ok(), "{} {} {}", scheme.name, x, y);
                prop_assert!(scheme.compare(x, x).is_ok_and(Ordering::is_eq) || scheme.compare(x, x).is_err());
            }
        }
    }

    #[test]
    fn orders_are_transitive(mut versions in prop::collection::vec("[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(~[a-z])?(-[0-9])?", 3)) {
        for scheme in [by_name("deb").unwrap(), by_name("rpm").unwrap()] {
            versions.sort_by(|a, b| scheme.compare(a, b).unwrap());
            prop_assert!(scheme.compare(&versions[0], &versions[1]).unwrap().is_le());
            prop_assert!(scheme.compare(&versions[0], &versions[2]).unwrap().is_le());
        }
    }
}
