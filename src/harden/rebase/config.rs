//! Run settings and history of an image whose base is another one.
//!
//! What the application set since the old base stays, also where the new base sets it otherwise; what only the new base changed is the new base's. Variables, labels, ports and volumes count each by itself.
//!
//! Source: OCI image-spec `config.md`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::three_way::{Versions, Winner};
use crate::harden::Config;

/// Settings that are sets or maps, whose members count each by itself.
const MAPS: &[&str] = &["ExposedPorts", "Labels", "Volumes"];

/// The settings of an image on another base. The second part names what both sides set to different values; the application's stayed.
pub(super) fn settings(versions: Versions<&Map<String, Value>>) -> (Map<String, Value>, Vec<String>) {
    let mut told = Vec::new();
    let merged = keys(versions).into_iter().filter_map(|name| {
        let versions = at(versions, &name);
        let value = if MAPS.contains(&name.as_str()) {
            map(&name, versions, &mut told)
        } else if name == "Env" {
            environment(versions, &mut told)
        } else {
            choose(&name, versions, &mut told)
        };
        Some((name, value?))
    });
    (merged.collect(), told)
}

/// All names, in the order of the application's settings.
fn keys(versions: Versions<&Map<String, Value>>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = [versions.app, versions.new].into_iter().flatten().flat_map(Map::keys);
    all.filter(|name| seen.insert((*name).clone())).cloned().collect()
}

/// Null is the same as nothing, as for Docker.
fn at<'v>(versions: Versions<&'v Map<String, Value>>, name: &str) -> Versions<&'v Value> {
    let get = |map: Option<&'v Map<String, Value>>| map?.get(name).filter(|value| !value.is_null());
    Versions { old: get(versions.old), app: get(versions.app), new: get(versions.new) }
}

fn choose(name: &str, versions: Versions<&Value>, told: &mut Vec<String>) -> Option<Value> {
    let chosen = match versions.winner() {
        Some(Winner::New) => versions.new,
        Some(Winner::App) => versions.app,
        None => {
            told.push(name.to_owned());
            versions.app
        }
    };
    chosen.cloned()
}

fn map(name: &str, versions: Versions<&Value>, told: &mut Vec<String>) -> Option<Value> {
    let versions = Versions { old: object(versions.old), app: object(versions.app), new: object(versions.new) };
    let merged: Map<String, Value> = keys(versions)
        .into_iter()
        .filter_map(|key| {
            let value = choose(&format!("{name} {key}"), at(versions, &key), told)?;
            Some((key, value))
        })
        .collect();
    let is_there = versions.app.is_some() || versions.new.is_some();
    (is_there && !(merged.is_empty() && versions.app.is_none())).then_some(Value::Object(merged))
}

fn object(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

/// Variables by name: those of the new base in its order, then the application's own.
fn environment(versions: Versions<&Value>, told: &mut Vec<String>) -> Option<Value> {
    let variables = |value: Option<&Value>| -> Map<String, Value> {
        let all = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        all.map(|text| (text.split('=').next().unwrap_or(text).to_owned(), Value::from(text))).collect()
    };
    let (old, app, new) = (variables(versions.old), variables(versions.app), variables(versions.new));
    let by_name = Versions { old: Some(&old), app: Some(&app), new: Some(&new) };
    let order = Versions { old: None, app: Some(&new), new: Some(&app) };
    let merged: Vec<Value> =
        keys(order).into_iter().filter_map(|name| choose(&format!("Env {name}"), at(by_name, &name), told)).collect();
    (!merged.is_empty()).then_some(Value::Array(merged))
}

/// The history: the new base's, and the application's steps. None where they do not tell which steps are whose.
pub(super) fn history(old: &Config, app: &Config, new: &Config, base_layers: usize) -> Option<Vec<Value>> {
    let makes_layer = |step: &&Value| step.get("empty_layer").and_then(Value::as_bool) != Some(true);
    let of_base = old.history();
    let steps = app.history();
    let own = match steps.get(..of_base.len()) {
        Some(first) if !of_base.is_empty() && first == of_base => steps.get(of_base.len()..)?,
        // A builder that writes the base's history in its own words: the steps after its last layer.
        _ => {
            let mut layers = 0;
            let end = steps.iter().position(|step| {
                layers += usize::from(makes_layer(&step));
                layers > base_layers
            });
            steps.get(end.unwrap_or(steps.len())..)?
        }
    };
    Some(new.history().iter().chain(own).cloned().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(old: Value, app: Value, new: Value) -> (Value, Vec<String>) {
        let of = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
        let (old, app, new) = (of(&old), of(&app), of(&new));
        let (merged, told) = settings(Versions { old: Some(&old), app: Some(&app), new: Some(&new) });
        (Value::Object(merged), told)
    }

    #[test]
    fn what_the_application_set_stays() {
        let old = json!({"Env": ["PATH=/bin", "LANG=C", "V=1"], "Cmd": ["sh"], "Labels": {"a": "1", "b": "1"}, "StopSignal": null});
        let app = json!({"Env": ["PATH=/srv:/bin", "LANG=C", "V=1", "APP=x"], "Cmd": null, "Entrypoint": ["/srv/app"],
            "Labels": {"a": "2", "b": "1"}, "User": "app"});
        let new = json!({"Env": ["PATH=/bin", "V=2", "NEW=1"], "Cmd": ["bash"], "Labels": {"a": "1", "b": "3", "c": "1"},
            "StopSignal": "SIGINT"});
        let (settings, told) = merged(old, app, new);
        assert_eq!(
            settings,
            json!({"Env": ["PATH=/srv:/bin", "V=2", "NEW=1", "APP=x"], "Entrypoint": ["/srv/app"],
                "Labels": {"a": "2", "b": "3", "c": "1"}, "User": "app", "StopSignal": "SIGINT"})
        );
        assert_eq!(told, ["Cmd"]);
    }

    #[test]
    fn steps_of_the_base_are_told_from_the_applications() {
        let config = |steps: Value| Config::parse(json!({ "history": steps }).to_string().as_bytes()).unwrap();
        let old = config(json!([{"created_by": "ADD old"}, {"created_by": "CMD", "empty_layer": true}]));
        let new = config(json!([{"created_by": "ADD new"}]));
        let own = json!({"created_by": "COPY app"});
        let app = config(json!([{"created_by": "ADD old"}, {"created_by": "CMD", "empty_layer": true}, own]));
        let expected = vec![json!({"created_by": "ADD new"}), own.clone()];
        assert_eq!(history(&old, &app, &new, 1).as_ref(), Some(&expected));
        let reworded = config(json!([{"created_by": "base"}, own]));
        assert_eq!(history(&old, &reworded, &new, 1).as_ref(), Some(&expected));
    }
}
