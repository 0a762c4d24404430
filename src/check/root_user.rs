//! The image runs as root, or as someone who does not exist.

use super::{Check, Meta, Subject, user};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind, Location};

/// `root-user`.
pub(super) struct RootUser;

static META: Meta = Meta {
    name: "root-user",
    summary: "the image runs as root",
    doc: "**Reads** `USER` of the image configuration, and the image's own `etc/passwd`.\n\n**Reports** a user with the uid 0, however it is written (``, `root`, `0`, `0:0`, `+0`, another name with uid 0), and the name `root` even where the image has no such account.\n\n\
          **Cannot see** a user set when the container is started, or an entrypoint that drops privileges.\n\n**Since** 0.1.0",
    aliases: &["CIS-4.1", "CIS-DI-0001", "DS-0002", "CKV_DOCKER_3", "CKV_DOCKER_8"],
    needs_config: true,
};

impl Check for RootUser {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let resolved = user::resolve(&subject.manifest.config.config.user, subject.inventory);
        // Podman takes the name for uid 0 even where the image has no passwd; Docker does not start such a container.
        let is_named_root = resolved.spec.split(':').next() == Some("root");
        if resolved.uid != Some(0) && !is_named_root {
            return Vec::new();
        }
        let title = format!("the image runs as root: {}", spec(&resolved));
        let finding = Finding::new(Kind::Config, META.name, Severity::High, title, "user")
            .advise("add an account with a fixed uid and end the Dockerfile with USER <uid>:<gid>");
        vec![finding.at(Location::Config("user".into()))]
    }
}

/// `unresolved-user`.
pub(super) struct UnresolvedUser;

static UNRESOLVED: Meta = Meta {
    name: "unresolved-user",
    summary: "the image's user does not exist in it",
    doc: "**Reads** `USER` of the image configuration, and the image's own `etc/passwd` and `etc/group`.\n\n**Reports** a user or group name that has no account there, or a number that is no uid, so that a container does not start.\n\n\
          **Cannot see** accounts that an orchestrator adds.\n\n**Since** 0.1.0",
    aliases: &[],
    needs_config: true,
};

impl Check for UnresolvedUser {
    fn meta(&self) -> &'static Meta {
        &UNRESOLVED
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let resolved = user::resolve(&subject.manifest.config.config.user, subject.inventory);
        let reason = match resolved.problem {
            None => return Vec::new(),
            Some(user::Problem::NoAccount) => "the image has no such account",
            Some(user::Problem::NoGroup) => "the image has no such group",
            Some(user::Problem::OutOfRange) => "the number is no uid",
        };
        let title = format!("{}, but {reason}", spec(&resolved));
        let finding = Finding::new(Kind::Config, UNRESOLVED.name, Severity::Medium, title, "user")
            .advise("create the account in the image, or use a numeric USER");
        vec![finding.at(Location::Config("user".into()))]
    }
}

fn spec(user: &user::User) -> String {
    if user.spec.is_empty() { "no USER is set".to_owned() } else { format!("USER is `{}`", user.spec) }
}
