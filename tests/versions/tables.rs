//! The shared tables: of upstream projects, and of other scanners.

use std::path::Path;

use imgguard::version::by_name;

use super::{Row, contradicted, failures, row, rows, shared};

/// Tables with the number of their rows, so that a table that is not read fails, and the rows that do not count.
const TABLES: &[(&str, &str, usize, &[&str])] = &[
    ("apk", "osv-scalibr/alpine-versions.txt", 778, &[]),
    ("apk", "osv-scalibr/alpine-versions-generated.txt", 13_979, &[]),
    ("cran", "osv-scalibr/cran-versions.txt", 21, &[]),
    ("cran", "osv-scalibr/cran-versions-generated.txt", 57, &[]),
    ("cran", "osv-scalibr/hackage-versions.txt", 11, &[]),
    ("deb", "osv-scalibr/debian-versions.txt", 30, &[]),
    ("deb", "osv-scalibr/debian-versions-generated.txt", 14_442, &[]),
    ("deb", "upstream/dpkg.txt", 43, &[]),
    ("go", "upstream/go-semver.txt", 23, &[]),
    ("maven", "osv-scalibr/maven-versions.txt", 102, contradicted::MAVEN),
    ("maven", "osv-scalibr/maven-versions-generated.txt", 14_752, contradicted::MAVEN),
    ("maven", "upstream/maven.txt", 571, &[]),
    ("nuget", "osv-scalibr/nuget-versions.txt", 35, &[]),
    ("packagist", "osv-scalibr/packagist-versions.txt", 95, contradicted::PACKAGIST),
    ("packagist", "osv-scalibr/packagist-versions-generated.txt", 10_630, contradicted::PACKAGIST),
    ("pacman", "upstream/pacman-vercmp.txt", 46, &[]),
    ("pep440", "osv-scalibr/pypi-versions.txt", 37, &[]),
    ("pep440", "osv-scalibr/pypi-versions-generated.txt", 12_375, &[]),
    ("pep440", "upstream/pep440-order.txt", 53, &[]),
    ("pep440", "upstream/pep440-normalized.txt", 210, &[]),
    ("pub", "osv-scalibr/pub-versions.txt", 100, &[]),
    ("rpm", "osv-scalibr/redhat-versions.txt", 165, &[]),
    ("rpm", "upstream/rpmvercmp.txt", 91, &[]),
    ("rubygems", "osv-scalibr/rubygems-versions.txt", 25, &[]),
    ("rubygems", "osv-scalibr/rubygems-versions-generated.txt", 4_098, &[]),
    ("semver", "osv-scalibr/semver-versions.txt", 86, &[]),
    ("semver", "upstream/npm-semver-gt.txt", 31, &[]),
    ("semver", "upstream/npm-semver-eq.txt", 10, &[]),
];

#[test]
fn upstream_tables_pass_whole() {
    let Some(shared) = shared::folder("data/versions") else { return };
    let mut wrong = Vec::new();
    for (scheme, file, count, excepted) in TABLES {
        let mut rows = rows(&shared.join(file));
        assert_eq!(rows.len(), *count, "{file}");
        if *file == "upstream/pep440-normalized.txt" {
            // 46 rows pair a version with its `public` or `base_version`, or are names of attributes: `packaging` 25.0 itself says that they are not equal.
            rows.retain(|(left, _, right)| {
                left != "version" && !(left.starts_with(right.as_str()) && left != right && left != "1.0.post000")
            });
            assert_eq!(rows.len(), count - 46);
        }
        let excepted: Vec<Row> =
            excepted.iter().copied().chain([contradicted::PACKAGIST_NO_ORDER]).filter_map(row).collect();
        rows.retain(|row| !excepted.contains(row));
        wrong.extend(failures(scheme, &rows).into_iter().map(|failure| format!("{file}: {failure}")));
    }
    assert!(wrong.is_empty(), "{} rows\n{}", wrong.len(), wrong.join("\n"));
}

/// Rows of tabs; the number of their fields is the table's.
fn fields(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
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
    for (scheme, file, count, excepted) in [
        ("apk", "grype/apk-constraint.tsv", 34, &[][..]),
        ("bitnami", "grype/bitnami-constraint.tsv", 43, contradicted::BITNAMI),
        ("bitnami", "grype/jvm-constraint.tsv", 39, contradicted::JVM),
        ("deb", "grype/deb-constraint.tsv", 75, &[]),
        ("go", "grype/golang-constraint.tsv", 4, &[]),
        ("maven", "grype/maven-constraint.tsv", 70, &[]),
        ("pep440", "grype/pep440-constraint.tsv", 41, contradicted::PEP440),
        ("portage", "grype/portage-constraint.tsv", 55, &[]),
        ("rpm", "grype/rpm-constraint.tsv", 52, contradicted::RPM),
        ("rubygems", "grype/gem-constraint.tsv", 27, &[]),
        ("semver", "grype/semantic-constraint.tsv", 99, contradicted::SEMVER),
    ] {
        let lines = fields(&shared.join(file));
        assert_eq!(lines.len(), count, "{file}");
        for line in lines.iter().filter(|line| !excepted.iter().any(|excepted| line.starts_with(excepted))) {
            let [version, constraint, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{file}: {line}");
            };
            assert_eq!(satisfies(scheme, version, constraint), expected == "true", "{file}: {line}");
        }
    }
}

