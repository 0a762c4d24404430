//! `sbom`: images to a bill of materials.

use super::args::{Global, SbomArgs};
use super::exit::Ending;
use super::output::Plan;
use super::sources::{self, Opener};
use super::{Failed, reading, today};
use crate::report::contract::Reports;
use crate::scan::{self, CollectOptions};

/// Writes what is installed; nothing is matched or judged, and no store is opened.
pub(super) fn sbom(arguments: &SbomArgs, global: &Global) -> Result<Ending, Failed> {
    let how = &arguments.target.reading;
    let references = sources::references(&arguments.target)?;
    let plan = Plan::of_bill(arguments, references.len() > 1)?;
    let (images, mut worst) = reading::open(&references, &Opener::new(how, true));
    if images.is_empty() {
        return Ok(worst);
    }
    let collect = CollectOptions::default();
    let cache = reading::cache(how, collect, global);
    let bar = reading::announce(&images, global);
    let answers = scan::list(images, reading::options(how, collect), &cache, today(how.as_of), bar.clone());
    bar.finish();
    for answer in &answers {
        worst = worst.max(reading::ending(answer));
    }
    plan.write(&Reports::of(answers.into_iter().map(|answer| answer.report)), global)?;
    Ok(worst)
}
