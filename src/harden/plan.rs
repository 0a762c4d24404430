//! What hardening would do: steps for people and programs.
//!
//! A step says what it changes, why, what it cannot do, and what is left for people. Values of secrets are never part of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::digest::Digest;

/// Version of the plan's JSON (`docs/schema/harden-plan-1.0.json`).
pub const SCHEMA_VERSION: &str = "1.0";

/// What one transform does on one or more platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    /// The transform's stable name, `non-root-user`.
    pub transform: String,
    /// One line: what is done; empty when it only tells what it cannot do.
    pub title: String,
    /// Why.
    pub why: String,
    /// What changes, a line each.
    pub changes: Vec<Change>,
    /// What it cannot do or leaves as it is, with the reason.
    pub cannot: Vec<String>,
    /// What people still have to do.
    pub left: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// A path with a leading slash, or a part of the configuration: `config:User`, `env:NAME`.
    pub what: String,
    /// What becomes of it.
    pub change: String,
}

impl Change {
    /// A change of a file or a part of the configuration.
    #[must_use]
    pub fn new(what: impl ToString, change: impl Into<String>) -> Self {
        Self { what: what.to_string(), change: change.into() }
    }
}

impl Step {
    /// A step without changes.
    #[must_use]
    pub fn new(transform: &str, title: impl Into<String>, why: impl Into<String>) -> Self {
        Self { transform: transform.into(), title: title.into(), why: why.into(), ..Self::default() }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// A step with the platforms on which it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// The platforms.
    pub platforms: Vec<String>,
    /// The step.
    #[serde(flatten)]
    pub step: Step,
}

/// The plan for an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// The old image, as the user named it.
    pub reference: String,
    /// Its digest.
    pub digest: Option<String>,
    /// The destination.
    pub target: String,
    /// The steps in their order.
    pub steps: Vec<PlannedStep>,
    /// What happens to the image as a whole: attestations that go, platforms that stay.
    pub notes: Vec<String>,
}

impl Plan {
    /// Joins the steps of all platforms: those that are the same become one.
    #[must_use]
    pub fn join(steps: impl IntoIterator<Item = (String, Vec<Step>)>) -> Vec<PlannedStep> {
        let mut joined: Vec<PlannedStep> = Vec::new();
        let mut places: BTreeMap<Step, usize> = BTreeMap::new();
        for (platform, steps) in steps {
            for step in steps {
                if let Some(known) = places.get(&step).and_then(|place| joined.get_mut(*place)) {
                    known.platforms.push(platform.clone());
                } else {
                    places.insert(step.clone(), joined.len());
                    joined.push(PlannedStep { platforms: vec![platform.clone()], step });
                }
            }
        }
        joined
    }

    /// Puts steps in front that made the image which this plan is of; `digest` is that of the image before them.
    pub fn comes_after(&mut self, steps: Vec<(String, Vec<Step>)>, notes: Vec<String>, digest: Option<&Digest>) {
        self.steps.splice(0..0, Self::join(steps));
        self.notes.splice(0..0, notes);
        self.digest = digest.map(ToString::to_string);
    }

    /// Whether anything would change.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|planned| planned.step.is_change())
    }
}
