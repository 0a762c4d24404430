//! Installed Ruby gems: the specifications that RubyGems writes, and those in Bundler's checkouts of repositories.
//!
//! Source: RubyGems' `Gem::StubSpecification` (it reads the `# stub:` line itself, since a specification is a program) and `Gem::Specification#to_ruby`.

use super::control::lines;
use super::literal::{text_literal, text_literals};
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A gemspec of an installed gem.
pub(super) struct Gemspec;

static META: Meta = Meta {
    name: "language/ruby",
    summary: "installed Ruby gems",
    required: false,
    doc: "**Reads** `specifications/*.gemspec` and `specifications/default/*.gemspec`, and `bundler/gems/*/*.gemspec`, up to 4 MiB.\n\n**Reports** name, version (without the platform) and \
          licences, as `gem list` names them.\n\n**Cannot see** versions that a repository's gemspec computes, which are told as unreadable; gems inside a gem are left out.\n\n\
          **Since** 0.2.0",
};

impl Inspector for Gemspec {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path.ends_with(b".gemspec") && is_installed(entry.path)
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        facts.push(Fact::Package(parse(whole(file, 4 << 20)?)?));
        Ok(())
    }
}

/// Whether the gemspec at `path` is where RubyGems or Bundler put it: in `specifications`, though not below a gem's own folder, which is in one named `gems`.
fn is_installed(path: &[u8]) -> bool {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let gems = parts.iter().rposition(|part| *part == b"gems");
    match parts.as_slice() {
        [.., b"bundler", b"gems", _, _] => true,
        [above @ .., b"specifications", b"default", _] | [above @ .., b"specifications", _] => {
            // `gems/3.1.0/specifications` is a gem home, `gems/3.1.0/gems/rake-13.0.6/test/specifications` is not.
            gems.is_none_or(|gems| above.len() <= gems + 2)
        }
        _ => false,
    }
}

fn parse(bytes: &[u8]) -> Result<PackageFact, InspectError> {
    let (mut name, mut version, mut licenses) = (None, None, Vec::new());
    for line in lines(bytes) {
        let line = text(line);
        let line = line.trim();
        if let Some(stub) = line.strip_prefix("# stub: ") {
            // A second line of this kind names the gem's extensions.
            let mut words = stub.split(' ');
            if name.is_none() && version.is_none() {
                (name, version) = (words.next().map(str::to_owned), words.next().map(str::to_owned));
            }
            continue;
        }
        let Some((attribute, value)) = assignment(line) else { continue };
        match attribute {
            "name" if name.is_none() => name = text_literal(value),
            "version" if version.is_none() => version = text_literal(value),
            "license" | "licenses" if licenses.is_empty() => licenses = text_literals(value),
            _ => {}
        }
    }
    match (name, version) {
        (Some(name), Some(version)) if !name.is_empty() && !version.is_empty() => {
            Ok(PackageFact { licenses, ..PackageFact::new(PackageKind::Gem, name, version) })
        }
        _ => Err(InspectError::Malformed(
            "its name or version is not written out, so it cannot be read without running it",
        )),
    }
}

/// `s.NAME = VALUE`, whatever the specification's variable is called.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (target, value) = line.split_once('=')?;
    let (variable, attribute) = target.trim_end().split_once('.')?;
    let is_name =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name(variable) && is_name(attribute)).then(|| (attribute, value.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stub_line_names_a_gem() {
        let gem = parse(b"# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.13.10 x86_64-linux lib\n# stub: ext/nokogiri/extconf.rb\n\nGem::Specification.new do |s|\n  s.name = \"x\".freeze\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\n").unwrap();
        assert_eq!((gem.name.as_str(), gem.version.as_str()), ("nokogiri", "1.13.10"));
        assert_eq!(gem.licenses, ["MIT", "Ruby"]);
    }

    #[test]
    fn only_what_is_written_out_is_read() {
        let gem = parse(b"Gem::Specification.new do |spec|\n  spec.name    = 'a'\n  spec.version = \"1.0\"\n  spec.license = 'MIT'\nend\n").unwrap();
        assert_eq!(
            (gem.name.as_str(), gem.version.as_str(), gem.licenses.as_slice()),
            ("a", "1.0", &["MIT".to_owned()][..])
        );
        assert!(parse(b"spec.name = 'a'\nspec.version = A::VERSION\n").is_err());
    }

    #[test]
    fn gemspecs_inside_a_gem_are_not_installed() {
        for path in [
            "usr/lib/ruby/gems/3.1.0/specifications/a-1.gemspec",
            "usr/lib/ruby/gems/3.1.0/specifications/default/a-1.gemspec",
            "usr/share/rubygems-integration/all/specifications/a-1.gemspec",
            "app/vendor/bundle/ruby/3.1.0/specifications/a-1.gemspec",
            "usr/share/gems/specifications/a-1.gemspec",
            "usr/local/bundle/ruby/3.1.0/bundler/gems/a-0badcafe/a.gemspec",
        ] {
            assert!(is_installed(path.as_bytes()), "{path}");
        }
        for path in [
            "usr/lib/ruby/gems/3.1.0/gems/rubygems-x-1/test/specifications/a-1.gemspec",
            "usr/lib/ruby/gems/3.1.0/gems/a-1/a.gemspec",
            "usr/local/bundle/ruby/3.1.0/bundler/gems/a-0badcafe/spec/fixtures/a.gemspec",
            "app/a.gemspec",
        ] {
            assert!(!is_installed(path.as_bytes()), "{path}");
        }
    }
}
