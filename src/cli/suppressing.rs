//! Files of waivers and baselines, and what is told about them.

use std::path::Path;

use super::exit::Ending;
use super::secrets_args::Suppressing;
use super::{Failed, args::Global, notice, sources};
use crate::policy::baseline::{Baseline, MAX_BASELINE_BYTES};
use crate::policy::suppress::Suppressions;
use crate::policy::waiver::{MAX_WAIVER_BYTES, Waiver, parse};
use crate::scan::Answer;

/// Where waivers are found when none are named.
const DEFAULT: &str = ".imgguard.toml";

/// Reads what the user named, and the waivers of the policy.
pub(super) fn load(suppressing: &Suppressing, of_policy: &[Waiver]) -> Result<Suppressions, Failed> {
    let mut waivers = of_policy.to_vec();
    match suppressing.waivers.as_deref() {
        Some(named) if named == Path::new("none") => {}
        Some(named) => waivers.extend(read_waivers(named)?),
        None if Path::new(DEFAULT).is_file() => waivers.extend(read_waivers(Path::new(DEFAULT))?),
        None => {}
    }
    let baseline = suppressing.baseline.as_deref().map(read_baseline).transpose()?;
    Ok(Suppressions { waivers, baseline, inline_allow: suppressing.inline_allow, ..Suppressions::default() })
}

fn read_waivers(path: &Path) -> Result<Vec<Waiver>, Failed> {
    let bytes = sources::read_file(path, MAX_WAIVER_BYTES, "file of waivers")?;
    let failed = |error: anyhow::Error| {
        Failed::new(Ending::Usage, error.context(format!("the waivers of `{}` cannot be used", path.display())))
            .hint("a waiver has `finding`, or `rule` and `path`, and always `reason`, `owner` and `expires`; docs/secrets.md shows one")
    };
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    parse(&text).map_err(|error| failed(error.into()))
}

fn read_baseline(path: &Path) -> Result<(String, Baseline), Failed> {
    let bytes = sources::read_file(path, MAX_BASELINE_BYTES, "baseline")?;
    let baseline = Baseline::parse(&bytes).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("the baseline `{}` cannot be used", path.display()));
        Failed::new(Ending::Usage, error).hint("write one with --format json --output FILE")
    })?;
    Ok((path.display().to_string(), baseline))
}

/// Tells the waivers that count for nothing: expired, or about nothing that was found.
pub(super) fn tell(suppressions: &Suppressions, answers: &[Answer], today: jiff::civil::Date, global: &Global) {
    for (number, waiver) in suppressions.waivers.iter().enumerate() {
        let is_used = answers.iter().any(|answer| answer.waivers_used.contains(&number));
        if waiver.has_expired(today) {
            notice(global, &format!("{waiver} has expired and does not count"));
        } else if !is_used {
            notice(global, &format!("{waiver} is about nothing that was found; remove it"));
        }
    }
}
