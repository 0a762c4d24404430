//! `--vex`: files and folders of statements.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Failed;
use super::exit::Ending;
use crate::policy::vex::{MAX_VEX_BYTES, Vex, VexError};

/// Most documents of a folder.
const MAX_FILES: usize = 500_000;

/// Deepest folder that is looked into; hubs lay documents out by package type, namespace and name.
const MAX_DEPTH: usize = 16;

/// Reads every document. A file that was named must be one; in a folder, JSON files of other kinds (a hub's index) are passed over.
pub(super) fn load(paths: &[PathBuf]) -> Result<Vex, Failed> {
    let mut vex = Vex::default();
    for path in paths {
        if path.is_dir() {
            let mut files = Vec::new();
            collect(path, 0, &mut files)?;
            files.sort();
            for file in &files {
                match add(&mut vex, file) {
                    Ok(()) | Err(Reading::Vex(VexError::Unknown)) => {}
                    Err(error) => return Err(refused(file, error)),
                }
            }
        } else {
            add(&mut vex, path).map_err(|error| refused(path, error))?;
        }
    }
    Ok(vex)
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
enum Reading {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("larger than {MAX_VEX_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Vex(#[from] VexError),
}

fn add(vex: &mut Vex, path: &Path) -> Result<(), Reading> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_VEX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_VEX_BYTES {
        return Err(Reading::TooLarge);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(vex.add(&bytes, &name)?)
}

fn refused(path: &Path, error: Reading) -> Failed {
    let error = anyhow::Error::new(error).context(format!("the VEX document `{}` could not be read", path.display()));
    Failed::new(Ending::Usage, error).hint("--vex takes OpenVEX, CSAF and CycloneDX JSON, and folders of them")
}

/// Links are not followed: a folder of documents is a tree.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failed> {
    let unreadable = |error: std::io::Error| refused(folder, error.into());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (kind, path) = (entry.file_type().map_err(unreadable)?, entry.path());
        if kind.is_dir() && depth < MAX_DEPTH {
            collect(&path, depth + 1, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            let error = anyhow::anyhow!("`{}` holds more than {MAX_FILES} documents", folder.display());
            return Err(Failed::new(Ending::Usage, error));
        }
    }
    Ok(())
}
