//! `tree`: everything that hangs on an image, per platform. Nothing of it is verified here.

use std::io::Write as _;

use serde_json::{Value, json};

use super::Failed;
use super::exit::Ending;
use super::sign_args::{Format, TreeArgs};
use super::sources;
use crate::report::escape::{terminal, write_json};
use crate::sign::discover::{Candidate, Content, discover};
use crate::sign::predicate::SIGNATURE;
use crate::sign::subject::{attestation_manifests, subjects};
use crate::sign::verify::Subject;
use crate::source::SourceError;

/// `tree`.
pub(super) fn tree(arguments: &TreeArgs) -> Result<Ending, Failed> {
    let place = &arguments.place;
    let opened = sources::repository(&place.reference, place.offline, &place.network, false)?;
    let repository = opened.repository.as_ref();
    let is_remote = !place.reference.starts_with("oci:");
    let unread = |error: SourceError| {
        sources::failed(error, is_remote, |error| {
            error.context(format!("what hangs on `{}` could not be read", place.reference))
        })
    };
    let mut branches = Vec::new();
    let mut trunk = subjects(repository, opened.root(), Some(&arguments.platform)).map_err(unread)?;
    trunk.extend(attestation_manifests(repository, opened.root()).map_err(unread)?);
    for subject in trunk {
        let mut leaves = Vec::new();
        // Manifests are enough to name things; what they hold is not read.
        let nothing = |_: Option<&str>| false;
        discover(repository, &subject.digest, &nothing, &mut |candidate| leaves.push(candidate)).map_err(unread)?;
        branches.push((subject, leaves));
    }
    let written = match arguments.format {
        Format::Json => write_json(&report(&place.reference, &branches), &mut std::io::stdout().lock()),
        Format::Table => page(&place.reference, &branches),
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(Ending::Pass),
    }
}

/// What a candidate seems to be.
fn kind(candidate: &Candidate) -> String {
    match (&candidate.content, candidate.predicate_type.as_deref()) {
        (Content::Other(kind), _) => kind.clone(),
        (Content::Unreadable(why), _) => format!("not readable: {why}"),
        (_, Some(SIGNATURE) | None) => "signature".to_owned(),
        (_, Some(predicate_type)) => format!("attestation {predicate_type}"),
    }
}

fn report(reference: &str, branches: &[(Subject, Vec<Candidate>)]) -> Value {
    let leaf = |candidate: &Candidate| json!({"place": candidate.place.name(), "manifest": candidate.manifest, "kind": kind(candidate)});
    let branch = |(subject, leaves): &(Subject, Vec<Candidate>)| {
        json!({
            "digest": subject.digest, "media_type": subject.media_type,
            "platform": subject.platform.as_ref().map(ToString::to_string),
            "attached": leaves.iter().map(leaf).collect::<Vec<_>>(),
        })
    };
    json!({"schema_version": "1.0", "reference": reference, "subjects": branches.iter().map(branch).collect::<Vec<_>>()})
}

fn page(reference: &str, branches: &[(Subject, Vec<Candidate>)]) -> std::io::Result<()> {
    let mut out = anstream::stdout();
    writeln!(out, "{}", terminal(reference))?;
    for (subject, leaves) in branches {
        let platform = subject.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        writeln!(out, "  {}{platform}", subject.digest)?;
        for leaf in leaves {
            let manifest = leaf.manifest.as_ref().map(ToString::to_string).unwrap_or_default();
            writeln!(out, "    {}", terminal(&format!("{}: {} {manifest}", leaf.place, kind(leaf))))?;
        }
    }
    Ok(())
}
