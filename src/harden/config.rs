//! The image configuration as JSON that is edited in place: fields that nobody here knows keep their values and their order.
//!
//! Source: OCI image-spec `config.md`, and Docker's additions (moby `image/spec/v1.2.md`).

use serde_json::{Map, Value, json};

use super::HardenError;
use crate::digest::Digest;
use crate::oci::ImageConfig;

/// An image configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    document: Map<String, Value>,
}

impl Config {
    /// Reads one.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, HardenError> {
        let unfit = |error: serde_json::Error| HardenError::Unfit {
            what: "the image configuration".into(),
            why: error.to_string(),
        };
        Ok(Self { document: serde_json::from_slice(bytes).map_err(unfit)? })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Value::Object(self.document.clone()).to_string().into_bytes()
    }

    /// As the rest of the program reads it.
    ///
    /// # Errors
    /// When a field has a value of another type than the specification says.
    pub fn read(&self) -> Result<ImageConfig, HardenError> {
        serde_json::from_value(Value::Object(self.document.clone()))
            .map_err(|error| HardenError::Unfit { what: "the image configuration".into(), why: error.to_string() })
    }

    /// A run setting by Docker's spelling of it, `User`; none where it is not there or null.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.document.get("config")?.get(name).filter(|value| !value.is_null())
    }

    /// All run settings; none where there are none.
    #[must_use]
    pub fn settings(&self) -> Option<&Map<String, Value>> {
        self.document.get("config").and_then(Value::as_object)
    }

    /// Puts other run settings in the place of those that are there.
    pub fn set_settings(&mut self, settings: Map<String, Value>) {
        self.document.insert("config".to_owned(), Value::Object(settings));
    }

    /// Sets a run setting.
    pub fn set(&mut self, name: &str, value: Value) {
        let settings = self.document.entry("config").or_insert_with(|| json!({}));
        if !settings.is_object() {
            *settings = json!({});
        }
        if let Some(settings) = settings.as_object_mut() {
            settings.insert(name.to_owned(), value);
        }
    }

    /// Lets `change` rewrite every text that somebody wrote: settings, history, labels and what nobody here knows. Keys, `rootfs`, platform and times stay. Returns the number of texts that changed.
    pub fn rewrite_texts(&mut self, change: &mut dyn FnMut(&str) -> Option<String>) -> usize {
        const FIXED: &[&str] = &["rootfs", "architecture", "os", "variant", "created"];
        let parts = self.document.iter_mut().filter(|(name, _)| !FIXED.contains(&name.as_str()));
        parts.map(|(_, value)| rewrite(value, change)).sum()
    }

    /// The build steps; empty where there are none.
    #[must_use]
    pub fn history(&self) -> &[Value] {
        self.document.get("history").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Puts other build steps in the place of those that are there.
    pub fn set_history(&mut self, steps: Vec<Value>) {
        self.document.insert("history".to_owned(), Value::Array(steps));
    }

    /// Adds a build step of ours, made when the image was; `makes_layer` where it made one. A configuration without a history gets none.
    pub fn add_step(&mut self, what: &str, created: &str, makes_layer: bool) {
        let mut step = json!({"created": created, "created_by": what});
        if !makes_layer {
            step["empty_layer"] = true.into();
        }
        if let Some(steps) = self.document.get_mut("history").and_then(Value::as_array_mut) {
            steps.push(step);
        }
    }

    /// Says that all build steps together made one layer: the last of those that made any.
    pub fn squash_history(&mut self) {
        let Some(steps) = self.document.get_mut("history").and_then(Value::as_array_mut) else { return };
        let makes_layer = |step: &Value| step.get("empty_layer").and_then(Value::as_bool) != Some(true);
        let last = steps.iter().rposition(makes_layer);
        for (index, step) in steps.iter_mut().enumerate() {
            if Some(index) != last
                && let Some(step) = step.as_object_mut()
            {
                step.insert("empty_layer".to_owned(), true.into());
            }
        }
    }

    /// When the image was built, as its builder says (RFC 3339).
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        self.document.get("created").and_then(Value::as_str)
    }

    /// Says when the image was built.
    pub fn set_created(&mut self, created: &str) {
        self.document.insert("created".to_owned(), created.into());
    }

    /// Names the layers, lowest first.
    pub fn set_diff_ids(&mut self, diff_ids: &[Digest]) {
        let diff_ids: Vec<&str> = diff_ids.iter().map(Digest::as_str).collect();
        self.document.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
    }
}

/// Lets `change` rewrite the values of annotations, wherever an index or manifest has some.
pub(super) fn rewrite_annotations(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) -> usize {
    match value {
        Value::Array(items) => items.iter_mut().map(|item| rewrite_annotations(item, change)).sum(),
        Value::Object(fields) if fields.values().all(Value::is_string) => {
            fields.values_mut().map(|field| rewrite(field, change)).sum()
        }
        Value::Object(fields) => {
            fields.get_mut("annotations").map_or(0, |annotations| rewrite_annotations(annotations, change))
        }
        _ => 0,
    }
}

/// Rewrites every text at or below `value`.
fn rewrite(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) -> usize {
    match value {
        Value::String(text) => match change(text) {
            Some(new) => {
                *text = new;
                1
            }
            None => 0,
        },
        Value::Array(items) => items.iter_mut().map(|item| rewrite(item, change)).sum(),
        Value::Object(fields) => fields.values_mut().map(|field| rewrite(field, change)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"architecture":"amd64","x.custom":{"b":1,"a":"hunter2"},"os":"linux","created":"2026-01-02T03:04:05Z","config":{"Healthcheck":{"Test":["CMD","x"],"Interval":30000000000},"Env":["P=hunter2","Q=r"]},"history":[{"created_by":"RUN echo hunter2"}],"rootfs":{"type":"layers","diff_ids":[]}}"#;

    #[test]
    fn what_is_not_changed_keeps_its_bytes() {
        let mut config = Config::parse(CONFIG.as_bytes()).unwrap();
        assert_eq!(config.to_bytes(), CONFIG.as_bytes());
        config.set("User", "app".into());
        let text = String::from_utf8(config.to_bytes()).unwrap();
        assert_eq!(text, CONFIG.replace(r#""Q=r"]"#, r#""Q=r"],"User":"app""#));
    }

    #[test]
    fn texts_are_rewritten_wherever_they_stand() {
        let mut config = Config::parse(CONFIG.as_bytes()).unwrap();
        let masked = config.rewrite_texts(&mut |text| text.contains("hunter2").then(|| text.replace("hunter2", "***")));
        assert_eq!(masked, 3);
        let text = String::from_utf8(config.to_bytes()).unwrap();
        assert_eq!(text, CONFIG.replace("hunter2", "***"));
    }

    #[test]
    fn a_step_says_whether_it_made_a_layer() {
        let mut config = Config::parse(br#"{"history":[{"created_by":"a"}]}"#).unwrap();
        config.add_step("b", "2026-01-02T03:04:05Z", true);
        config.add_step("c", "2026-01-02T03:04:05Z", false);
        let read = config.read().unwrap();
        assert_eq!(read.history.iter().map(|step| step.empty_layer).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(read.instruction(1, 2), Some("b"));
        let mut without = Config::parse(b"{}").unwrap();
        without.add_step("b", "", true);
        assert!(without.history().is_empty());
    }
}
