//! Run settings that the user names; all others stay.

use serde_json::{Value, json};

use super::{Transform, Wishes};
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};

/// The transform.
pub(super) struct Settings;

impl Transform for Settings {
    fn name(&self) -> &'static str {
        "settings"
    }

    fn summary(&self) -> &'static str {
        "set labels, annotations, the health check and the stop signal that were named"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let mut step = Step::new(self.name(), "change settings", "they were named on the command line");
        if let Some(signal) = &wishes.stop_signal {
            set(draft, &mut step, "StopSignal", signal.as_str().into());
        }
        if let Some(command) = &wishes.healthcheck {
            set(draft, &mut step, "Healthcheck", json!({"Test": ["CMD-SHELL", command]}));
        }
        if !wishes.labels.is_empty() {
            let mut labels = draft.config.setting("Labels").cloned().unwrap_or_else(|| json!({}));
            for (name, value) in &wishes.labels {
                labels[name.as_str()] = value.as_str().into();
            }
            set(draft, &mut step, "Labels", labels);
        }
        for (name, value) in &wishes.annotations {
            if draft.annotations.get(name).and_then(Value::as_str) != Some(value) {
                draft.annotations.insert(name.clone(), value.as_str().into());
                step.changes.push(Change::new(format!("annotation:{name}"), format!("set to `{value}`")));
            }
        }
        draft.note(step);
    }
}

fn set(draft: &mut Draft, step: &mut Step, name: &str, value: Value) {
    if draft.config.setting(name) != Some(&value) {
        step.changes.push(Change::new(format!("config:{name}"), format!("set to {value}")));
        draft.config.set(name, value);
    }
}
