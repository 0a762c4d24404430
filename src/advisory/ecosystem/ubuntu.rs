//! Ubuntu's releases and subscriptions.

/// Codenames of Ubuntu's releases since the first that its feeds still speak of (<https://wiki.ubuntu.com/Releases>).
const UBUNTU: [(&str, &str); 29] = [
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The version of an Ubuntu release by its codename.
#[must_use]
pub fn ubuntu_version(codename: &str) -> Option<&'static str> {
    UBUNTU.iter().find(|(known, _)| *known == codename).map(|(_, version)| *version)
}

/// `22.04` is `Ubuntu:22.04:LTS`; every fourth April release has long-term support.
pub(crate) fn ubuntu(version: &str) -> String {
    let even_year =
        version.split_once('.').and_then(|(year, month)| (month == "04").then(|| year.parse::<u32>().ok())?);
    match even_year {
        Some(year) if year % 2 == 0 => format!("Ubuntu:{version}:LTS"),
        _ => format!("Ubuntu:{version}"),
    }
}

/// The ecosystem of Ubuntu Pro's fixes for an Ubuntu LTS ecosystem.
#[must_use]
pub fn ubuntu_pro(ecosystem: &str) -> Option<String> {
    let release = ecosystem.strip_prefix("Ubuntu:")?;
    release.ends_with(":LTS").then(|| format!("Ubuntu:Pro:{release}"))
}
