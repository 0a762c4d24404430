//! Channels of updates that an image takes beyond its release's own: by them fixes of longer support, of extras and of subscriptions can be installed in it, and have been.
//!
//! Sources: <https://documentation.ubuntu.com/pro-client/> (`status.json`, archives at esm.ubuntu.com), sources.list(5); Red Hat's content manifests, as claircore's `rhel` package reads
//! them; zypper's `/etc/products.d`; <https://docs.aws.amazon.com/linux/al2/ug/al2-extras.html>.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::Fact;
use crate::layer::{Entry, FileView};

/// Files that name such channels.
pub(super) struct Channels;

static META: Meta = Meta {
    name: "os/channels",
    summary: "channels of updates beyond the release's own",
    required: false,
    doc: "**Reads** apt's sources and `var/lib/ubuntu-advantage/status.json`, Red Hat's content manifests in `buildinfo`, SUSE's `etc/products.d/*.prod`, and `etc/yum.repos.d/*.repo`; up to \
          1 MiB.\n\n**Reports** Ubuntu Pro's services that are enabled (`esm-infra`), Red Hat's repositories, SUSE's long-term support (`SLES-LTSS 15.3`) and Amazon Linux 2's extras \
          (`amzn2extra-docker`). Advisories of these channels then count for the image.\n\n**Cannot see** a channel that was removed again after it was used.\n\n**Since** 0.2.0",
};

/// Largest file; real ones have some kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// Most channels of one file, and longest name in bytes. Red Hat's images name some 30.
const MAX_CHANNELS: usize = 1000;
const MAX_NAME: usize = 256;

impl Inspector for Channels {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        reader(entry.path).is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let Some(read) = reader(file.entry.path) else { return Ok(()) };
        let content = text(whole(file, MAX_BYTES)?);
        let mut channels = read(&content);
        channels.retain(|name| !name.is_empty() && name.len() <= MAX_NAME && !name.contains(','));
        let channels: Vec<String> = channels.into_iter().take(MAX_CHANNELS).collect();
        facts.extend((!channels.is_empty()).then_some(Fact::Channels(channels)));
        Ok(())
    }
}

/// What reads a file of this path.
fn reader(path: &[u8]) -> Option<fn(&str) -> BTreeSet<String>> {
    let in_folder = |folder: &[u8], end: &[u8]| {
        path.strip_prefix(folder).is_some_and(|name| name.ends_with(end) && !name.contains(&b'/'))
    };
    let below = |folder: &[u8], end: &[u8]| path.starts_with(folder) && path.ends_with(end);
    match path {
        b"etc/apt/sources.list" => Some(apt),
        b"var/lib/ubuntu-advantage/status.json" => Some(pro_status),
        _ if in_folder(b"etc/apt/sources.list.d/", b".list") => Some(apt),
        _ if in_folder(b"etc/apt/sources.list.d/", b".sources") => Some(apt_stanzas),
        _ if below(b"root/buildinfo/", b".json") || below(b"usr/share/buildinfo/", b".json") => Some(content_sets),
        _ if in_folder(b"etc/products.d/", b".prod") => Some(suse_product),
        _ if in_folder(b"etc/yum.repos.d/", b".repo") => Some(amazon_extras),
        _ => None,
    }
}

/// `deb https://esm.ubuntu.com/apps/ubuntu jammy-apps-security main`.
fn apt(content: &str) -> BTreeSet<String> {
    let lines = content.lines().map(str::trim).filter(|line| line.starts_with("deb"));
    lines.flat_map(str::split_whitespace).filter_map(pro_service).collect()
}

/// deb822: stanzas with `URIs:`, of which each may say `Enabled: no`.
fn apt_stanzas(content: &str) -> BTreeSet<String> {
    let is_off = |stanza: &&str| {
        stanza.lines().filter_map(|line| line.split_once(':')).any(|(field, value)| {
            field.eq_ignore_ascii_case("enabled") && matches!(value.trim(), "no" | "false" | "0" | "off")
        })
    };
    let stanzas = content.split("\n\n").filter(|stanza| !is_off(stanza));
    let lines = stanzas.flat_map(str::lines).filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(str::split_whitespace).filter_map(pro_service).collect()
}

/// The service that an archive of Ubuntu Pro belongs to, as `pro status` names it.
fn pro_service(word: &str) -> Option<String> {
    let archive = word.strip_prefix("https://esm.ubuntu.com/")?.split('/').next()?;
    Some(match archive {
        "apps" | "infra" => format!("esm-{archive}"),
        other => other.to_owned(),
    })
}

/// What the client remembers of its last look: services of an attached machine.
fn pro_status(content: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        attached: bool,
        #[serde(default)]
        services: Vec<Service>,
    }
    #[derive(Deserialize)]
    struct Service {
        name: String,
        #[serde(default)]
        status: String,
    }
    let status: Option<Status> = serde_json::from_str(content).ok();
    let services = status.filter(|status| status.attached).map(|status| status.services).unwrap_or_default();
    services.into_iter().filter(|service| service.status == "enabled").map(|service| service.name).collect()
}

