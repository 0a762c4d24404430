//! Images that a build took something from, as provenance lists them.
//!
//! Sources: slsa.dev `provenance/v0.2` (`materials`) and `provenance/v1` (`resolvedDependencies`); BuildKit `docs/attestations/slsa-provenance.md`; purl-spec, types `docker` and `oci`.

use packageurl::PackageUrl;
use serde_json::Value;

use super::Source;
use super::Subject;
use super::claims::Claim;
use crate::reference::ImageName;
use crate::source::sbom::{Seal, unwrap};

/// Most envelopes around a statement, and most images that are looked at.
const MAX_WRAPPINGS: usize = 3;
const MAX_MATERIALS: usize = 256;

/// BuildKit's own helpers, which are materials and never bases.
const FRONTENDS: [&str; 2] = ["docker/dockerfile", "docker/dockerfile-upstream"];

/// The images that provenance of this platform names.
pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let mut found: Vec<Claim> = Vec::new();
    for attached in subject.attached {
        let Some(statement) = attached.content.as_ref().ok().and_then(|bytes| statement(bytes)) else { continue };
        if !is_about(&statement, subject) {
            continue;
        }
        for claim in materials(&statement).iter().filter_map(claim) {
            if found.len() < MAX_MATERIALS && !found.contains(&claim) {
                found.push(claim);
            }
        }
    }
    let is_one_of_many = found.len() > 1;
    found.iter_mut().for_each(|claim| claim.is_one_of_many = is_one_of_many);
    found
}

/// The statement in what is attached: as BuildKit writes it, in a DSSE envelope, or in a Sigstore bundle. Whoever signed that is `verify`'s business.
fn statement(bytes: &[u8]) -> Option<Value> {
    let mut text = std::str::from_utf8(bytes).ok()?.to_owned();
    for _ in 0..MAX_WRAPPINGS {
        match unwrap(&text).ok()?? {
            (_, Seal::Statement) => return serde_json::from_str(&text).ok(),
            (inner, _) => text = inner,
        }
    }
    None
}

/// Whether a statement names this platform's manifest among its subjects.
fn is_about(statement: &Value, subject: &Subject<'_>) -> bool {
    let Some(own) = subject.manifest.digest.as_ref() else { return false };
    let subjects = statement.get("subject").and_then(Value::as_array).into_iter().flatten();
    let mut digests = subjects.filter_map(|subject| subject.get("digest")?.get(own.algorithm())?.as_str());
    digests.any(|hex| hex == own.hex())
}

/// The materials of either version.
fn materials(statement: &Value) -> &[Value] {
    let lists = ["/predicate/materials", "/predicate/buildDefinition/resolvedDependencies"];
    let mut found = lists.iter().filter_map(|list| statement.pointer(list)?.as_array());
    found.next().map_or(&[], Vec::as_slice)
}

/// An image among the materials.
fn claim(material: &Value) -> Option<Claim> {
    let uri = material.get("uri")?.as_str()?;
    let purl: PackageUrl<'_> = uri.parse().ok()?;
    let name = image(&purl)?;
    if FRONTENDS.contains(&name.repository.as_str()) {
        return None;
    }
    let hex = material.get("digest").and_then(|digest| digest.get("sha256")).and_then(Value::as_str);
    let digest = hex.and_then(|hex| format!("sha256:{hex}").parse().ok()).or_else(|| name.digest.clone());
    // BuildKit writes a digest into the purl only where the build file had one.
    let pinned = purl.ty() == "docker" && (name.digest.is_some() || purl.qualifiers().contains_key("digest"));
    let text = ImageName { digest: None, ..name.clone() }.to_string();
    let pinned = (purl.ty() == "docker").then_some(pinned);
    Some(Claim { source: Source::Provenance, text, name: Some(name), digest, pinned, is_one_of_many: false })
}

/// `pkg:docker/library/debian@12?digest=sha256:…` and `pkg:oci/debian@sha256:…?repository_url=docker.io/library/debian&tag=12`.
fn image(purl: &PackageUrl<'_>) -> Option<ImageName> {
    let version = purl.version().unwrap_or("latest");
    let qualifier = |name: &str| purl.qualifiers().get(name).map(AsRef::as_ref);
    let text = match purl.ty() {
        "docker" => {
            let namespace = purl.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
            let registry = qualifier("repository_url").map(|host: &str| format!("{host}/")).unwrap_or_default();
            let mark = if version.contains(':') { '@' } else { ':' };
            format!("{registry}{namespace}{}{mark}{version}", purl.name())
        }
        "oci" => {
            let tag = qualifier("tag").map(|tag: &str| format!(":{tag}")).unwrap_or_default();
            let repository = qualifier("repository_url").unwrap_or(purl.name());
            format!("{repository}{tag}@{version}")
        }
        _ => return None,
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The forms that BuildKit's own documentation shows.
    #[test]
    fn materials_name_images() {
        let hex = "ab".repeat(32);
        let read = |uri: &str| {
            let claim = claim(&json!({"uri": uri, "digest": {"sha256": hex}}))?;
            Some((claim.text, claim.digest?.to_string(), claim.pinned))
        };
        let digest = format!("sha256:{hex}");
        for (uri, name, pinned) in [
            ("pkg:docker/debian@12?platform=linux%2Famd64".to_owned(), "docker.io/library/debian:12", Some(false)),
            ("pkg:docker/ghcr.io/org/base@1.2".to_owned(), "ghcr.io/org/base:1.2", Some(false)),
            (format!("pkg:docker/alpine@3.18?digest=sha256:{hex}"), "docker.io/library/alpine:3.18", Some(true)),
            (format!("pkg:docker/alpine@sha256:{hex}"), "docker.io/library/alpine", Some(true)),
            (
                format!("pkg:oci/base@sha256%3A{hex}?repository_url=registry.example/team/base&tag=7"),
                "registry.example/team/base:7",
                None,
            ),
        ] {
            assert_eq!(read(&uri), Some((name.to_owned(), digest.clone(), pinned)), "{uri}");
        }
        for none in ["pkg:docker/docker/dockerfile@1", "https://github.com/org/app.git#main", "pkg:npm/a@1", ""] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
