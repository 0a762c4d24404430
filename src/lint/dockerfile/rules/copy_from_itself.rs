//! COPY --from names its own stage.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `copy-from-itself`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "copy-from-itself",
        severity: Severity::High,
        summary: "COPY --from names its own stage",
        why: "A stage cannot be copied from while it is built: the build fails.",
        advice: "name the stage that the files are in",
        aliases: &["DL3023", "DS-0006", "KICS-cdddb86f"],
        sources: &["https://docs.docker.com/reference/dockerfile/#copy---from"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (index, instruction) in subject.instructions(Keyword::Copy) {
        let Some(flag) = instruction.flag("from") else { continue };
        let (Some(from), Some(own)) = (flag.value.as_deref(), subject.file.stage_of(index)) else { continue };
        let is_own = own.name.as_ref().is_some_and(|name| name.text.eq_ignore_ascii_case(from));
        let hides_other = subject
            .file
            .stages
            .iter()
            .take(own.index)
            .filter_map(|stage| stage.name.as_ref())
            .any(|name| name.text.eq_ignore_ascii_case(from));
        if (is_own && !hides_other) || from.parse() == Ok(own.index) {
            problems.add(&flag.span, from, format!("`{from}` is the stage that is being built"));
        }
    }
}
