//! Red Hat's CSAF documents: VEX of both generators (one a CVE) and advisories.
//!
//! The stream that a package is in has a CPE, and an image knows by its repositories which CPEs it may use (see `feed::repositories`). The
//! first generator names every build, the second only source packages. Sources: <https://security.access.redhat.com/data/csaf/v2/>,
//! <https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/>.

use packageurl::PackageUrl;

use super::{Package, Vendor};
use crate::advisory::csaf::Products;
use crate::advisory::ecosystem;
use crate::advisory::error::RecordError;
use crate::advisory::feed::rpm_builds::evr;
use crate::advisory::feed::{
    Archive, Document, Documents, Feed, Files, Head, Meta, Output, Provider, SpeaksFor, Upstream,
};
use crate::advisory::store::Data;

/// The feed.
pub(in crate::advisory::feed) struct RedHat;

static META: Meta = Meta {
    name: "Red Hat CSAF",
    upstream: Upstream {
        name: "redhat",
        base: "https://security.access.redhat.com/data/csaf/v2/vex/",
        files: Files::Csaf(Provider {
            folder: "",
            archive: Archive::ToldBy("archive_latest.txt"),
            tells_deletions: true,
        }),
        speaks_for: SpeaksFor::One("Red Hat"),
    },
    license: "CC-BY-4.0",
    redistributable: true,
    documents: Documents::Records,
    data: Some(Data::Full),
};

impl Feed for RedHat {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let csaf = head.has("\"csaf_version\"") || head.has("csaf_");
        // What is left of a document that was taken back names no vendor; only Red Hat's feed has such.
        let deleted = head.has("\"tracking\"") && head.has("\"deleted\"");
        let vendor = head.has("redhat.com") || head.has("Red Hat");
        head.is_json() && ((csaf && vendor && !head.has("suse.com")) || deleted)
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        out(super::read(self, &document.bytes()?)?);
        Ok(())
    }
}

impl Vendor for RedHat {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn prefix(&self) -> &'static str {
        "REDHAT-"
    }

    fn package(&self, products: &Products<'_>, id: &str, _: bool) -> Option<Package> {
        let chain = products.chain(id);
        let (component, stream) = (chain.first()?, chain.last()?);
        let ecosystem = ecosystem::of_red_hat_cpe(products.cpe(stream)?)?;
        let purl: PackageUrl<'_> = products.purl(component)?.parse().ok()?;
        if chain.len() < 2 || purl.ty() != "rpm" {
            return None;
        }
        let qualifier = |name: &str| purl.qualifiers().get(name).map(AsRef::as_ref).unwrap_or_default();
        // Older documents say that a package is part of a module, newer ones say it in the package's own URL.
        let parents = chain.get(1..chain.len() - 1).unwrap_or_default();
        let outer = parents.iter().find_map(|parent| products.purl(parent)).and_then(module_of_purl);
        let (version, stream) = match purl.version() {
            Some(version) if is_module_version(version) => (None, version.rsplit_once('-').map(|(stream, _)| stream)),
            version => (version, None),
        };
        let module = match qualifier("rpmmod") {
            "" => outer.or_else(|| stream.map(|stream| format!("{}:{stream}", purl.name()))),
            own => Some(name_and_stream(own)?),
        };
        let (version, release) = version.and_then(|version| version.split_once('-')).unzip();
        Some(Package {
            ecosystem,
            name: purl.name().to_owned(),
            evr: version.zip(release).map(|(version, release)| evr(qualifier("epoch"), version, release)),
            module,
            arch: qualifier("arch").to_owned(),
        })
    }
}

/// `pkg:rpmmod/redhat/python36@3.6:8040020…:abcdef`: name and stream.
fn module_of_purl(purl: &str) -> Option<String> {
    let purl: PackageUrl<'_> = purl.parse().ok()?;
    let stream = purl.version()?.split(':').next()?;
    (purl.ty() == "rpmmod" && !stream.is_empty()).then(|| format!("{}:{stream}", purl.name()))
}

/// `redis:6` of `redis:6:8040020…:abcdef`; without a stream the product is a flatpak.
fn name_and_stream(module: &str) -> Option<String> {
    let mut parts = module.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty() && stream != "flatpak").then(|| format!("{name}:{stream}"))
}

/// `3.9-8100020240826142629.d47b87a4`: stream, then the module's version and context, in place of a package's.
fn is_module_version(version: &str) -> bool {
    let Some((number, context)) = version.rsplit_once('-').and_then(|(_, release)| release.split_once('.')) else {
        return false;
    };
    number.len() >= 16
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && context.len() == 8
        && context.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_version_is_not_its_packages() {
        assert!(is_module_version("3.9-8100020240826142629.d47b87a4"));
        assert!(!is_module_version("3.6.8-67.el8_10"));
        assert!(!is_module_version("6.2.7-1.module+el8.7.0+15197+cc495aeb"));
        assert_eq!(name_and_stream("redis:6:8040020240902080505:63cd9eba").as_deref(), Some("redis:6"));
        assert_eq!((name_and_stream("rhel10"), name_and_stream("gimp:flatpak")), (None, None));
        assert_eq!(module_of_purl("pkg:rpmmod/redhat/python36@3.6:8040020:abc").as_deref(), Some("python36:3.6"));
    }
}
