//! The image runs as root.

use super::{Check, Meta, Subject, user};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind, Location};

/// `root-user`.
pub(super) struct RootUser;

static META: Meta = Meta {
    name: "root-user",
    summary: "the image runs as root",
    doc: "**Reads** `USER` of the image configuration, and the image's own `etc/passwd` and `etc/group`.\n\n**Reports** `root-user` when the user has the uid 0, however it is written (``, `root`, `0`, `0:0`, `+0`, \
          another name with uid 0), and `unresolved-user` when there is no such account, so that a container does not start.\n\n**Cannot see** a user set when the container is started, or an entrypoint that drops privileges.\n\n**Since** 0.1.0",
};

impl Check for RootUser {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let resolved = user::resolve(&subject.manifest.config.config.user, subject.inventory);
        let place = || Location::Config("user".into());
        let spec =
            if resolved.spec.is_empty() { "no USER is set".to_owned() } else { format!("USER is `{}`", resolved.spec) };
        let finding = match (resolved.uid, resolved.problem) {
            (Some(0), _) => {
                Finding::new(Kind::Config, META.name, Severity::High, format!("the image runs as root: {spec}"), "user")
                    .advise("add an account with a fixed uid and end the Dockerfile with USER <uid>:<gid>")
            }
            (_, Some(problem)) => {
                let reason = match problem {
                    user::Problem::NoAccount => "the image has no such account",
                    user::Problem::NoGroup => "the image has no such group",
                    user::Problem::OutOfRange => "the number is no uid",
                };
                Finding::new(Kind::Config, "unresolved-user", Severity::Medium, format!("{spec}, but {reason}"), "user")
                    .advise("create the account in the image, or use a numeric USER")
            }
            _ => return Vec::new(),
        };
        vec![finding.at(place())]
    }
}
