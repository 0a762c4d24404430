//! The signatures that a policy demands, checked for the images of a run, and the VEX that those who signed have attested.

use std::path::Path;

use super::args::Reading;
use super::base_signature::bases;
use super::exit::Ending;
use super::roots::Reach;
use super::sign_args::{RootArgs, Trusted, WorkflowArgs};
use super::{Failed, sources, verify};
use crate::digest::Digest;
use crate::policy::signature::{Of, SignatureDemand};
use crate::policy::vex::Vex;
use crate::scan::{Signatures, Signed};
use crate::sign::identity::Matcher;
use crate::sign::predicate::condition::Condition;
use crate::sign::predicate::{PredicateType, provenance};
use crate::sign::subject::subjects;
use crate::sign::verify::{Accepted, Demand, Recursive, Subject, is_covered, verify as check, verify_each};
use crate::sign::{Engine, Signer};
use crate::source::repository::{At, Repository};
use crate::source::{Image, PlatformChoice, SourceError};

/// Predicates that are VEX, or may hold it.
const VEX_TYPES: &[&str] = &["openvex", "cyclonedx"];

/// A demand, ready to be checked.
struct Ready<'a> {
    demand: &'a SignatureDemand,
    engine: Engine,
    wanted: Demand,
}

/// Checks what `demands` say of every image, by the digest that is scanned; what trusted signers attest as VEX is added to `vex`.
///
/// # Errors
/// When a demand cannot be understood, an image is where no signature can be, or a place could not be looked at: that is never "not signed".
pub(super) fn check_all(
    images: &[Image],
    demands: &[SignatureDemand],
    how: &Reading,
    vex: &mut Vex,
) -> Result<Signatures, Failed> {
    let reach = Reach { offline: how.offline, network: &how.network };
    let ready = demands.iter().map(|demand| Ready::new(demand, reach)).collect::<Result<Vec<_>, _>>()?;
    let mut signatures = Signatures::new();
    for image in images.iter().filter(|_| !ready.is_empty()) {
        let opened = sources::repository(&image.reference, how.offline, &how.network, false)?;
        let repository = opened.repository.as_ref();
        let unread = |error: SourceError| {
            sources::failed(error, image.transport == "registry", |error| {
                error.context(format!("what signs `{}` could not be read, so it is not known", image.reference))
            })
        };
        let root = image.digest.as_ref().map_or_else(|| opened.root(), At::Digest);
        let mut signed = Vec::new();
        for ready in &ready {
            if ready.demand.of == Of::Base {
                signed.push(ready.check_bases(image, how)?);
                continue;
            }
            signed.push(ready.check(repository, root).map_err(unread)?);
            if ready.demand.vex {
                ready.add_vex(repository, root, vex).map_err(unread)??;
            }
        }
        signatures.insert(image.reference.clone(), signed);
    }
    Ok(signatures)
}

impl<'a> Ready<'a> {
    fn new(demand: &'a SignatureDemand, reach: Reach<'_>) -> Result<Self, Failed> {
        let usage = |error: String| {
            Failed::new(Ending::Usage, anyhow::anyhow!("the policy's signature `{}`: {error}", demand.name))
        };
        let pattern = |text: &Option<String>| text.as_deref().map(Matcher::pattern).transpose().map_err(usage);
        let trusted = Trusted {
            key: demand.keys.clone(),
            identity: demand.identity.clone(),
            identity_regexp: pattern(&demand.identity_regexp)?,
            issuer: demand.issuer.clone(),
            issuer_regexp: pattern(&demand.issuer_regexp)?,
            workflow: WorkflowArgs::of(&demand.github_workflow),
            root: RootArgs {
                trusted_root: demand.trusted_root.clone(),
                tuf_mirror: demand.tuf_mirror.clone(),
                tuf_root: demand.tuf_root.clone(),
            },
            allow_no_log: demand.allow_no_log,
        };
        let provenance = provenance::Demand {
            builder: demand.builder.clone(),
            source: demand.source.clone(),
            reference: demand.source_ref.clone(),
        };
        let predicate_type = demand.predicate_type.as_deref().map(PredicateType::parse).transpose().map_err(usage)?;
        if demand.of == Of::Base && demand.vex {
            return Err(usage(
                "what signers of a base say of vulnerabilities is not used; set vex where `of` is the image".into(),
            ));
        }
        if demand.tuf_mirror.is_some() != demand.tuf_root.is_some() {
            return Err(usage("tuf_mirror and tuf_root belong together".into()));
        }
        if predicate_type.is_none() && !provenance.is_empty() {
            return Err(usage("builder, source and source_ref need the type of a provenance".into()));
        }
        let condition = demand.condition.as_deref().map(Condition::parse).transpose();
        let condition = condition.map_err(|error| usage(format!("its condition cannot be read: {error}")))?;
        if predicate_type.is_none() && condition.is_some() {
            return Err(usage("a condition needs the type of the attestation that it is about".into()));
        }
        let wanted = Demand { predicate_type, annotations: demand.annotations.clone(), provenance, condition };
        Ok(Self { demand, engine: verify::engine(&trusted, reach)?, wanted })
    }

