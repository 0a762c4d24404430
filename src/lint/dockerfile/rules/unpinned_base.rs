//! A base image is not pinned by its digest.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `unpinned-base`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "unpinned-base",
        severity: Severity::Negligible,
        summary: "a base image is not pinned by its digest",
        why: "A tag names whatever its publisher last pushed under it. A digest names one content, so that what was tested is what is shipped; a bot moves it on.",
        advice: "add the digest behind the tag (`imgguard lint --pin --fix` asks for it), and let an update bot renew it",
        aliases: &["CIS-4.2"],
        sources: &["https://docs.docker.com/build/building/best-practices/#pin-base-image-versions"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for stage in &subject.file.stages {
        let Some(image) = stage.base.image() else { continue };
        let name = ImageName::parse(image);
        // Without a version that is the first thing to say, and another rule says it.
        if name.digest.is_none() && name.tag.is_some_and(|tag| tag != "latest") {
            let word = &stage.base.word;
            let message = format!("the base `{image}` is not pinned by a digest");
            let problem = problems.add(&word.span, name.repository, message);
            // A name that an argument is a part of stands elsewhere.
            let digest = subject.around.options.digests.get(image).filter(|_| word.text == image);
            if let Some(digest) = digest.filter(|_| subject.file.source.get(&word.span) == image) {
                problem.fix("pin the digest", [Edit::insert(word.span.end, format!("@{digest}"))]);
            }
        }
    }
}
