//! One platform's image to the contract: its layers and how it is run.

use std::collections::BTreeMap;

use crate::check::{holds_secret, user};
use crate::digest::Digest;
use crate::oci::RunConfig;
use crate::report::contract;
use crate::scan::run::ScannedPlatform;
use crate::secret::{HIDDEN, Scanner};
use crate::source::Image;

pub(super) fn platform(image: &Image, platform: &ScannedPlatform) -> contract::Platform {
    let (manifest, inventory) = (&platform.manifest, &platform.inventory);
    let resolved = user::resolve(&manifest.config.config.user, inventory);
    let layer = |(index, layer): (usize, &crate::source::Layer)| contract::Layer {
        digest: layer.digest.as_ref().map(Digest::to_string),
        size: layer.size,
        instruction: manifest
            .config
            .instruction(index, manifest.layers.len())
            .map(|text| Scanner::in_use().redact(text)),
        created: manifest.config.step(index, manifest.layers.len()).and_then(|step| step.created.clone()),
        wasted: inventory.wasted.get(index).copied().unwrap_or(0),
    };
    contract::Platform {
        platform: manifest.platform.to_string(),
        digest: manifest.digest.as_ref().map(Digest::to_string),
        complete: platform.complete,
        os: inventory.os.as_ref().map(|os| contract::Os {
            id: os.id.clone(),
            version_id: os.version_id.clone(),
            name: os.pretty_name.clone(),
            channels: inventory.channels.clone(),
        }),
        user: image.has_config().then_some(contract::User {
            spec: resolved.spec,
            uid: resolved.uid,
            gid: resolved.gid,
        }),
        config: image.has_config().then(|| configuration(&manifest.config.config)),
        layers: manifest.layers.iter().enumerate().map(layer).collect(),
        base: None,
        support: Vec::new(),
    }
}

/// How it is run, without what is or may be a secret.
fn configuration(config: &RunConfig) -> contract::Configuration {
    let masked = |(name, value): (&str, &str)| (name.to_owned(), masked(name, value));
    // Of several variables with one name the last one counts.
    let env: BTreeMap<String, String> = config.env.iter().filter_map(|pair| pair.split_once('=')).map(masked).collect();
    let labels = config.labels.iter().map(|(name, value)| masked((name.as_str(), value.as_str()))).collect();
    contract::Configuration {
        entrypoint: words(&config.entrypoint),
        cmd: words(&config.cmd),
        env,
        labels,
        exposed_ports: config.exposed_ports.keys().cloned().collect(),
        volumes: config.volumes.keys().cloned().collect(),
        working_dir: config.working_dir.clone(),
        stop_signal: config.stop_signal.clone(),
        healthcheck: config.healthcheck.as_ref().map(|check| words(&check.test)).unwrap_or_default(),
    }
}

fn masked(name: &str, value: &str) -> String {
    let scanner = Scanner::in_use();
    if holds_secret(name, value) || !scanner.scan_metadata(name, value).is_empty() {
        return HIDDEN.to_owned();
    }
    scanner.redact(value)
}

/// A secret may begin in one word and end in another; then the words are shown as one text.
fn words(words: &[String]) -> Vec<String> {
    let scanner = Scanner::in_use();
    let whole = words.join(" ");
    let redacted = scanner.redact(&whole);
    if redacted == whole { words.to_vec() } else { vec![redacted] }
}