/// `{"content_sets": ["rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"]}`.
fn content_sets(content: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(default)]
        content_sets: BTreeSet<String>,
    }
    serde_json::from_str::<Manifest>(content).map(|manifest| manifest.content_sets).unwrap_or_default()
}

/// `<name>SLES-LTSS</name>` with `<version>15.3</version>`; other products belong to the release.
fn suse_product(content: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Product {
        #[serde(default)]
        name: String,
        #[serde(default)]
        version: String,
    }
    let product: Option<Product> = quick_xml::de::from_str(content).ok();
    let product = product.filter(|product| product.name.ends_with("-LTSS") && !product.version.is_empty());
    product.map(|product| format!("{} {}", product.name, product.version)).into_iter().collect()
}

/// `[amzn2extra-docker]` with `enabled = 1`, which is also what no `enabled` means (yum.conf(5)).
fn amazon_extras(content: &str) -> BTreeSet<String> {
    let mut enabled = BTreeSet::new();
    let mut section = "";
    for line in content.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = if name.starts_with("amzn2extra-") && !name.contains("-source") && !name.ends_with("-debuginfo") {
                enabled.insert(name.to_owned());
                name
            } else {
                ""
            };
        } else if let Some((key, value)) = line.split_once('=')
            && key.trim() == "enabled"
            && matches!(value.trim(), "0" | "no" | "false" | "off")
        {
            enabled.remove(section);
        }
    }
    enabled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, content: &str) -> Vec<String> {
        reader(path.as_bytes()).expect(path)(content).into_iter().collect()
    }

    /// As the Pro client writes it.
    #[test]
    fn ubuntus_archives_name_their_service() {
        let list = "# Written by ubuntu-advantage-tools\n\ndeb https://esm.ubuntu.com/apps/ubuntu jammy-apps-security main\n# deb-src https://esm.ubuntu.com/apps/ubuntu jammy-apps-security main\n\
                    deb https://esm.ubuntu.com/infra/ubuntu jammy-infra-updates main\n#deb https://esm.ubuntu.com/fips/ubuntu jammy main\ndeb http://archive.ubuntu.com/ubuntu jammy main\n";
        assert_eq!(names("etc/apt/sources.list.d/ubuntu-esm-apps.list", list), ["esm-apps", "esm-infra"]);
        let stanzas = "# Written by ubuntu-pro-client\n\nTypes: deb\nURIs: https://esm.ubuntu.com/apps/ubuntu\nSuites: noble-apps-security\n\nEnabled: no\nTypes: deb\nURIs: https://esm.ubuntu.com/infra/ubuntu\n\n\
                       URIs: https://esm.ubuntu.com/fips-updates/ubuntu\n";
        assert_eq!(names("etc/apt/sources.list.d/ubuntu-esm-apps.sources", stanzas), ["esm-apps", "fips-updates"]);
        let status = |attached: bool| {
            format!(
                r#"{{"attached": {attached}, "services": [{{"name": "esm-infra", "status": "enabled"}}, {{"name": "fips", "status": "disabled"}}]}}"#
            )
        };
        assert_eq!(names("var/lib/ubuntu-advantage/status.json", &status(true)), ["esm-infra"]);
        assert_eq!(names("var/lib/ubuntu-advantage/status.json", &status(false)), [""; 0]);
    }

    #[test]
    fn other_vendors_channels() {
        let manifest = r#"{"metadata": {"icm_version": 1}, "content_sets": ["rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"], "image_contents": []}"#;
        for folder in ["root/buildinfo/content_manifests/ubi9.json", "usr/share/buildinfo/content-sets.json"] {
            assert_eq!(names(folder, manifest), ["rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_2"]);
        }
        let product = |name: &str| {
            format!(
                "<?xml version=\"1.0\"?><product schemeversion=\"0\"><vendor>SUSE</vendor><name>{name}</name><version>15.3</version><release>0</release></product>"
            )
        };
        assert_eq!(names("etc/products.d/sles-ltss.prod", &product("SLES-LTSS")), ["SLES-LTSS 15.3"]);
        assert_eq!(names("etc/products.d/SLES.prod", &product("SLES")), [""; 0]);
        let repositories = "[amzn2-core]\nenabled=1\n[amzn2extra-docker]\nenabled = 1\nname = x\n[amzn2extra-docker-source]\nenabled = 0\n[amzn2extra-nginx1]\nenabled = 0\n[amzn2extra-php8.2]\n";
        assert_eq!(
            names("etc/yum.repos.d/amzn2-extras.repo", repositories),
            ["amzn2extra-docker", "amzn2extra-php8.2"]
        );
        for damaged in ["{", "<product>", "[", ""] {
            for path in ["root/buildinfo/x.json", "etc/products.d/x.prod", "etc/yum.repos.d/x.repo"] {
                assert_eq!(names(path, damaged), [""; 0]);
            }
        }
    }
}
