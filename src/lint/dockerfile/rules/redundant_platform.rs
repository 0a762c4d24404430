//! --platform=$TARGETPLATFORM says what holds anyway.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `redundant-platform`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "redundant-platform",
        severity: Severity::Negligible,
        summary: "--platform=$TARGETPLATFORM says what holds anyway",
        why: "A stage is built for the target platform unless it says otherwise; the flag suggests that something special happens.",
        advice: "leave --platform=$TARGETPLATFORM out",
        aliases: &["DL3065", "BuildKit:RedundantTargetPlatform"],
        sources: &["https://docs.docker.com/reference/build-checks/redundant-target-platform/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, from) in subject.instructions(Keyword::From) {
        let Some(flag) = from.flag("platform") else { continue };
        if matches!(flag.value.as_deref(), Some("$TARGETPLATFORM" | "${TARGETPLATFORM}")) {
            let after = subject.file.source.text().get(flag.span.end..).unwrap_or_default();
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            let problem =
                problems.add(&flag.span, "platform", "the target platform is what a stage is built for anyway");
            problem
                .fix("remove the flag", [Edit { range: flag.span.start..flag.span.end + blanks, text: String::new() }]);
        }
    }
}
