//! Which files of a folder are looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Deepest folder, from the one that was named.
const MAX_DEPTH: usize = 32;

/// Most files that are looked at in one folder and all below it.
const MAX_FILES: usize = 10_000;

/// Folders that hold what others wrote.
const FOREIGN: &[&str] = &[".git", "node_modules", "vendor", ".venv", "venv", "target", ".tox", "site-packages"];

/// Endings of programs and documents about Dockerfiles.
const ABOUT_THEM: &[&str] = &[
    "c", "cpp", "cs", "ex", "go", "h", "html", "java", "js", "json", "kt", "lua", "md", "php", "py", "rb", "rs", "rst",
    "snap", "swift", "toml", "ts", "tsx", "vim",
];

/// What a file's name says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Dockerfile.
    Dockerfile,
    /// A Compose file.
    Compose,
    /// YAML, which may be a Compose file or a manifest of Kubernetes.
    Yaml,
}

/// What a file's name says that it is.
#[must_use]
pub fn kind(name: &str) -> Option<Kind> {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".yaml").or_else(|| lower.strip_suffix(".yml"));
    let is_compose = |stem: &str| {
        ["compose", "docker-compose"].iter().any(|base| {
            stem.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        })
    };
    match stem {
        Some(stem) if is_compose(stem) => Some(Kind::Compose),
        Some(_) => Some(Kind::Yaml),
        None => is_dockerfile(name).then_some(Kind::Dockerfile),
    }
}

/// Whether a file's name says that it is a Dockerfile: `Dockerfile`, `Containerfile`, `Dockerfile.dev`, `app.dockerfile`.
#[must_use]
pub fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_other = |rest: &str| rest.rsplit('.').next().is_some_and(|ending| ABOUT_THEM.contains(&ending));
    let is_base = |base: &str| {
        let rest = lower.strip_prefix(base);
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('.') && !is_other(rest)))
    };
    // Beside a Dockerfile, its list of what is not sent to the builder.
    !lower.ends_with(".dockerignore")
        && (is_base("dockerfile")
            || is_base("containerfile")
            || lower.ends_with(".dockerfile")
            || lower.ends_with(".containerfile"))
}

/// The files below a folder that `wants` takes by their name, sorted. Links are not followed: they may lead anywhere.
///
/// # Errors
/// When a folder cannot be read, or there are more files than are looked at.
pub fn find(folder: &Path, wants: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            let name = name.to_string_lossy();
            if kind.is_dir() && depth < MAX_DEPTH && !FOREIGN.contains(&&*name) {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && wants(&name) {
                found.push(entry.path());
            }
        }
        if found.len() > MAX_FILES {
            return Err(io::Error::other(format!(
                "there are more than {MAX_FILES} files to look at; name a folder below"
            )));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Kind, is_dockerfile, kind};

    #[test]
    fn names_of_compose_files_and_manifests() {
        for name in ["compose.yaml", "docker-compose.yml", "docker-compose.prod.yml", "Compose-dev.yaml"] {
            assert_eq!(kind(name), Some(Kind::Compose), "{name}");
        }
        for name in ["deployment.yaml", "composer.yml", "a.docker-compose.yml"] {
            assert_eq!(kind(name), Some(Kind::Yaml), "{name}");
        }
        assert_eq!((kind("Dockerfile"), kind("compose.json"), kind("README.md")), (Some(Kind::Dockerfile), None, None));
    }

    #[test]
    fn names_of_dockerfiles() {
        for name in ["Dockerfile", "dockerfile", "Containerfile", "Dockerfile.dev", "app.Dockerfile", "Dockerfile.in"] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "Dockerfiles", "mydockerfile", "dockerfile-notes.md", "dockerfile.rs"] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
