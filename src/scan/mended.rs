//! Files with what mends their problems put into them, round by round, since one fix may make room for another.

use std::collections::BTreeMap;

use crate::dockerfile::Dockerfile;
use crate::lint::ignore::Ignore;
use crate::lint::{self, Problem, Surroundings, repository};
use crate::workload::Workload;

/// Most rounds of fixes; two are the most that were ever needed.
const MAX_ROUNDS: usize = 8;

/// A file with what mends its problems put into it, round by round, since one fix may make room for another; nothing where there is nothing to mend.
/// The second value counts the fixes.
///
/// # Errors
/// When the file cannot be read as what it is.
pub fn mended(bytes: &[u8], around: Surroundings<'_>) -> Result<(Vec<u8>, usize), String> {
    let (mut text, mut made) = (bytes.to_vec(), 0);
    for _ in 0..MAX_ROUNDS {
        let file = Dockerfile::parse(&text).map_err(|error| error.to_string())?;
        let ignores = lint::dockerfile::ignores(&file);
        let problems = lint::dockerfile::run(&file, around).map_err(|error| error.to_string())?;
        let fixes = problems
            .iter()
            .filter(|problem| !is_ignored(problem, &ignores, around))
            .filter_map(|problem| problem.fix.as_ref());
        let (next, count) = lint::fix::apply(&text, fixes);
        // What no longer parses is not given to anybody.
        if count == 0 || Dockerfile::parse(&next).is_err() {
            break;
        }
        (text, made) = (next, made + count);
    }
    Ok((text, made))
}

/// Other contents of files, by their path.
type Overlay = BTreeMap<String, Vec<u8>>;

/// Reads a project with other contents of files, by their path.
type Load<'a> = dyn Fn(&Overlay) -> Result<Workload, String> + 'a;

/// The files of a project with what mends their problems put into them, as [`mended`] does it. `load` reads the project with other contents of files, by their path.
///
/// # Errors
/// When the project cannot be read.
pub fn mended_workload(load: &Load<'_>, around: Surroundings<'_>) -> Result<Vec<MendedFile>, String> {
    rounds(around, &|overlay| {
        let workload = load(overlay)?;
        let problems = lint::container::run(&workload, around);
        let ignores = workload.files.iter().map(lint::container::ignores).collect();
        let files = workload.files.into_iter().map(|file| (file.path, file.bytes)).collect();
        Ok(Looked { files, ignores, problems })
    })
}

/// The files of a repository with what mends their problems put into them, likewise; `look` looks at it with other contents of files.
#[must_use]
pub fn mended_repository(look: &dyn Fn(&Overlay) -> repository::Report, around: Surroundings<'_>) -> Vec<MendedFile> {
    let mended = rounds(around, &|overlay| {
        let report = look(overlay);
        let ignores = report.files.iter().map(|(_, bytes)| repository::ignores(bytes)).collect();
        Ok(Looked { files: report.files, ignores, problems: report.problems })
    });
    // What cannot be looked at has no problems to be mended.
    mended.unwrap_or_default()
}

/// Files that were looked at together.
struct Looked {
    files: Vec<(String, Vec<u8>)>,
    /// File by file.
    ignores: Vec<Vec<Ignore>>,
    problems: Vec<Problem>,
}

/// Mends until nothing is left to be mended.
fn rounds(
    around: Surroundings<'_>,
    look: &dyn Fn(&Overlay) -> Result<Looked, String>,
) -> Result<Vec<MendedFile>, String> {
    let mut overlay = BTreeMap::new();
    let mut changed: BTreeMap<String, MendedFile> = BTreeMap::new();
    let mut looked = look(&overlay)?;
    for _ in 0..MAX_ROUNDS {
        let mut next = overlay.clone();
        for (number, ((path, bytes), ignores)) in looked.files.iter().zip(&looked.ignores).enumerate() {
            let of_file = looked.problems.iter().filter(|problem| problem.file == number);
            let fixes = of_file
                .filter(|problem| !is_ignored(problem, ignores, around))
                .filter_map(|problem| problem.fix.as_ref());
            let (text, made) = lint::fix::apply(bytes, fixes);
            if made > 0 {
                let new = || MendedFile { path: path.clone(), old: bytes.clone(), new: Vec::new(), made: 0 };
                let entry = changed.entry(path.clone()).or_insert_with(new);
                (entry.new, entry.made) = (text.clone(), entry.made + made);
                next.insert(path.clone(), text);
            }
        }
        if next == overlay {
            break;
        }
        // What can no longer be read is not given to anybody.
        match look(&next) {
            Ok(again) => (looked, overlay) = (again, next),
            Err(_) => {
                changed.clear();
                break;
            }
        }
    }
    Ok(changed.into_values().collect())
}

/// A file that was mended.
pub struct MendedFile {
    /// Its path.
    pub path: String,
    /// What it was.
    pub old: Vec<u8>,
    /// What it is.
    pub new: Vec<u8>,
    /// How many fixes were made.
    pub made: usize,
}

/// Whether a comment sets a problem aside.
fn is_ignored(problem: &lint::Problem, ignores: &[lint::ignore::Ignore], around: Surroundings<'_>) -> bool {
    ignores.iter().any(|ignore| ignore.sets_aside(problem, around.evaluated_at))
}
