//! COPY --from names a stage or image that is not pinned down.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-from-unknown`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-from-unknown",
        severity: Severity::Medium,
        summary: "COPY --from names a stage or image that is not pinned down",
        why: "A name that is no stage of this file is pulled as an image: a slip in the name fetches somebody else's, and without a tag it is whatever was pushed last.",
        advice: "name a stage of this file, its number, or an image with tag and digest",
        aliases: &["DL3022", "KICS-68a51e22"],
        sources: &["https://docs.docker.com/reference/dockerfile/#copy---from"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let Some(flag) = instruction.flag("from") else { continue };
        let Some(from) = flag.value.as_deref().filter(|from| !from.contains('$')) else { continue };
        let Some(own) = subject.file.stage_of(index) else { continue };
        let earlier = subject.file.stages.iter().take(own.index + 1);
        let is_stage = earlier.filter_map(|stage| stage.name.as_ref()).any(|name| name.text.eq_ignore_ascii_case(from));
        // Its own number is another rule's.
        let is_number = from.parse::<usize>().is_ok_and(|number| number <= own.index);
        let name = ImageName::parse(from);
        let is_image = name.tag.is_some() || name.digest.is_some() || name.registry.is_some() || from.contains('/');
        if !is_stage && !is_number && !is_image {
            problems.add(&flag.span, from, format!("`{from}` is no stage before this one, and no image with a tag"));
        }
    }
}