    fn check(&self, repository: &dyn Repository, root: At<'_>) -> Result<Signed, SourceError> {
        let recursive = self.demand.recursive;
        let children = (recursive != Recursive::Index).then_some(&PlatformChoice::All);
        let subjects = subjects(repository, root, children)?;
        let judge = |subject: &Subject| check(&self.engine, repository, subject, &self.wanted);
        let verified = verify_each(recursive, &subjects, judge)?;
        Ok(Signed {
            demand: self.demand.name.clone(),
            is_met: is_covered(recursive, &verified),
            verified,
            obstacle: None,
        })
    }

    /// The same of what the image was built on.
    fn check_bases(&self, image: &Image, how: &Reading) -> Result<Signed, Failed> {
        let unread = |error: SourceError| {
            sources::failed(error, true, |error| {
                error.context(format!(
                    "what `{}` was built on could not be read, so it is not known who signed it",
                    image.reference
                ))
            })
        };
        let mut signed =
            Signed { demand: self.demand.name.clone(), is_met: true, verified: Vec::new(), obstacle: None };
        let bases = match bases(image, how).map_err(unread)? {
            Ok(bases) => bases,
            Err(why) => return Ok(Signed { is_met: false, obstacle: Some(why), ..signed }),
        };
        for base in bases {
            let opened = sources::repository(&base, how.offline, &how.network, false)?;
            let found = self.check(opened.repository.as_ref(), opened.root()).map_err(unread)?;
            signed.is_met &= found.is_met;
            signed.verified.extend(found.verified);
        }
        Ok(signed)
    }

    /// What trusted signers attest as VEX of the index and each platform. The inner error is of a document that cannot be read.
    fn add_vex(
        &self,
        repository: &dyn Repository,
        root: At<'_>,
        vex: &mut Vex,
    ) -> Result<Result<(), Failed>, SourceError> {
        for subject in subjects(repository, root, Some(&PlatformChoice::All))? {
            for kind in VEX_TYPES.iter().filter_map(|name| PredicateType::parse(name).ok()) {
                let wanted = Demand { predicate_type: Some(kind), ..Demand::default() };
                let verified = check(&self.engine, repository, &subject, &wanted)?;
                for accepted in verified.candidates.iter().filter_map(|judged| judged.outcome.as_ref().ok()) {
                    if let Err(failed) = add(accepted, &subject.digest, vex) {
                        return Ok(Err(failed));
                    }
                }
            }
        }
        Ok(Ok(()))
    }
}

fn add(accepted: &Accepted, subject: &Digest, vex: &mut Vex) -> Result<(), Failed> {
    let Some(predicate) = &accepted.predicate else { return Ok(()) };
    let signer = match accepted.proof.signer() {
        Signer::Key(name) => {
            Path::new(name).file_name().map_or(name.clone(), |name| name.to_string_lossy().into_owned())
        }
        Signer::Identity { name, .. } => name.clone(),
    };
    let unusable = |error: anyhow::Error| {
        let error = error.context(format!("the VEX that `{signer}` attested of {subject} cannot be read"));
        Failed::new(Ending::Incomplete, error).hint("have it attested again, or leave `vex` out of the policy")
    };
    let bytes = serde_json::to_vec(predicate).map_err(|error| unusable(error.into()))?;
    vex.add(&bytes, &format!("attested by {signer}")).map_err(|error| unusable(error.into()))
}
