//! `verify`: who signed, and whether that is enough.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};

use super::exit::Ending;
use super::roots::Reach;
use super::sign_args::{Format, Recursive as Asked, Trusted, VerifyArgs};
use super::sources::{self, read_file};
use super::{Failed, keys, roots};
use crate::report::escape::{terminal, write_json};
use crate::sign::discover::Look;
use crate::sign::identity::{Identity, Matcher};
use crate::sign::predicate::provenance;
use crate::sign::subject::{attestation_manifests, subjects};
use crate::sign::verify::{
    Accepted, Demand, Judged, Recursive, Verified, is_covered, verify as check, verify_each, verify_file,
};
use crate::sign::{Engine, MAX_BUNDLE_BYTES, Signer, Trust};
use crate::source::SourceError;

/// `verify`.
pub(super) fn verify(arguments: &VerifyArgs) -> Result<Ending, Failed> {
    let reach = Reach { offline: arguments.place.offline, network: &arguments.place.network };
    let engine = engine(&arguments.trust, reach)?;
    let demand = demand(arguments);
    let recursive = match arguments.recursive {
        Asked::Any => Recursive::Any,
        Asked::All => Recursive::All,
        Asked::Index => Recursive::Index,
    };
    let place = &arguments.place;
    let opened = sources::repository(&place.reference, place.offline, &place.network, false)?;
    let repository = opened.repository.as_ref();
    let is_remote = !place.reference.starts_with("oci:");
    let unread = |error: SourceError| {
        sources::failed(error, is_remote, |error| {
            error.context(format!("what signs `{}` could not be read, so it is not known", place.reference))
        })
    };
    let children = (recursive != Recursive::Index).then_some(&arguments.platform);
    let subjects = subjects(repository, opened.root(), children).map_err(unread)?;
    let verified = verify_each(recursive, &subjects, |subject| match &arguments.bundle {
        Some(file) => {
            let bundle = read_file(file, MAX_BUNDLE_BYTES, "bundle")?;
            Ok(verify_file(&engine, bundle, subject, &demand))
        }
        None => check(&engine, repository, subject, &demand).map_err(unread),
    })?;
    // Looked at and told; who signs an image vouches for what its index names, so nothing more is demanded of them.
    let attestations = match arguments.bundle {
        None if recursive != Recursive::Index => attestation_manifests(repository, opened.root()).map_err(unread)?,
        _ => Vec::new(),
    };
    let looked = attestations.iter().map(|subject| check(&engine, repository, subject, &demand).map_err(unread));
    let attestations = looked.collect::<Result<Vec<_>, _>>()?;
    let is_covered = is_covered(recursive, &verified);
    let found = Found { verified, attestations };
    let written = match arguments.format {
        Format::Json => {
            write_json(&report(place.reference.as_str(), is_covered, &found), &mut std::io::stdout().lock())
        }
        Format::Table => page(arguments, is_covered, &found),
    };
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(if is_covered { Ending::Pass } else { Ending::Refused }),
    }
}

/// What checks signatures against those who are trusted.
pub(super) fn engine(trusted: &Trusted, reach: Reach<'_>) -> Result<Engine, Failed> {
    let usage = |text: &str, hint: &str| Failed::new(Ending::Usage, anyhow::anyhow!("{text}")).hint(hint);
    let mut trust = Trust { allow_no_log: trusted.allow_no_log, ..Trust::default() };
    for path in &trusted.key {
        trust.keys.push((path.display().to_string(), keys::open_public(path)?));
    }
    let matcher = |exact: &Option<String>, pattern: &Option<Matcher>| {
        exact.clone().map(Matcher::Exact).or_else(|| pattern.clone())
    };
    let workflow = trusted.workflow.demand();
    if !workflow.is_empty() && trusted.identity.is_none() && trusted.identity_regexp.is_none() {
        return Err(usage(
            "a workflow is demanded, and no identity is trusted",
            "name the signer with --identity and --issuer",
        ));
    }
    match (matcher(&trusted.identity, &trusted.identity_regexp), matcher(&trusted.issuer, &trusted.issuer_regexp)) {
        (Some(name), Some(issuer)) => trust.identities.push(Identity { name, issuer, workflow }),
        (None, None) if trust.keys.is_empty() => {
            return Err(usage(
                "nobody is trusted, so nothing can be verified",
                "name a public key with --key, or a signer with --identity and --issuer",
            ));
        }
        (None, None) => {}
        (Some(_), None) => {
            return Err(usage("--identity needs --issuer", "anybody can run an issuer that vouches for any name"));
        }
        (None, Some(_)) => {
            return Err(usage("--issuer needs --identity", "an issuer vouches for everybody who has an account there"));
        }
    }
    match roots::trusted_root(&trusted.root, reach)? {
        Some(root) => Engine::new(trust, Some(&root)).map_err(|error| roots::unusable(&trusted.root, &error)),
        None => Engine::new(trust, None).map_err(|error| Failed::new(Ending::Incomplete, anyhow::anyhow!(error))),
    }
}

