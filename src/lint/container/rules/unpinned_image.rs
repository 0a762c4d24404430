//! An image is not pinned by digest.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `unpinned-image`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "unpinned-image",
        severity: Severity::Low,
        summary: "an image is not pinned by digest",
        why: "A tag can be moved, by its owner and by whoever takes over the account: only a digest says which image it is.",
        advice: "add the digest (image:1.2@sha256:…; `imgguard lint --pin --fix` asks for it), and let a bot renew it",
        aliases: &["CL-0019"],
        sources: &["https://docs.docker.com/build/building/best-practices/#pin-base-image-versions"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let Some((text, at)) = subject.pulled_image() else { return };
    let name = ImageName::parse(text);
    // Without a tag, or with one that moves, the other rules say so.
    if name.digest.is_none() && name.tag.is_some_and(|tag| tag != "latest") {
        let message = format!("the image is not pinned by digest: `{text}`");
        let digest = subject.around.options.digests.get(text);
        let edit = digest.and_then(|digest| Some(Edit::insert(subject.end_of(at, text)?, format!("@{digest}"))));
        let problem = subject.state(problems, at, name.repository, message);
        if let Some(edit) = edit {
            problem.fix("pin the digest", [edit]);
        }
    }
}
