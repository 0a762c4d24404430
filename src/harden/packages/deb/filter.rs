//! Files that the image's own configuration tells dpkg to leave out: documentation and translations in slim images.
//!
//! Source: dpkg(1), `--path-exclude`; dpkg's `src/main/filters.c`.

use globset::{GlobBuilder, GlobMatcher};

use super::super::Root;
use super::super::stage::Stage;
use crate::inspect::control::lines;

/// Largest configuration file.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Most rules of an image. Debian's slim images have nine.
const MAX_RULES: usize = 1000;

/// Which members are left out.
#[derive(Default)]
pub(super) struct Filter {
    rules: Vec<Rule>,
}

struct Rule {
    includes: bool,
    matcher: GlobMatcher,
    pattern: String,
}

impl Filter {
    /// As `/etc/dpkg/dpkg.cfg.d/*` and `/etc/dpkg/dpkg.cfg` say, in the order in which dpkg reads them.
    pub(super) fn read(root: &dyn Root) -> Result<Self, String> {
        let stage = Stage::over(root);
        let folder = stage.follow(b"etc/dpkg/dpkg.cfg.d").unwrap_or_default();
        // Names that dpkg takes: letters, digits, `_` and `-` (dpkg(1)).
        let is_name = |name: &[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        let names = root.names(&folder).into_iter().filter(|name| is_name(name));
        let mut paths: Vec<Vec<u8>> = names.map(|name| [&folder[..], b"/", &name].concat()).collect();
        paths.push(b"etc/dpkg/dpkg.cfg".to_vec());
        let mut filter = Self::default();
        for path in paths {
            let Some(text) = stage.read(&path, MAX_CONFIG_BYTES) else { continue };
            let text = text.map_err(|error| format!("the image's dpkg configuration: {error}"))?;
            lines(&text).try_for_each(|line| filter.add(line))?;
        }
        Ok(filter)
    }

    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim().trim_start_matches("--");
        let (option, value) = line.split_once(['=', ' ', '\t']).unwrap_or((line, ""));
        let includes = match option {
            "path-include" => true,
            "path-exclude" => false,
            _ => return Ok(()),
        };
        if self.rules.len() >= MAX_RULES {
            return Err(format!("the image's dpkg configuration has more than {MAX_RULES} rules about paths"));
        }
        let pattern = value.trim().trim_matches(['"', '\'']).to_owned();
        // fnmatch(3) knows no braces, and its `*` goes past slashes.
        let escaped = pattern.replace('{', "[{]").replace('}', "[}]");
        let glob = GlobBuilder::new(&escaped).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| format!("the image's dpkg configuration: {error}"))?;
        self.rules.push(Rule { includes, matcher: glob.compile_matcher(), pattern });
        Ok(())
    }

    /// Whether a member is left out. The last rule that fits decides; but a folder or link stays where something in it may be wanted.
    pub(super) fn skips(&self, path: &[u8], may_lead: bool) -> bool {
        let name = format!("/{}", String::from_utf8_lossy(path));
        let last = self.rules.iter().rev().find(|rule| rule.matcher.is_match(&name));
        let skips = last.is_some_and(|rule| !rule.includes);
        skips && !(may_lead && self.rules.iter().any(|rule| rule.includes && rule.may_be_below(&name)))
    }
}

impl Rule {
    /// Whether the pattern may fit something below the folder, as far as dpkg looks: what stands before its first wildcard begins the folder's name.
    fn may_be_below(&self, folder: &str) -> bool {
        let end = self.pattern.find(['*', '?', '[', '\\']).unwrap_or(self.pattern.len());
        folder.starts_with(self.pattern.get(..end).unwrap_or_default().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slim_images_leave_documentation_out_but_licences() {
        let mut filter = Filter::default();
        for line in
            ["# comment", "path-exclude /usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "force-unsafe-io"]
        {
            filter.add(line.as_bytes()).unwrap();
        }
        let skips = |path: &str, may_lead| filter.skips(path.as_bytes(), may_lead);
        assert!(skips("usr/share/doc/a/changelog.gz", false));
        assert!(!skips("usr/share/doc/a/copyright", false));
        assert!(!skips("usr/share/doc/a", true));
        assert!(!skips("usr/share/man/man1/a.gz", false));
    }
}
