//! A base image is of a release that gets no more fixes.

use crate::advisory::model::Severity;
use crate::base::lifecycle;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `end-of-life-base`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "end-of-life-base",
        severity: Severity::High,
        summary: "a base image is of a release that gets no more fixes",
        why: "Once a release has reached its end of life nobody publishes fixes for it, and scanners fall silent because advisories stop, too.",
        advice: "move to a release that is maintained; endoflife.date lists them",
        aliases: &["CIS-4.4"],
        sources: &["https://endoflife.date/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some(store) = subject.around.store else { return };
    for stage in &subject.file.stages {
        let Some(image) = stage.base.image() else { continue };
        let name = ImageName::parse(image);
        let Some(tag) = name.tag.filter(|_| name.is_official()) else { continue };
        let product = lifecycle::product(name.repository);
        let version = lifecycle::release(tag.split('-').next().unwrap_or_default());
        // A damaged store ends the command elsewhere; here it has nothing to say.
        let Ok(Some(cycles)) = store.lifecycle(product) else { continue };
        let Some(cycle) = cycles.cycle(version) else { continue };
        if cycle.security.is_over(subject.around.evaluated_at) == Some(true) {
            let message = format!("`{image}` is of {product} {}, which gets no more fixes", cycle.name);
            problems.add(&stage.base.word.span, name.repository, message);
        }
    }
}
