//! `base list`: what the catalogue has.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Failed;
use super::base::{describe, need_catalogue};
use super::base_args::ListArgs;
use super::exit::Ending;
use super::output::print;
use crate::base::Catalogue;
use crate::base::catalogue::Repository;
use crate::base::name::familiar;
use crate::digest::Digest;
use crate::report::escape::{terminal, write_json};

/// `base list`.
pub(super) fn list(arguments: &ListArgs) -> Result<Ending, Failed> {
    let catalogue = need_catalogue(arguments.catalogue.as_deref())?;
    let is_shown = |name: &str| arguments.text.as_deref().is_none_or(|text| name.contains(text));
    let shown: Vec<(&String, &Repository)> =
        catalogue.content().repositories.iter().filter(|(name, _)| is_shown(name)).collect();
    print(&|out| match arguments.format.as_str() {
        "json" => write_json(&document(&catalogue, &shown), out),
        _ => page(&catalogue, &shown, out),
    })?;
    Ok(Ending::Pass)
}

fn document(catalogue: &Catalogue, shown: &[(&String, &Repository)]) -> Value {
    let content = catalogue.content();
    let platform = |digest: &Digest| {
        let image = content.images.get(digest)?;
        let os = image.os.as_ref().map(|os| json!({"id": os.id, "version_id": os.version_id}));
        let (platform, created) = (image.platform.to_string(), &image.created);
        Some(json!({"platform": platform, "digest": digest, "created": created, "os": os, "layers": image.layers}))
    };
    let repository = |(name, repository): &(&String, &Repository)| {
        let roots = repository.roots.iter().map(|(digest, root)| {
            let platforms: Vec<Value> = root.manifests.iter().filter_map(platform).collect();
            json!({"digest": digest, "signed": root.signed, "platforms": platforms})
        });
        let (official, tags) = (repository.official, &repository.tags);
        json!({"name": name, "official": official, "tags": tags, "images": roots.collect::<Vec<_>>()})
    };
    let repositories: Vec<Value> = shown.iter().map(repository).collect();
    json!({"schema_version": "1.0", "digest": catalogue.digest(), "indexed": content.indexed, "repositories": repositories})
}

fn page(catalogue: &Catalogue, shown: &[(&String, &Repository)], out: &mut dyn Write) -> io::Result<()> {
    let indexed = catalogue.content().indexed.map(|day| format!(", indexed {day}")).unwrap_or_default();
    writeln!(out, "{}{indexed}", describe(catalogue))?;
    for (name, repository) in shown {
        let official = if repository.official { ", official" } else { "" };
        writeln!(out, "\n{}{official}", terminal(familiar(name)))?;
        for (tag, history) in &repository.tags {
            for held in history.iter().rev() {
                let root = repository.roots.get(&held.root);
                let platforms = root.map_or(0, |root| root.manifests.len());
                let signed = if root.and_then(|root| root.signed) == Some(true) { ", signed" } else { "" };
                let line = format!(
                    "  {tag}  {}  {platforms} platforms{signed}, seen {} to {}",
                    held.root, held.since, held.until
                );
                writeln!(out, "{}", terminal(&line))?;
            }
        }
    }
    Ok(())
}
