//! Rows of rpm distributions: only those that are about the installed build's module stream and minor release.
//!
//! A module's streams (`nodejs:10`, `nodejs:14`) ship packages of one name in parallel; a fix in one says nothing about the other. And
//! an erratum may list the same package once per build; then the installed build is judged by the one of its own minor release.

use std::collections::BTreeSet;

use super::Confidence;
use super::evaluate::Verdict;
use super::target::Target;
use crate::advisory::ecosystem;
use crate::advisory::model::{Row, Upper};
use crate::facts::PackageFact;

/// A row with how sure it is that it may judge the package, or why it may not.
pub(super) type Fitting = (u32, Row, Result<Confidence, Verdict>);

/// Which of the rows may judge `package`. Outside of rpm distributions all may.
pub(super) fn fitting(rows: Vec<(u32, Row)>, package: &PackageFact, target: &Target<'_>) -> Vec<Fitting> {
    if !ecosystem::is_rpm(&target.ecosystem) {
        return rows.into_iter().map(|(number, row)| (number, row, Ok(Confidence::High))).collect();
    }
    let fit = |(number, row): (u32, Row)| {
        let fit = fit(&row, package, &target.version).ok_or(Verdict::OtherStream);
        (number, row, fit)
    };
    let mut fitting: Vec<Fitting> = rows.into_iter().map(fit).collect();
    let Some(own) = dist(&target.version) else { return fitting };
    // Records whose rows name the installed build's own minor release.
    let names_own = |(_, row, fit): &&Fitting| fit.is_ok() && fix_dist(row) == Some(own);
    let exact: BTreeSet<u32> = fitting.iter().filter(names_own).map(|(number, ..)| *number).collect();
    for (_, row, fit) in fitting.iter_mut().filter(|(number, ..)| exact.contains(number)) {
        if fit.is_ok() && fix_dist(row) != Some(own) {
            *fit = Err(Verdict::OtherBuild);
        }
    }
    fitting
}

/// Whether a row is about the installed build's module stream; a build outside of modules only fits rows outside of modules.
fn fit(row: &Row, package: &PackageFact, version: &str) -> Option<Confidence> {
    match (&row.module, version.contains(".module")) {
        (None, false) => Some(Confidence::High),
        (Some(stream), true) => same_stream(stream, package, version),
        _ => None,
    }
}

fn same_stream(wanted: &str, package: &PackageFact, version: &str) -> Option<Confidence> {
    let (wanted_name, wanted_stream) =
        wanted.split_once(':').map_or((wanted, None), |(name, stream)| (name, Some(stream)));
    let Some(label) = package.module.as_deref().filter(|label| !label.is_empty()) else {
        // Old builds carry no label. Where the package is the module itself, its version begins with the stream.
        let numbers = wanted_stream
            .filter(|stream| package.name == wanted_name && stream.starts_with(|first: char| first.is_ascii_digit()));
        return numbers.is_none_or(|stream| upstream(version).starts_with(stream)).then_some(Confidence::Low);
    };
    let mut parts = label.split(':');
    let (name, stream) = (parts.next(), parts.next());
    if wanted_name.is_empty() {
        return Some(Confidence::Low); // the record does not tell
    }
    let same_name = name == Some(wanted_name);
    match wanted_stream {
        Some(wanted) => (same_name && stream == Some(wanted)).then_some(Confidence::High),
        None => same_name.then_some(Confidence::Medium),
    }
}

/// The version without its epoch.
fn upstream(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

fn fix_dist(row: &Row) -> Option<&str> {
    row.intervals.iter().find_map(|interval| match &interval.to {
        Upper::Fixed(fix) => dist(fix),
        _ => None,
    })
}

/// Minor release of a build: `el9_4` of `3.0.7-25.el9_4.1`, `module_el8.5.0` of `1.2-3.module_el8.5.0+119+9a9ec082`.
fn dist(version: &str) -> Option<&str> {
    if let Some(at) = version.find("module") {
        let tag = version.get(at..)?;
        let end = tag.get(7..)?.find('+').map_or(tag.len(), |end| end + 7);
        return tag.get(..end);
    }
    let at = version.rfind(".el")? + 1;
    let tag = version.get(at..)?;
    let tag = tag.split('.').next().unwrap_or(tag);
    tag.contains('_').then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Interval;
    use crate::facts::PackageKind;

    fn row(fix: &str, module: Option<&str>) -> Row {
        Row {
            intervals: vec![Interval { from: None, to: Upper::Fixed(fix.to_owned()) }],
            module: module.map(str::to_owned),
            ..Row::default()
        }
    }

    fn fits(version: &str, label: Option<&str>, row: &Row) -> Option<Confidence> {
        let package =
            PackageFact { module: label.map(str::to_owned), ..PackageFact::new(PackageKind::Rpm, "nodejs", version) };
        fit(row, &package, version)
    }

    #[test]
    fn only_the_same_stream_fits() {
        let fourteen = row("1:14.16.0-2.module_el8.3.0+2047+b07ac28e", Some("nodejs:14"));
        let installed = "1:14.15.4-2.module_el8.3.0+2020+69f7a2a9";
        assert_eq!(fits(installed, Some("nodejs:14:8030:abc"), &fourteen), Some(Confidence::High));
        assert_eq!(fits("1:10.23.1-1.module_el8.3.0+2020", Some("nodejs:10:8030:abc"), &fourteen), None);
        assert_eq!(fits("1:14.15.4-2.el8", None, &fourteen), None, "not a module build");
        assert_eq!(
            fits(installed, Some("nodejs:14:8030:abc"), &row("1:14.16.0-2.el8", None)),
            None,
            "not a module fix"
        );
    }

    #[test]
    fn without_a_label_the_stream_is_guessed_from_the_version() {
        let fourteen = row("1:14.16.0-2.module_el8.3.0+2047+b07ac28e", Some("nodejs:14"));
        assert_eq!(fits("1:14.15.4-2.module_el8.3.0+2020", None, &fourteen), Some(Confidence::Low));
        assert_eq!(fits("1:10.23.1-1.module_el8.3.0+2020", None, &fourteen), None);
    }

    #[test]
    fn builds_tell_their_minor_release() {
        assert_eq!(dist("3.0.7-25.el9_4.1"), Some("el9_4"));
        assert_eq!(dist("3.0.7-25.el9"), None);
        assert_eq!(dist("1.2-3.module_el8.5.0+119+9a9ec082"), Some("module_el8.5.0"));
        assert_eq!(dist("3.3.1-2.module+el9.4.0+20787+4c237fd3"), Some("module+el9.4.0"));
        assert_eq!(dist("1.0"), None);
    }
}
