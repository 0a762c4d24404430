//! SUSE's CSAF documents: VEX (one a CVE) and advisories of SUSE Linux Enterprise and openSUSE.
//!
//! Products are named as people name them, packages are `name-version-release[.arch]` without epoch; ids in lists of affected and not
//! affected products are names alone. Source: <https://ftp.suse.com/pub/projects/security/csaf-vex/>.

use super::{Package, Vendor};
use crate::advisory::csaf::Products;
use crate::advisory::ecosystem;
use crate::advisory::error::RecordError;
use crate::advisory::feed::{
    Archive, Document, Documents, Feed, Files, Head, Meta, Output, Provider, SpeaksFor, Upstream,
};
use crate::advisory::store::Data;

/// The feed.
pub(in crate::advisory::feed) struct Suse;

static META: Meta = Meta {
    name: "SUSE CSAF",
    upstream: Upstream {
        name: "suse",
        base: "https://ftp.suse.com/pub/projects/security/",
        files: Files::Csaf(Provider {
            folder: "csaf-vex/",
            archive: Archive::Named("csaf-vex.tar.bz2"),
            tells_deletions: false,
        }),
        speaks_for: SpeaksFor::One("SUSE"),
    },
    license: "CC-BY-4.0",
    redistributable: true,
    documents: Documents::Records,
    data: Some(Data::Full),
};

/// Architectures that SUSE builds for (`rpm --eval %{_arch}` of its distributions).
const ARCHES: [&str; 12] =
    ["aarch64", "armv6hl", "armv7hl", "i586", "i686", "ia64", "noarch", "ppc", "ppc64", "ppc64le", "s390x", "x86_64"];

impl Feed for Suse {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && (head.has("\"csaf_version\"") || head.has("csaf_")) && head.has("suse.com")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        out(super::read(self, &document.bytes()?)?);
        Ok(())
    }
}

impl Vendor for Suse {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn prefix(&self) -> &'static str {
        "SUSE-"
    }

    fn package(&self, products: &Products<'_>, id: &str, versioned: bool) -> Option<Package> {
        let chain = products.chain(id);
        let [component, product] = chain.as_slice() else { return None };
        let ecosystem = ecosystem(product)?;
        let (rest, arch) = match component.rsplit_once('.') {
            Some((rest, arch)) if versioned && (arch == "src" || ARCHES.contains(&arch)) => (rest, arch),
            _ => (*component, ""),
        };
        let (name, evr) = if versioned {
            let (rest, release) = rest.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            (name, Some(format!("{version}-{release}")))
        } else {
            (rest, None)
        };
        Some(Package { ecosystem, name: name.to_owned(), evr, module: None, arch: arch.to_owned() })
    }
}

/// `SUSE:Linux Enterprise Server 15 SP4`, `openSUSE:Leap 15.6`; products that are no distribution have none.
fn ecosystem(product: &str) -> Option<String> {
    let product = product.trim();
    if let Some(release) = product.strip_prefix("openSUSE ") {
        return Some(format!("openSUSE:{release}"));
    }
    let rest = product.strip_prefix("SUSE ")?;
    rest.starts_with("Linux ").then(|| ecosystem::normal_form(&format!("SUSE:{rest}")))
}
