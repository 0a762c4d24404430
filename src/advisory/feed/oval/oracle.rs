//! Oracle Linux: one definition an erratum. Source: <https://linux.oracle.com/security/oval/>.

use super::criteria::each_comparison;
use super::document::{Definition, Oval};
use crate::advisory::error::RecordError;
use crate::advisory::feed::rpm_builds::{Builds, Place};
use crate::advisory::feed::xml::Xml;
use crate::advisory::feed::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft,
};
use crate::advisory::osv::is_plain_id;
use crate::advisory::severity;
use crate::advisory::store::Data;

/// The feed.
pub(in crate::advisory::feed) struct Oracle;

static META: Meta = Meta {
    name: "Oracle Linux OVAL",
    upstream: Upstream {
        name: "oracle",
        base: "https://linux.oracle.com/security/oval/",
        files: Files::Plain(&["com.oracle.elsa-ol{major}.xml.bz2"]),
        speaks_for: SpeaksFor::One("Oracle Linux"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::FixedOnly),
};

impl Feed for Oracle {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_xml() && head.has("oval_definitions") && (head.has("com.oracle.elsa") || head.has("Oracle Errata"))
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let oval = Oval::read(&mut Xml::new(document))?;
        for definition in &oval.definitions {
            out(match record(&oval, definition) {
                Some(draft) => Item::Record(Translated::Kept(Box::new(draft))),
                None => Item::Malformed { name: definition.id.chars().take(60).collect(), error: RecordError::Id },
            });
        }
        Ok(())
    }
}

fn record(oval: &Oval, definition: &Definition) -> Option<Draft> {
    let of_kind = |kind: &str| {
        let kind = kind.to_owned();
        let references = definition.references.iter();
        references.filter(move |known| known.kind.eq_ignore_ascii_case(&kind)).map(|known| known.id.as_str())
    };
    let mut draft = Draft::new(&META, of_kind("elsa").next()?, of_kind("cve"))?;
    let vectors = definition.vectors.iter().filter(|vector| is_plain_id(vector)).cloned();
    draft.advisory.vectors = draft::sorted(vectors.collect());
    let vectors = draft.advisory.vectors.iter().map(String::as_str);
    draft.advisory.rating = severity::rate(severity::from_word(&definition.severity), vectors);
    draft.advisory.published = draft::unix_seconds(&definition.date);
    draft.advisory.modified = draft.advisory.published;
    let mut builds = Builds::default();
    let mut others = 0;
    each_comparison(oval, &definition.criteria, &mut Vec::new(), &mut |build, context| {
        let context = Context::of(context);
        // Builds with ksplice and validated for FIPS 140 have the names of ordinary ones and higher epochs.
        let special = context.ksplice || build.evr.contains("ksplice") || build.evr.contains("_fips");
        match context.release.filter(|_| !special && !build.or_equal) {
            Some(release) => {
                let evr = build.evr.strip_prefix("0:").unwrap_or(build.evr).to_owned();
                let place = Place {
                    ecosystem: format!("Oracle Linux:{release}"),
                    name: build.name.to_owned(),
                    module: context.module.map(str::to_owned),
                };
                builds.add(place, evr, context.arch.unwrap_or_default());
            }
            None => others += 1,
        }
    });
    builds.state(&mut draft);
    draft.losses.other_products += others;
    Some(draft.settled())
}

/// What holds beside a comparison. Of tests other than versions only the comment says what they mean.
#[derive(Default)]
struct Context<'a> {
    release: Option<&'a str>,
    arch: Option<&'a str>,
    module: Option<&'a str>,
    ksplice: bool,
}

impl<'a> Context<'a> {
    fn of(comments: &[&'a str]) -> Self {
        let mut context = Self::default();
        for comment in comments {
            if let Some(release) = between(comment, "Oracle Linux ", " is installed") {
                context.release = Some(release);
            } else if let Some(arch) = comment.strip_prefix("Oracle Linux arch is ") {
                context.arch = Some(arch);
            } else if let Some(module) = between(comment, "Module ", " is enabled") {
                context.module = Some(module);
            } else if comment.ends_with(" is ksplice-based") {
                context.ksplice = true;
            }
        }
        context
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}
