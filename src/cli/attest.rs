//! `attest`: what a file says of an image, or what a scan of ours does.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::args::{Global, Reading};
use super::exit::Ending;
use super::sign::{each, read_subjects};
use super::sign_args::{AttestArgs, OwnArgs, Place};
use super::sources::{self, read_file};
use super::{Failed, created, notice, scan};
use crate::digest::Digest;
use crate::policy::MAX_POLICY_BYTES;
use crate::reference::{Choice, Reference};
use crate::report::contract::{Report, Reports};
use crate::report::{RenderOptions, by_name, predicate};
use crate::scan::Answer;
use crate::sign::predicate::PredicateType;
use crate::sign::verify::Subject;
use crate::source::PlatformChoice;

/// Largest predicate, in bytes: with base64 around it, it must stay below what `verify` reads.
const MAX_PREDICATE_BYTES: u64 = 16 << 20;

/// `attest`.
pub(super) fn attest(arguments: &AttestArgs, global: &Global) -> Result<Ending, Failed> {
    let (Some(predicate_type), Some(file)) = (&arguments.predicate_type, &arguments.predicate) else {
        return attest_own(arguments, global);
    };
    let bytes = read_file(file, MAX_PREDICATE_BYTES, "predicate")?;
    let predicate = of_file(predicate_type, &bytes).map_err(|error| {
        let context = format!("the predicate `{}` cannot be used", file.display());
        Failed::new(Ending::Usage, error.context(context))
            .hint("it must be a JSON document; --type custom takes any text")
    })?;
    each(
        &arguments.place,
        &arguments.signing,
        arguments.signing.recursive,
        global,
        "attested",
        &|maker, subject, tell| tell("", maker.attest(subject, predicate_type.uri(), &predicate)),
    )?;
    Ok(Ending::Pass)
}

