//! A base image is taken for one platform alone.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `base-platform`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "base-platform",
        severity: Severity::Low,
        summary: "a base image is taken for one platform alone",
        why: "`--platform` with a fixed value builds an image of that platform wherever it is built: on others it runs under emulation, or not at all, and a multi-arch build has the same content for each.",
        advice: "leave it out, or use $BUILDPLATFORM for a stage whose programs run only during the build",
        aliases: &["DL3029", "KICS-b16e8501", "BuildKit:FromPlatformFlagConstDisallowed"],
        sources: &["https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, from) in subject.instructions(Keyword::From) {
        let Some(flag) = from.flag("platform") else { continue };
        let Some(platform) = flag.value.as_deref().filter(|value| !value.contains('$')) else { continue };
        // A name that tells the platform says that this is meant: `FROM … AS build_amd64`.
        let architecture = platform.split('/').nth(1).unwrap_or(platform);
        let is_meant = from.words().get(2).is_some_and(|name| name.text.contains(architecture));
        if !is_meant {
            problems.add(&flag.span, platform, format!("the base is taken for `{platform}` on every platform"));
        }
    }
}