#[test]
fn pairs_of_another_scanner() {
    let Some(shared) = shared::folder("data/versions") else { return };
    for (scheme, file, count, excepted) in [
        ("bitnami", "grype/jvm-compare.tsv", 30, contradicted::JVM),
        ("maven", "grype/maven-compare.tsv", 17, contradicted::MAVEN),
        ("pacman", "grype/pacman-compare.tsv", 15, contradicted::PACMAN),
        ("portage", "grype/portage-compare.tsv", 10, &[]),
        ("rubygems", "grype/gem-compare.tsv", 39, contradicted::RUBYGEMS),
        ("rpm", "grype/rpm-compare.tsv", 19, &[]),
    ] {
        let lines = fields(&shared.join(file));
        assert_eq!(lines.len(), count, "{file}");
        let excepted: Vec<Row> = excepted.iter().filter_map(|line| row(line)).collect();
        let is_excepted = |row: &Row| excepted.contains(row) || (scheme == "rpm" && ignores_epoch(row));
        let rows: Vec<Row> = lines.iter().map(|line| compared(line)).filter(|row| !is_excepted(row)).collect();
        let wrong = failures(scheme, &rows);
        assert!(wrong.is_empty(), "{file}\n{}", wrong.join("\n"));
    }
}

fn compared(line: &str) -> Row {
    let [left, right, order] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
    (left.to_owned(), order.parse::<i32>().unwrap().cmp(&0), right.to_owned())
}

/// That scanner ignores an epoch that only one side has; `rpm --eval '%{lua: print(rpm.ver("1:0") < rpm.ver("1"))}'` says false for each of these.
fn ignores_epoch((left, _, right): &Row) -> bool {
    ["1:0", "2:4.19.01-1.el7_5", "3:4.19.0-1.el7_5"].contains(&left.as_str())
        || (left.as_str(), right.as_str()) == ("4.19.01-1.el7_5", "2:4.19.1-1.el7_5")
        || right == "12:4.19.0-1.el7"
}

/// Each base version of Go's own table is below the pseudo-version that Go makes of it.
#[test]
fn go_pseudo_versions_follow_their_base() {
    let Some(shared) = shared::folder("data/versions") else { return };
    let lines = fields(&shared.join("upstream/go-pseudo.txt"));
    let go = by_name("go").unwrap();
    let pairs: Vec<_> = lines.windows(2).filter(|pair| pair[0].contains('.') && is_pseudo(&pair[1])).collect();
    let pairs: Vec<_> = pairs.into_iter().filter(|pair| !is_pseudo(&pair[0]) && pair[0] != "v0.0.0-").collect();
    assert_eq!(pairs.len(), 9, "{pairs:?}");
    for pair in pairs {
        assert!(go.compare(&pair[0], &pair[1]).unwrap().is_lt(), "{pair:?}");
    }
}

fn is_pseudo(version: &str) -> bool {
    version.contains("20060102150405")
}

/// What PEP 440 refuses is below all that it allows.
#[test]
fn invalid_python_versions_are_below_valid_ones() {
    let Some(shared) = shared::folder("data/versions") else { return };
    let pep440 = by_name("pep440").unwrap();
    let lines = fields(&shared.join("upstream/pep440-invalid.txt"));
    assert_eq!(lines.len(), 6);
    for line in lines {
        assert!(pep440.compare(&line, "0.dev0").unwrap().is_lt(), "{line}");
    }
}

/// Ranges of node-semver that are comparators alone; the others are sugar that no advisory is written in.
#[test]
fn comparators_of_node_semver() {
    let Some(shared) = shared::folder("data/versions") else { return };
    for (file, expected, least) in
        [("upstream/npm-range-include.tsv", true, 15), ("upstream/npm-range-exclude.tsv", false, 8)]
    {
        let mut count = 0;
        for line in fields(&shared.join(file)) {
            let mut fields = line.split('\t');
            let (range, version) = (fields.next().unwrap(), fields.next().unwrap());
            let options = fields.next().unwrap_or_default();
            let Some(constraint) = comparators(range).filter(|_| options.is_empty() && !version.contains('-')) else {
                continue;
            };
            count += 1;
            assert_eq!(satisfies("semver", version, &constraint), expected, "{line}");
        }
        assert!(count >= least, "{file}: {count}");
    }
}

/// `>=1.0.0 <2.0.0 || 3.0.0` with commas; none for ranges that need more than an order (`^`, `~`, `x`, `1.0 - 2.0`, partial versions).
fn comparators(range: &str) -> Option<String> {
    let spaced = range.replace("> ", ">").replace("= ", "=").replace("< ", "<");
    let is_plain = |word: &str| {
        let version = word.trim_start_matches(['<', '>', '=', 'v']);
        version.split('.').count() == 3 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let alternatives: Option<Vec<String>> = spaced
        .split("||")
        .map(|alternative| {
            let words: Vec<&str> = alternative.split_whitespace().collect();
            (!words.is_empty() && words.iter().all(|word| is_plain(word))).then(|| words.join(", "))
        })
        .collect();
    Some(alternatives?.join(" || "))
}
