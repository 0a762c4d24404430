//! `secrets --incident`: the page of what to do, with the other tags of the repository that carry a leaked layer.

use std::collections::BTreeMap;
use std::io;

use super::secrets_args::SecretsArgs;
use super::sources;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::report::contract::Report;
use crate::report::escape::write_json;
use crate::report::incident::{Incident, Tags, wanted};
use crate::source::carriers::{MAX_TAGS, carriers};
use crate::source::repository::Repository as _;

/// Tags that could not be read and are named one by one.
const MAX_UNREAD: usize = 20;

/// Writes the incident of every report, as Markdown or, with `--format json`, as JSON.
pub(super) fn write(reports: &[Report], arguments: &SecretsArgs, out: &mut dyn io::Write) -> io::Result<()> {
    let tags: Vec<Tags> = reports.iter().map(|report| tags(report, arguments)).collect();
    let incidents: Vec<Incident<'_>> =
        reports.iter().zip(&tags).map(|(report, tags)| Incident::of(report, tags)).collect();
    if arguments.output.format != "json" {
        return incidents.iter().try_for_each(|incident| incident.write_markdown(out));
    }
    match incidents.as_slice() {
        [only] => write_json(only, out),
        several => write_json(&serde_json::json!({"schema_version": "1.0", "incidents": several}), out),
    }
}

/// What the repository's tags carry of the report's layers. That they could not be looked at is told in the page, since the secrets are there all the same.
fn tags(report: &Report, arguments: &SecretsArgs) -> Tags {
    let not_looked_at = |reason: String| Tags { not_looked_at: vec![reason], ..Tags::default() };
    let reading = &arguments.target.reading;
    let reference = &report.subject.reference;
    if report.subject.transport != "registry" {
        return not_looked_at(format!("`{reference}` was not read from a registry, so it has no other tags"));
    }
    if reading.offline {
        return not_looked_at("--offline forbids to ask the registry".to_owned());
    }
    let Ok(Reference::Registry { name, .. }) = reference.parse::<Reference>() else {
        return not_looked_at(format!("`{reference}` names no repository"));
    };
    let repository = sources::start(&reading.network).and_then(|registry| Ok((registry.repository(&name)?, registry)));
    let (repository, _registry) = match repository {
        Ok(repository) => repository,
        Err(error) => return not_looked_at(error.to_string()),
    };
    let list = match repository.tags() {
        Ok(list) => list,
        Err(error) => return not_looked_at(format!("{} does not list its tags: {error}", repository.name())),
    };
    let wanted = wanted(report).iter().filter_map(|digest| digest.parse::<Digest>().ok()).collect();
    let found = carriers(&repository, &list, &wanted);
    let mut not_looked_at: Vec<String> =
        found.unread.iter().take(MAX_UNREAD).map(|(tag, reason)| format!("{tag}: {reason}")).collect();
    match found.unread.len().saturating_sub(MAX_UNREAD) {
        0 => {}
        more => not_looked_at.push(format!("{more} more that could not be read")),
    }
    if found.left_out > 0 {
        not_looked_at.push(format!("{} beyond the first {MAX_TAGS} of the registry's list", found.left_out));
    }
    let by_digest: BTreeMap<String, _> =
        found.tags.into_iter().map(|(digest, tags)| (digest.to_string(), tags)).collect();
    Tags { looked_at: found.looked_at, not_looked_at, by_digest }
}