/// The predicate of a file. Any text is the data of a custom one, as cosign has it.
fn of_file(kind: &PredicateType, bytes: &[u8]) -> anyhow::Result<Value> {
    if Ok(kind) == PredicateType::parse("custom").as_ref() {
        let text = std::str::from_utf8(bytes)?;
        let time = created().map_err(|failed| failed.error)?;
        return Ok(json!({"Data": text, "Timestamp": time}));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// A predicate and its type's URI.
type Predicate = (String, Value);

/// Scans the image and each platform by digest, and attests of each what it is.
fn attest_own(arguments: &AttestArgs, global: &Global) -> Result<Ending, Failed> {
    let own = &arguments.own;
    let started = created()?;
    let answers = scanned(&arguments.place, own, global)?;
    let policy = policy_digest(&own.policy)?;
    let mut predicates: BTreeMap<Digest, Vec<Predicate>> = BTreeMap::new();
    let mut worst = Ending::Pass;
    for (subject, answer) in &answers {
        if own.vsa {
            let ending = scan::ending(answer, true);
            if ending == Ending::Refused {
                notice(global, &format!("the policy `{}` refuses {}", own.policy, answer.report.subject.reference));
            }
            worst = worst.max(ending);
        }
        let made = predicates_of(&answer.report, own, &policy, &started)?;
        predicates.insert(subject.digest.clone(), made);
    }
    let signing = &arguments.signing;
    each(&arguments.place, signing, true, global, "attested", &|maker, subject, tell| {
        for (uri, predicate) in predicates.get(&subject.digest).into_iter().flatten() {
            tell(&format!(" {uri}"), maker.attest(subject, uri, predicate))?;
        }
        Ok(())
    })?;
    Ok(worst)
}

/// The index or image and each platform, each with what a scan of it says. What could not be read whole is attested nothing of.
fn scanned(place: &Place, own: &OwnArgs, global: &Global) -> Result<Vec<(Subject, Answer)>, Failed> {
    let opened = sources::repository(&place.reference, place.offline, &place.network, false)?;
    let subjects = read_subjects(place, &opened, Some(&PlatformChoice::All))?;
    let references =
        subjects.iter().map(|subject| by_digest(&place.reference, &subject.digest)).collect::<Result<Vec<_>, _>>()?;
    let policy = scan::named_policy(Some(&own.policy), None)?;
    let policy = policy.ok_or_else(|| Failed::new(Ending::Usage, anyhow::anyhow!("there is no policy")))?;
    let how = Reading {
        offline: place.offline,
        network: place.network.clone(),
        as_of: own.as_of,
        cache: own.cache.clone(),
        ..Reading::default()
    };
    let (answers, worst) = scan::answers((&how, &own.looking), &references, (&policy, true), false, global)?;
    let unread = [Ending::Incomplete, Ending::Mismatch, Ending::Source].contains(&worst);
    if unread || answers.len() != subjects.len() {
        let error = anyhow::anyhow!("`{}` could not be read whole, so nothing was attested", place.reference);
        return Err(Failed::new(worst, error).hint("`imgguard scan` tells what could not be read"));
    }
    Ok(subjects.into_iter().zip(answers).collect())
}

/// The same place, and the manifest in it that has this digest.
fn by_digest(text: &str, digest: &Digest) -> Result<(String, Reference), Failed> {
    let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
    Ok(match reference {
        Reference::Registry { mut name, .. } => {
            name.tag = None;
            name.digest = Some(digest.clone());
            (name.to_string(), Reference::Registry { name, bare: false })
        }
        Reference::Layout(path, _) => {
            let text = format!("oci:{}@{digest}", path.display());
            (text, Reference::Layout(path, Choice::Digest(digest.clone())))
        }
        other => (text.to_owned(), other),
    })
}

/// The SHA-256 of the policy's text; of a built-in one, of this program's version and its name.
fn policy_digest(name: &str) -> Result<String, Failed> {
    let path = std::path::Path::new(name);
    let text = if path.is_file() {
        read_file(path, MAX_POLICY_BYTES, "policy")?
    } else {
        format!("imgguard {} {name}", env!("CARGO_PKG_VERSION")).into_bytes()
    };
    Ok(digest(&SHA256, &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What is wanted of one image.
fn predicates_of(report: &Report, own: &OwnArgs, policy: &str, started: &str) -> Result<Vec<Predicate>, Failed> {
    let uri = |name: &str| {
        PredicateType::parse(name)
            .map(|kind| kind.uri().to_owned())
            .map_err(|error| Failed::new(Ending::Incomplete, anyhow::anyhow!(error)))
    };
    let finished = created()?;
    let mut predicates = Vec::new();
    if own.sbom {
        // A bill says what is there; what was found wrong with it is the scan's to say, and changes every day.
        let listed = report.inventory();
        predicates.push((uri("cyclonedx")?, rendered(&listed, "cyclonedx", started)?));
        predicates.push((uri("spdx")?, rendered(&listed, "spdx", started)?));
    }
    if own.scan {
        predicates.push((uri("vuln")?, predicate::scan(report, started, &finished)));
        let vex = rendered(report, "openvex", started)?;
        if vex.get("statements").and_then(Value::as_array).is_some_and(|statements| !statements.is_empty()) {
            predicates.push((uri("openvex")?, vex));
        }
    }
    if own.vsa {
        predicates.push((uri("vsa")?, predicate::summary(report, policy, &finished)));
    }
    for (uri, predicate) in &predicates {
        let length = predicate.to_string().len() as u64;
        if length > MAX_PREDICATE_BYTES {
            let error = anyhow::anyhow!(
                "the predicate {uri} has {length} bytes, more than {MAX_PREDICATE_BYTES}, which no verifier reads"
            );
            return Err(Failed::new(Ending::Incomplete, error));
        }
    }
    Ok(predicates)
}

/// A report in one of its formats that are JSON.
fn rendered(report: &Report, format: &str, created: &str) -> Result<Value, Failed> {
    let failed = |error: anyhow::Error| {
        Failed::new(Ending::Incomplete, error.context(format!("the report could not be written as {format}")))
    };
    let writer = by_name(format).ok_or_else(|| failed(anyhow::anyhow!("there is no such format")))?;
    let options = RenderOptions { created: created.parse().ok(), ..RenderOptions::default() };
    let mut bytes = Vec::new();
    writer.render(&Reports::of([report.clone()]), &options, &mut bytes).map_err(|error| failed(error.into()))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))
}
