//! One entry of a layer to the facts it shows: one file a format, and the list of all of them.
//!
//! In: an [`Entry`] (asked for every path, so [`Inspector::wants`] compares bytes and opens nothing) and, when wanted, a [`FileView`] of the whole file.
//! Out: [`Fact`]s. An inspector states facts and judges nothing; it knows no advisory, no policy and no other layer.

mod accounts;
mod apk;
mod certificate;
mod channels;
mod conda;
pub(crate) mod control;
mod cron;
mod dotnet;
mod dpkg;
mod erlang;
mod executable;
mod flatpak;
pub mod java;
mod literal;
mod lock;
mod lua;
mod node;
mod os_release;
mod pacman;
mod perl;
mod php;
mod portage;
mod program;
mod python;
mod r;
pub mod rpm;
mod rpm_files;
mod ruby;
mod sbom;
mod script;
pub mod sensitive;
mod snap;
mod sudoers;

pub(crate) use dpkg::is_control_file as is_dpkg_control_file;

use crate::facts::Fact;
use crate::layer::{Entry, EntryKind, FileView};

/// How many bytes of a file are shown to [`Inspector::wants`].
pub const HEAD_BYTES: usize = 512;

/// Every inspector. The order here is the order in the docs; the first that wants a file gets it.
pub static INSPECTORS: &[&dyn Inspector] = &[
    &os_release::OsReleaseFile,
    &os_release::ReleaseFile,
    &dpkg::Status,
    &dpkg::StatusDir,
    &dpkg::FileList,
    &dpkg::Diversions,
    &apk::Installed,
    &rpm_files::RpmDatabase,
    &rpm_files::WriteAheadLog,
    &pacman::Description,
    &pacman::Files,
    &portage::Package,
    &portage::Contents,
    &snap::SnapYaml,
    &flatpak::Deploy,
    &python::Metadata,
    &node::PackageJson,
    &lock::CARGO,
    &lock::NPM,
    &lock::YARN,
    &lock::PNPM,
    &lock::BUN,
    &lock::BunBinary,
    &lock::DENO,
    &lock::POETRY,
    &lock::UV,
    &lock::PDM,
    &lock::PIPENV,
    &lock::PYLOCK,
    &lock::REQUIREMENTS,
    &lock::GO_MOD,
    &lock::BUNDLER,
    &lock::COMPOSER,
    &lock::GRADLE,
    &lock::MAVEN,
    &lock::NUGET,
    &lock::NUGET_CONFIG,
    &lock::MIX,
    &lock::PUB,
    &lock::SWIFT,
    &lock::CONAN,
    &lock::RENV,
    &channels::Channels,
    &accounts::Passwd,
    &accounts::GroupFile,
    &accounts::Shadow,
    &sudoers::SudoRules,
    &cron::CronTables,
    &ruby::Gemspec,
    &php::Installed,
    &dotnet::DepsJson,
    &conda::CondaMeta,
    &erlang::Application,
    &erlang::OtpVersion,
    &perl::MyMeta,
    &perl::PerlLocal,
    &r::Description,
    &lua::Rockspec,
    &java::JavaArchive,
    &sbom::Sbom,
    &certificate::Certificates,
    &program::Toolchain,
    &program::KnownProgram,
    &executable::Executable,
    &script::ExecutableScript,
];

/// Changes when any inspector says something else of the same bytes; part of the key under which facts are cached.
pub const REVISION: u32 = 6;

/// Reads one kind of file.
pub trait Inspector: Sync {
    /// Its name and documentation.
    fn meta(&self) -> &'static Meta;

    /// Asked for every file of a layer; `head` are its first [`HEAD_BYTES`] (fewer only where the file is shorter).
    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool;

    /// States what the file shows. The facts stay private until the layer's digest is verified.
    ///
    /// # Errors
    /// When the file is not what it should be; facts pushed before the error still count (what could be read is told).
    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError>;
}

/// What an inspector is.
#[derive(Debug)]
pub struct Meta {
    /// Stable name, `os/dpkg`; used in reports and waivers.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Markdown with the headings **Reads**, **Reports**, **Cannot see**, **Since**.
    pub doc: &'static str,
    /// Whether the answer about a platform is complete when such a file could not be read.
    pub required: bool,
}

/// The inspector that wants a file for its name alone, whatever it holds.
#[must_use]
pub fn wanted_by_name(path: &[u8]) -> Option<&'static dyn Inspector> {
    let entry = Entry { path, kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };
    INSPECTORS.iter().copied().find(|inspector| inspector.wants(&entry, b""))
}

/// Why a file could not be read. The caller adds the path and the layer.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Larger than this kind of file may be.
    #[error("the file has {size} bytes; more than {limit} are not read")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The inspector's limit.
        limit: u64,
    },
    /// The content does not follow the format.
    #[error("line {line}: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The content does not follow the format.
    #[error("{0}")]
    Malformed(&'static str),
    /// JSON that does not parse.
    #[error("not valid JSON")]
    Json(#[from] serde_json::Error),
    /// TOML that does not parse.
    #[error("not valid TOML: {0}")]
    Toml(String),
    /// YAML that does not parse.
    #[error("not valid YAML: {0}")]
    Yaml(String),
    /// XML that does not parse.
    #[error("not valid XML")]
    Xml(#[from] quick_xml::DeError),
    /// A bill of materials that is of no known format, or cut.
    #[error("not a bill of materials")]
    Bill(#[source] Box<crate::source::SourceError>),
    /// A damaged rpm database.
    #[error(transparent)]
    Rpm(#[from] rpm::RpmError),
    /// A Java archive that cannot be read.
    #[error(transparent)]
    Java(#[from] java::JavaError),
    /// Single records are damaged; the rest was read.
    #[error("{count} of its records could not be read, the first because {first}")]
    Records {
        /// How many.
        count: usize,
        /// Why the first.
        first: String,
    },
    /// The spooled copy could not be read.
    #[error("the temporary copy could not be read")]
    Io(#[from] std::io::Error),
}

impl From<toml::de::Error> for InspectError {
    /// Without the line that the error shows: there may be an address with credentials in it.
    fn from(error: toml::de::Error) -> Self {
        Self::Toml(error.message().to_owned())
    }
}

/// The file's bytes, where it is at most `limit` long (and `limit` is at most [`crate::layer::view::MEMORY_BYTES`]).
fn whole<'a>(file: &FileView<'a>, limit: u64) -> Result<&'a [u8], InspectError> {
    use crate::layer::ReadAt as _;
    match file.bytes() {
        Some(bytes) if file.len() <= limit => Ok(bytes),
        _ => Err(InspectError::TooLarge { size: file.len(), limit }),
    }
}

/// The first line of a YAML error; the rest shows the file.
fn yaml_error(error: &serde_saphyr::Error) -> InspectError {
    InspectError::Yaml(error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Text of a field: valid UTF-8, or with replacement characters.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_docs_have_their_headings() {
        let names: BTreeSet<_> = INSPECTORS.iter().map(|inspector| inspector.meta().name).collect();
        assert_eq!(names.len(), INSPECTORS.len());
        for inspector in INSPECTORS {
            let meta = inspector.meta();
            for heading in ["**Reads**", "**Reports**", "**Cannot see**", "**Since**"] {
                assert!(meta.doc.contains(heading), "{}: {heading}", meta.name);
            }
        }
    }
}
