//! What SLSA provenance says of where an image came from, and whether that is what was demanded.
//!
//! Source: slsa.dev `provenance/v0.2` and `provenance/v1`; the GitHub Actions build type of each.

use serde_json::Value;

/// What provenance must say. Every part that is set must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The builder's id, whole or up to an `@` with its version.
    pub builder: Option<String>,
    /// The repository of the source, such as `https://github.com/org/app`.
    pub source: Option<String>,
    /// The git reference of the source, such as `refs/tags/v1.2`.
    pub reference: Option<String>,
}

impl Demand {
    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Compares provenance with what is demanded.
    ///
    /// # Errors
    /// The first part that differs, with what was found.
    pub fn check(&self, predicate_type: &str, predicate: &Value) -> Result<(), String> {
        let said = match predicate_type {
            "https://slsa.dev/provenance/v1" => Said::of_v1(predicate),
            "https://slsa.dev/provenance/v0.2" => Said::of_v02(predicate),
            other => return Err(format!("its predicate `{other}` is no SLSA provenance")),
        };
        if let Some(wanted) = &self.builder {
            compare("builder", wanted, said.builder, |wanted, found| {
                found == wanted || found.split_once('@').is_some_and(|(id, _)| id == wanted)
            })?;
        }
        if let Some(wanted) = &self.source {
            compare("source", wanted, said.source, |wanted, found| repository(wanted) == repository(found))?;
        }
        if let Some(wanted) = &self.reference {
            compare("source reference", wanted, said.reference, |wanted, found| wanted == found)?;
        }
        Ok(())
    }
}

fn compare(what: &str, wanted: &str, found: Option<&str>, same: fn(&str, &str) -> bool) -> Result<(), String> {
    match found {
        Some(found) if same(wanted, found) => Ok(()),
        Some(found) => Err(format!("its {what} is `{found}`, not `{wanted}`")),
        None => Err(format!("it names no {what}")),
    }
}

/// A repository's URL without what differs between spellings of one: `git+`, `.git`, the reference after `@`.
fn repository(url: &str) -> &str {
    let url = url.strip_prefix("git+").unwrap_or(url);
    let start = url.find("://").map_or(0, |at| at + 3);
    let url = url.get(start..).and_then(|rest| rest.rfind('@')).map_or(url, |at| url.get(..start + at).unwrap_or(url));
    let url = url.strip_suffix('/').unwrap_or(url);
    url.strip_suffix(".git").unwrap_or(url)
}

/// The reference after the `@` of a git URL.
fn reference_of(url: &str) -> Option<&str> {
    Some(url.rsplit_once('@')?.1)
}

#[derive(Default)]
struct Said<'a> {
    builder: Option<&'a str>,
    source: Option<&'a str>,
    reference: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of_v1(predicate: &'a Value) -> Self {
        let text = |pointer: &str| predicate.pointer(pointer).and_then(Value::as_str);
        // GitHub's build type names the workflow's repository and reference; others give the source as the first resolved dependency.
        let workflow = "/buildDefinition/externalParameters/workflow";
        let dependency = text("/buildDefinition/resolvedDependencies/0/uri");
        Self {
            builder: text("/runDetails/builder/id"),
            source: text(&format!("{workflow}/repository")).or(dependency),
            reference: text(&format!("{workflow}/ref")).or_else(|| reference_of(dependency?)),
        }
    }

    fn of_v02(predicate: &'a Value) -> Self {
        let text = |pointer: &str| predicate.pointer(pointer).and_then(Value::as_str);
        let source = text("/invocation/configSource/uri");
        Self { builder: text("/builder/id"), source, reference: source.and_then(reference_of) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn demand(builder: &str, source: &str, reference: &str) -> Demand {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Demand { builder: some(builder), source: some(source), reference: some(reference) }
    }

    #[test]
    fn provenance_of_both_versions() {
        let builder = "https://github.com/slsa-framework/gen/.github/workflows/container.yml";
        let v02 = json!({"builder": {"id": format!("{builder}@refs/tags/v2")}, "invocation": {"configSource": {"uri": "git+https://github.com/org/app@refs/tags/v1"}}});
        let v1 = json!({"runDetails": {"builder": {"id": builder}}, "buildDefinition": {"externalParameters": {"workflow": {"repository": "https://github.com/org/app", "ref": "refs/tags/v1"}}}});
        let dependency = json!({"runDetails": {"builder": {"id": builder}}, "buildDefinition": {"resolvedDependencies": [{"uri": "git+https://github.com/org/app@refs/tags/v1"}]}});
        for (version, predicate) in [("v0.2", v02), ("v1", v1), ("v1", dependency)] {
            let check = |demand: &Demand| demand.check(&format!("https://slsa.dev/provenance/{version}"), &predicate);
            assert_eq!(check(&demand(builder, "https://github.com/org/app.git", "refs/tags/v1")), Ok(()));
            assert!(check(&demand("https://evil.example", "", "")).unwrap_err().contains("its builder is"));
            assert!(check(&demand("", "https://github.com/org/app2", "")).unwrap_err().contains("its source is"));
            assert!(check(&demand("", "", "refs/tags/v10")).unwrap_err().contains("its source reference is"));
        }
        assert!(demand("x", "", "").check("https://spdx.dev/Document", &json!({})).is_err());
        assert!(
            demand("x", "", "")
                .check("https://slsa.dev/provenance/v1", &json!({}))
                .unwrap_err()
                .contains("names no builder")
        );
    }

    #[test]
    fn repositories_have_several_spellings() {
        for same in [
            "git+https://github.com/org/app@refs/heads/main",
            "https://github.com/org/app.git",
            "https://github.com/org/app/",
        ] {
            assert_eq!(repository(same), "https://github.com/org/app");
        }
        assert_eq!(
            repository("https://user@host/app"),
            "https://user",
            "what stands before an @ is never taken for the host after it"
        );
    }
}
