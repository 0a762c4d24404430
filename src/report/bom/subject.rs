//! What was scanned, in a bill's words: the name and package URL of an image.

use std::path::Path;

use packageurl::PackageUrl;

use crate::reference::{ImageName, Reference};
use crate::report::contract::Report;

/// What a reference says of an image's name.
pub(in crate::report) struct Image {
    pub(in crate::report) name: String,
    repository_url: Option<String>,
    pub(in crate::report) tag: Option<String>,
    /// A folder, which is no image.
    pub(in crate::report) is_folder: bool,
}

impl Image {
    pub(in crate::report) fn of(report: &Report) -> Self {
        let text = &report.subject.reference;
        let local = |path: &Path| Self {
            name: path.file_name().map_or_else(|| "image".into(), |name| name.to_string_lossy().into_owned()),
            repository_url: None,
            tag: None,
            is_folder: false,
        };
        let named = |name: &ImageName, remote: bool| Self {
            name: name.repository.rsplit('/').next().unwrap_or_default().to_owned(),
            repository_url: remote.then(|| format!("{}/{}", name.registry, name.repository)),
            tag: name.tag.clone(),
            is_folder: false,
        };
        match text.parse::<Reference>() {
            Ok(Reference::Registry { name, .. }) => named(&name, report.subject.transport == "registry"),
            Ok(
                Reference::Layout(path, _)
                | Reference::OciArchive(path, _)
                | Reference::DockerArchive(path, _)
                | Reference::Sbom(path),
            ) => local(&path),
            Ok(Reference::Directory(path)) => Self { is_folder: true, ..local(&path) },
            Ok(Reference::DockerDaemon(name) | Reference::ContainersStorage(name)) => match name.parse::<ImageName>() {
                Ok(name) => named(&name, false),
                Err(_) => local(Path::new(&name)),
            },
            Ok(Reference::StandardInput) | Err(_) => local(Path::new("image")),
        }
    }

    /// `pkg:oci/NAME@DIGEST?arch=…&repository_url=…&tag=…`, as the purl type `oci` defines it.
    pub(in crate::report) fn purl(&self, digest: Option<&str>, architecture: Option<&str>) -> Option<String> {
        let mut purl = PackageUrl::new("oci", self.name.to_lowercase()).ok()?;
        purl.with_version(digest?.to_owned()).ok()?;
        let qualifiers =
            [("arch", architecture), ("repository_url", self.repository_url.as_deref()), ("tag", self.tag.as_deref())];
        for (key, value) in qualifiers {
            if let Some(value) = value {
                purl.add_qualifier(key, value.to_owned()).ok()?;
            }
        }
        Some(purl.to_string())
    }
}
