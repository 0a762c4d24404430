//! Manifests of packages: which lock file belongs to which, and what a list of requirements leaves open.

use crate::workload::folder_of;

/// A kind of manifest.
pub(super) struct Kind {
    /// Its file.
    pub(super) name: &'static str,
    /// Files that fix all versions, beside it or in a folder above, as workspaces have them.
    pub(super) locks: &'static [&'static str],
    /// The tools that install from it.
    pub(super) tools: &'static [&'static str],
    /// Whether a manifest of that text needs one.
    pub(super) needs: fn(&str) -> bool,
}

/// Every kind. A `pom.xml` and a `build.gradle` name versions themselves.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "package.json",
        locks: &[
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "bun.lockb",
            "deno.lock",
        ],
        tools: &["npm", "yarn", "pnpm", "bun"],
        needs: npm,
    },
    Kind {
        name: "Cargo.toml",
        locks: &["Cargo.lock"],
        tools: &["cargo"],
        needs: |text| has_table(text, "dependencies"),
    },
    Kind {
        name: "go.mod",
        locks: &["go.sum", "go.work.sum"],
        tools: &["go "],
        needs: |text| text.contains("require "),
    },
    Kind { name: "Pipfile", locks: &["Pipfile.lock"], tools: &["pipenv"], needs: |text| has_table(text, "packages") },
    Kind {
        name: "pyproject.toml",
        locks: &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"],
        tools: &["poetry", "uv ", "pdm"],
        needs: |text| has_table(text, "tool.poetry.dependencies") || text.contains("[tool.uv]"),
    },
    Kind {
        name: "Gemfile",
        locks: &["Gemfile.lock", "gems.locked"],
        tools: &["bundle"],
        needs: |text| has_line(text, "gem "),
    },
    Kind { name: "composer.json", locks: &["composer.lock"], tools: &["composer"], needs: composer },
    Kind { name: "mix.exs", locks: &["mix.lock"], tools: &["mix "], needs: |text| text.contains("{:") },
];

fn npm(text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let has = |key: &str| value.get(key).and_then(|list| list.as_object()).is_some_and(|list| !list.is_empty());
    has("dependencies") || has("devDependencies")
}

fn composer(text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let packages = value.get("require").and_then(|list| list.as_object());
    // PHP itself and its extensions are no packages.
    packages.is_some_and(|list| list.keys().any(|name| name.contains('/')))
}

fn has_line(text: &str, begin: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with(begin))
}

/// Whether a table of TOML is there and has an entry.
fn has_table(text: &str, name: &str) -> bool {
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != format!("[{name}]")).skip(1);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')).is_some_and(|line| !line.starts_with('['))
        || text.lines().any(|line| line.trim().starts_with(&format!("[{name}.")))
}

/// The kind of a file by its name.
pub(super) fn kind(path: &str) -> Option<&'static Kind> {
    let name = path.rsplit('/').next().unwrap_or_default();
    KINDS.iter().find(|kind| kind.name == name)
}

/// The folders from that of a path up to the root.
pub(super) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder_of(path)), |folder| (!folder.is_empty()).then(|| folder_of(folder)))
}

/// Whether a file is a list for `pip install -r`.
pub(super) fn is_requirements(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let folder = folder_of(path).rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".txt").is_some_and(|stem| {
        stem.starts_with("requirements") || stem.ends_with("requirements") || folder == "requirements"
    })
}

/// The requirements of a list without an exact version, by their lines, and how many there are in all.
///
/// Source: pip documentation, "Requirements File Format"; PEP 440 `==` (with `*` it is a range), PEP 508 `name @ URL`.
pub(super) fn open_requirements(text: &str) -> (Vec<(std::ops::Range<usize>, &str)>, usize) {
    let (mut at, mut all, mut open) = (0, 0, Vec::new());
    let mut continues = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let was_open = std::mem::replace(&mut continues, line.trim_end().ends_with('\\'));
        let plain = line.split(" #").next().unwrap_or_default().trim();
        // Options, local folders and archives that the repository itself has.
        if was_open || plain.is_empty() || plain.starts_with(['#', '-', '.', '/']) {
            continue;
        }
        let requirement = plain.split([';', '\\']).next().unwrap_or_default().trim();
        all += 1;
        if !is_exact(requirement) {
            let end = start + line.trim_end_matches(['\n', '\r', '\\', ' ']).len();
            open.push((start..end, requirement));
        }
    }
    (open, all)
}

/// One version, or one commit or archive.
fn is_exact(requirement: &str) -> bool {
    if let Some((_, address)) = requirement.split_once("://") {
        let address = address.split('#').next().unwrap_or_default();
        let is_archive = [".whl", ".zip", ".tar.gz"].iter().any(|end| address.ends_with(end));
        return is_archive || address.rsplit_once('@').is_some_and(|(_, name)| !name.contains('/'));
    }
    let version = requirement.split_once("==").map(|(_, version)| version.trim_start_matches('='));
    version.is_some_and(|version| !version.contains('*')) || requirement.contains("${") || requirement.contains("{{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_that_are_open() {
        let text = "# c\nflask\nrequests==2.31.0 \\\n  --hash=sha256:aa\n-r other.txt\nurllib3>=2 # why\nb == 1.*\nc @ git+https://example.org/c@v1\nd @ https://example.org/d-1.whl#sha256=aa\ne === 1\n./local\nf~=1 ; python_version < '3'";
        let (open, all) = open_requirements(text);
        let names: Vec<&str> = open.iter().map(|(_, name)| *name).collect();
        assert_eq!((names, all), (vec!["flask", "urllib3>=2", "b == 1.*", "f~=1"], 8));
        assert_eq!(&text[open[0].0.clone()], "flask");
    }

    #[test]
    fn manifests_that_need_a_lock() {
        let needs = |name: &str, text: &str| (kind(name).unwrap().needs)(text);
        assert!(needs("package.json", r#"{"dependencies":{"a":"^1"}}"#));
        assert!(!needs("package.json", r#"{"scripts":{}}"#) && !needs("package.json", "{"));
        assert!(needs("a/Cargo.toml", "[package]\n[dependencies]\n# c\na = \"1\"\n"));
        assert!(!needs("Cargo.toml", "[dependencies]\n\n[features]\nx = []\n"));
        assert!(needs("Cargo.toml", "[dependencies.a]\nversion = \"1\"\n"));
        assert!(!needs("composer.json", r#"{"require":{"php":">=8"}}"#));
    }
}
