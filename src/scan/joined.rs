//! What a Dockerfile says and what the Compose file says that starts its image, taken together: `user:` counts and not USER, and a health check of either will do.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Location, SetAside};
use crate::lint::is_root;
use crate::workload::Container;

/// Rules about the image's user, and about its health check.
const USER_RULES: &[&str] = &["root-user", "missing-user"];
const HEALTH_RULES: &[&str] = &["no-healthcheck"];

/// A container whose image is built of a Dockerfile.
pub(super) struct Started {
    dockerfile: String,
    /// The stage that is built; the last where none is named.
    target: Option<String>,
    name: String,
    /// It is started as somebody who is not root.
    has_user: bool,
    has_health: bool,
}

impl Started {
    /// Of a container that is built here.
    pub(super) fn of(container: &Container) -> Option<Self> {
        let build = container.build.as_ref()?.value.as_ref()?;
        let is_other = |user: &str| !user.is_empty() && !user.starts_with(':') && !is_root(user);
        Some(Self {
            dockerfile: plain(build.dockerfile.as_deref()?),
            target: build.target.clone(),
            name: container.name.clone(),
            has_user: container.user.as_ref().and_then(|setting| setting.value.as_deref()).is_some_and(is_other),
            has_health: container.health.as_ref().is_some_and(|setting| setting.value == Some(true)),
        })
    }
}

/// Sets aside what a Dockerfile lacks and every service that is built of it sets. Whoever starts the image in another way does not have it, so it stays in the report.
/// `last` has the names of the last stages, by the paths of Dockerfiles: what is said of these is not about a service that is built of another.
pub(super) fn join(found: &mut [Finding], started: &[Started], last: &BTreeMap<String, Option<String>>) {
    let is_of_last = |started: &&Started| match &started.target {
        None => true,
        Some(target) => {
            last.get(&started.dockerfile).and_then(Option::as_ref).is_some_and(|name| name.eq_ignore_ascii_case(target))
        }
    };
    let started: Vec<&Started> = started.iter().filter(is_of_last).collect();
    for finding in found.iter_mut().filter(|finding| finding.set_aside.is_none()) {
        let (setting, has): (_, fn(&Started) -> bool) = match finding.rule.as_str() {
            rule if USER_RULES.contains(&rule) => ("user:", |started| started.has_user),
            rule if HEALTH_RULES.contains(&rule) => ("healthcheck:", |started| started.has_health),
            _ => continue,
        };
        let files: BTreeSet<String> = finding
            .locations
            .keys()
            .filter_map(|place| match place {
                Location::Source { path, .. } => Some(plain(path)),
                _ => None,
            })
            .collect();
        let services: Vec<&&Started> = started.iter().filter(|started| files.contains(&started.dockerfile)).collect();
        if !services.is_empty() && services.iter().all(|started| has(started)) {
            let names: Vec<&str> = services.iter().map(|started| started.name.as_str()).collect();
            finding.set_aside = Some(SetAside {
                state: "suppressed",
                by: "the Compose file".to_owned(),
                reason: format!("every service that is built of it sets {setting} ({})", names.join(", ")),
                expires: None,
            });
        }
    }
}

/// A path as people write it, without `./` before it.
pub(super) fn plain(path: &str) -> String {
    path.trim_start_matches("./").to_owned()
}
