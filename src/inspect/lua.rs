//! Installed Lua rocks: the rockspecs in a tree of LuaRocks.
//!
//! Source: LuaRocks' documentation, "Rockspec format" and "File locations" (`rocks_dir/NAME/VERSION/NAME-VERSION.rockspec`).

use super::control::lines;
use super::literal::text_literal;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// An installed rock's rockspec.
pub(super) struct Rockspec;

static META: Meta = Meta {
    name: "language/lua",
    summary: "installed Lua rocks",
    required: false,
    doc: "**Reads** `NAME/VERSION/NAME-VERSION.rockspec` in a tree of LuaRocks, up to 1 MiB.\n\n**Reports** name, version with its revision, and licence, as `luarocks list` names them.\n\n\
          **Cannot see** modules that were copied to Lua's path.\n\n**Since** 0.2.0",
};

impl Inspector for Rockspec {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b".rockspec") && is_installed(entry.path)
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (mut name, mut version, mut licenses) = (None, None, Vec::new());
        for line in lines(whole(file, 1 << 20)?) {
            let line = text(line);
            let Some((variable, value)) = line.split_once('=') else { continue };
            match variable.trim() {
                "package" => name = name.or_else(|| text_literal(value.trim_start())),
                "version" => version = version.or_else(|| text_literal(value.trim_start())),
                "license" => licenses.extend(text_literal(value.trim_start())),
                _ => {}
            }
        }
        let (Some(name), Some(version)) = (name, version) else {
            return Err(InspectError::Malformed(
                "its package or version is not written out, so it cannot be read without running it",
            ));
        };
        // LuaRocks compares names without regard to case, and keeps them in lower case.
        let package = PackageFact::new(PackageKind::LuaRocks, name.to_lowercase(), version);
        facts.push(Fact::Package(PackageFact { licenses, ..package }));
        Ok(())
    }
}

/// Whether the folders name the rock again: `NAME/VERSION/NAME-VERSION.rockspec`.
fn is_installed(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let file = parts.next().and_then(|file| file.strip_suffix(b".rockspec")).unwrap_or_default();
    let (version, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = file.strip_suffix(version).and_then(|rest| rest.strip_suffix(b"-"));
    !name.is_empty() && !version.is_empty() && rest == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rockspec_in_sources_is_not_installed() {
        assert!(is_installed(b"usr/local/lib/luarocks/rocks-5.4/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec"));
        assert!(!is_installed(b"src/lpeg/lpeg-1.0.2-1.rockspec") && !is_installed(b"lpeg-1.0.2-1.rockspec"));
    }
}
