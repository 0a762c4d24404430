//! How two platforms are run, field by field.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::report::contract::{Configuration, Platform, User};

/// Changes of the distribution, the user and the configuration; the last two only where both are told.
pub(super) fn configuration(old: &Platform, new: &Platform) -> Vec<Change> {
    let os = |platform: &Platform| {
        platform.os.as_ref().map(|os| format!("{} {}", os.id, os.version_id).trim_end().to_owned())
    };
    let mut changes: Vec<Change> = change("os", os(old), os(new)).into_iter().collect();
    if let (Some(before), Some(after)) = (&old.user, &new.user) {
        changes.extend(change("user", Some(user(before)), Some(user(after))));
    }
    if let (Some(before), Some(after)) = (&old.config, &new.config) {
        changes.extend(fields(before, after));
    }
    changes
}

fn change(field: &str, from: Option<String>, to: Option<String>) -> Option<Change> {
    (from != to).then(|| Change { field: field.to_owned(), from, to })
}

fn user(user: &User) -> String {
    match user.uid {
        Some(uid) if user.spec.is_empty() => format!("uid {uid}"),
        Some(uid) => format!("{} (uid {uid})", user.spec),
        None => user.spec.clone(),
    }
}

fn fields(before: &Configuration, after: &Configuration) -> Vec<Change> {
    // Words as JSON writes them: one with a space is one word.
    let words = |words: &[String]| (!words.is_empty()).then(|| serde_json::json!(words).to_string());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let single = [
        change("entrypoint", words(&before.entrypoint), words(&after.entrypoint)),
        change("cmd", words(&before.cmd), words(&after.cmd)),
        change("exposed_ports", words(&before.exposed_ports), words(&after.exposed_ports)),
        change("volumes", words(&before.volumes), words(&after.volumes)),
        change("working_dir", text(&before.working_dir), text(&after.working_dir)),
        change("stop_signal", text(&before.stop_signal), text(&after.stop_signal)),
        change("healthcheck", words(&before.healthcheck), words(&after.healthcheck)),
    ];
    let env = named("env", &before.env, &after.env);
    single.into_iter().flatten().chain(env).chain(named("label", &before.labels, &after.labels)).collect()
}

fn named(kind: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed =
        |name: &String| change(&format!("{kind}:{name}"), before.get(name).cloned(), after.get(name).cloned());
    names.into_iter().filter_map(changed).collect()
}
