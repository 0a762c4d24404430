//! SUSE's releases: OSV and CSAF name them by product, os-release by the server's version.

/// Modules, extensions and editions of one service pack install into one system, whose os-release names only the server:
/// `Linux Enterprise Module for Basesystem 15 SP4` is `Linux Enterprise Server 15 SP4`. Channels with longer support (`…-LTSS`) stay apart.
pub(super) fn release(suffix: &str) -> String {
    const FOLDED: [&str; 7] = [
        "Server for SAP Applications",
        "Server",
        "Desktop",
        "High Performance Computing",
        "Software Development Kit",
        "Workstation Extension",
        "Module for ",
    ];
    let Some(product) = suffix.strip_prefix("Linux Enterprise ") else {
        return suffix.to_owned();
    };
    if let Some(version) = product.strip_prefix("Micro ") {
        return format!("Linux Micro {version}");
    }
    if !FOLDED.iter().any(|name| product.starts_with(name)) {
        return suffix.to_owned();
    }
    let words: Vec<&str> = product.split(' ').collect();
    let release = match words.as_slice() {
        [.., major, pack] if is_number(major) && pack.strip_prefix("SP").is_some_and(is_number) => {
            format!("{major} {pack}")
        }
        [.., major] if is_number(major) || major.split_once('.').is_some_and(|(a, b)| is_number(a) && is_number(b)) => {
            (*major).to_owned()
        }
        _ => return suffix.to_owned(),
    };
    format!("Linux Enterprise Server {release}")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
