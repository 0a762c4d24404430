//! Packages of other vendors in a distribution's package database: their versions count differently, so its advisories do not apply.
//!
//! rpm's `Vendor` is the distribution's own name on everything it builds. dpkg's `Maintainer` is mostly a person, also in Debian, so there
//! only the well-known publishers of container images' extra repositories can be told.

use crate::advisory::ecosystem;
use crate::facts::{PackageFact, PackageKind};

/// Maintainer addresses of repositories that images add to Debian and Ubuntu, in lower case.
const DEB_PUBLISHERS: [&str; 14] = [
    "@docker.com",
    "@elastic.co",
    "@f5.com",
    "@gitlab.com",
    "@grafana.com",
    "@hashicorp.com",
    "@microsoft.com",
    "@mongodb.com",
    "@mysql.com",
    "@nginx.com",
    "@nodesource.com",
    "@nvidia.com",
    "@oss.oracle.com",
    "@redis.com",
];

/// Words of which one stands in the vendor of every package that the distribution builds, in lower case.
const RPM_VENDORS: [(&str, &[&str]); 3] =
    [("AlmaLinux", &["almalinux", "cloudlinux"]), ("Red Hat", &["red hat"]), ("Rocky Linux", &["rocky"])];

/// Whether another vendor than the distribution built the package. Unknown vendors count as the distribution.
pub(super) fn is_foreign(package: &PackageFact, ecosystem: &str) -> bool {
    let Some(vendor) = package.vendor.as_deref().map(str::trim).filter(|vendor| !matches!(*vendor, "" | "(none)"))
    else {
        return false;
    };
    let vendor = vendor.to_lowercase();
    match package.kind {
        PackageKind::Deb => DEB_PUBLISHERS.iter().any(|publisher| vendor.contains(publisher)),
        PackageKind::Rpm => {
            let own = RPM_VENDORS.iter().find(|(distribution, _)| *distribution == ecosystem::base(ecosystem));
            own.is_some_and(|(_, words)| !words.iter().any(|word| vendor.contains(word)))
        }
        _ => false,
    }
}
