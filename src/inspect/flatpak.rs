//! Installed Flatpak applications and runtimes: the `deploy` file beside each.
//!
//! Source: flatpak(1), "Installations"; Flatpak's `common/flatpak-dir.c` (`FLATPAK_DEPLOY_DATA_GVARIANT_STRING`) and GVariant's serialisation format.

use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `flatpak/(app|runtime)/ID/ARCH/BRANCH/COMMIT/deploy`.
pub(super) struct Deploy;

static META: Meta = Meta {
    name: "os/flatpak",
    summary: "installed Flatpak applications and runtimes",
    required: false,
    doc: "**Reads** `deploy` in `flatpak/app/*/*/*/*` and `flatpak/runtime/*/*/*/*`, up to 1 MiB.\n\n**Reports** id, architecture and version; of runtimes, which state none, the branch.\n\n\
          **Cannot see** what the libraries in a runtime are, unless they have records of their own.\n\n**Since** 0.2.0",
};

impl Inspector for Deploy {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        Place::of(entry.path).is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let Some(place) = Place::of(file.entry.path) else { return Ok(()) };
        let version = string_at_key(whole(file, 1 << 20)?, b"appdata-version").filter(|version| !version.is_empty());
        facts.push(Fact::Package(PackageFact {
            arch: Some(text(place.arch)),
            ..PackageFact::new(PackageKind::Flatpak, text(place.id), text(version.unwrap_or(place.branch)))
        }));
        Ok(())
    }
}

/// What the path of a deployment says.
struct Place<'a> {
    id: &'a [u8],
    arch: &'a [u8],
    branch: &'a [u8],
}

impl<'a> Place<'a> {
    fn of(path: &'a [u8]) -> Option<Self> {
        let parts: Vec<&[u8]> = path.rsplitn(8, |b| *b == b'/').collect();
        match parts.as_slice() {
            [b"deploy", _, branch, arch, id, b"app" | b"runtime", b"flatpak", ..] => Some(Self { id, arch, branch }),
            _ => None,
        }
    }
}

/// The string under a key of an `a{sv}`: the key ends with NUL, the value begins at the next multiple of 8 and ends with NUL, NUL (of the variant) and its type `s`.
fn string_at_key<'a>(bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let with_end = [key, b"\0"].concat();
    memchr::memmem::find_iter(bytes, &with_end).find_map(|at| {
        let value = bytes.get((at + with_end.len()).next_multiple_of(8)..)?;
        let (value, rest) = value.split_at_checked(memchr::memchr(0, value)?)?;
        rest.starts_with(b"\0\0s").then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_application() {
        let place = Place::of(b"var/lib/flatpak/app/org.example.App/x86_64/stable/0badcafe/deploy").unwrap();
        assert_eq!((place.id, place.arch, place.branch), (&b"org.example.App"[..], &b"x86_64"[..], &b"stable"[..]));
        assert!(Place::of(b"var/lib/flatpak/app/org.example.App/x86_64/stable/deploy").is_none());
    }

    #[test]
    fn strings_of_a_dictionary_are_aligned() {
        let bytes = b"12345678appdata-version\x001.2.3\0\0s\x10";
        assert_eq!(string_at_key(bytes, b"appdata-version"), Some(&b"1.2.3"[..]));
        assert_eq!(string_at_key(b"appdata-version\0", b"appdata-version"), None);
        assert_eq!(string_at_key(b"", b"appdata-version"), None);
    }
}