fn demand(arguments: &VerifyArgs) -> Demand {
    Demand {
        predicate_type: arguments.predicate_type.clone(),
        annotations: arguments.annotation.iter().cloned().collect::<BTreeMap<_, _>>(),
        provenance: provenance::Demand {
            builder: arguments.builder.clone(),
            source: arguments.source.clone(),
            reference: arguments.source_ref.clone(),
        },
        condition: arguments.condition.clone(),
    }
}

/// What was found: of what is demanded, and of the attestation manifests beside it.
struct Found {
    verified: Vec<Verified>,
    attestations: Vec<Verified>,
}

/// The report for programs.
fn report(reference: &str, is_covered: bool, found: &Found) -> Value {
    let subject = |verified: &Verified| {
        let looks: Vec<Value> = verified
            .looks
            .iter()
            .map(|look| json!({"place": look.place.name(), "present": look.found.is_some(), "found": look.found.unwrap_or(0)}))
            .collect();
        json!({
            "digest": verified.digest, "platform": verified.platform.as_ref().map(ToString::to_string),
            "verified": verified.is_accepted(), "places": looks,
            "signatures": verified.candidates.iter().map(signature).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema_version": "1.0",
        "tool": {"name": "imgguard", "version": env!("CARGO_PKG_VERSION")},
        "reference": reference,
        "subjects": found.verified.iter().map(subject).collect::<Vec<_>>(),
        "attestation_manifests": found.attestations.iter().map(subject).collect::<Vec<_>>(),
        "verdict": {"result": if is_covered { "pass" } else { "fail" }},
    })
}

fn signature(judged: &Judged) -> Value {
    let mut value = json!({
        "place": judged.place.name(), "manifest": judged.manifest, "verified": judged.outcome.is_ok(),
    });
    match &judged.outcome {
        Ok(accepted) => {
            match accepted.proof.signer() {
                Signer::Key(name) => value["key"] = json!(name),
                Signer::Identity { name, issuer, claims } => {
                    value["identity"] = json!(name);
                    value["issuer"] = json!(issuer);
                    value["claims"] = claims.iter().map(|(name, claim)| ((*name).to_owned(), json!(claim))).collect();
                }
            }
            value["logged"] = json!(accepted.proof.is_logged());
            value["times"] = json!(accepted.proof.times());
            value["predicate_type"] = json!(accepted.predicate_type);
            value["annotations"] = json!(accepted.annotations);
            value["predicate"] = json!(accepted.predicate);
            value["reason"] = Value::Null;
        }
        Err(rejection) => {
            value["reason"] = json!(rejection.to_string());
            value["hint"] = json!(rejection.hint());
        }
    }
    value
}

/// The report for people.
fn page(arguments: &VerifyArgs, is_covered: bool, found: &Found) -> std::io::Result<()> {
    let mut out = anstream::stdout();
    let mut line = |text: String| writeln!(out, "{}", terminal(&text));
    let demanded = arguments.predicate_type.as_ref().map_or("signed", |_| "attested");
    let verdict = if is_covered { "VERIFIED" } else { "NOT VERIFIED" };
    line(format!(
        "{verdict}: {} is {}{demanded} as demanded",
        arguments.place.reference,
        if is_covered { "" } else { "not " }
    ))?;
    for verified in &found.verified {
        let platform = verified.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        lines_of(verified, &platform, arguments, &mut line)?;
    }
    found
        .attestations
        .iter()
        .try_for_each(|verified| lines_of(verified, " (attestation manifest)", arguments, &mut line))
}

/// What was found for one manifest.
fn lines_of(
    verified: &Verified,
    label: &str,
    arguments: &VerifyArgs,
    line: &mut dyn FnMut(String) -> std::io::Result<()>,
) -> std::io::Result<()> {
    line(format!("  {}{label}", verified.digest))?;
    if arguments.explain {
        let look = |look: &Look| match look.found {
            Some(found) => format!("{} {found}", look.place),
            None => format!("{} absent", look.place),
        };
        line(format!("    looked at: {}", verified.looks.iter().map(look).collect::<Vec<_>>().join(", ")))?;
    }
    if verified.is_empty() {
        let kind = if arguments.predicate_type.is_some() { "attestation of this type" } else { "signature" };
        line(format!("    no {kind} was found"))?;
    }
    for judged in &verified.candidates {
        match &judged.outcome {
            Ok(accepted) => line(format!("    {}: {}", judged.place, described(accepted)))?,
            // Beside one that is accepted, what was refused is of interest only to those who ask.
            Err(rejection) if arguments.explain || !verified.is_accepted() => {
                line(format!("    {}: refused: {rejection}", judged.place))?;
                if let Some(hint) = rejection.hint() {
                    line(format!("      hint: {hint}"))?;
                }
            }
            Err(_) => {}
        }
    }
    Ok(())
}

fn described(accepted: &Accepted) -> String {
    let signer = accepted.proof.signer();
    let log = if accepted.proof.is_logged() { "in the log" } else { "no log" };
    let time = accepted.proof.times().first().map(|time| format!(", signed by {time}")).unwrap_or_default();
    format!("{signer}, {log}{time}")
}
