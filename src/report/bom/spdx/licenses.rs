//! Declared licences as one expression, with references for what the list does not know.

use std::collections::BTreeMap;

use super::model::{ExtractedLicense, NO_ASSERTION};
use super::word;
use crate::digest::Digest;
use crate::report::bom::license::License;

/// The licences that the document itself must explain, by their references.
#[derive(Default)]
pub(super) struct Licenses(BTreeMap<String, String>);

impl Licenses {
    /// All declared licences: whoever uses the package meets each of them.
    pub(super) fn expression(&mut self, declared: &[String]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for text in declared.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let part = match License::of(text) {
                License::Id(id) => id,
                License::Expression(expression) if declared.len() == 1 => expression,
                License::Expression(expression) => format!("({expression})"),
                License::Name(name) => self.reference(name),
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.is_empty() { NO_ASSERTION.to_owned() } else { parts.join(" AND ") }
    }

    /// Clause 10.1: `LicenseRef-` and letters, digits, `.` and `-`. Digits of the text's SHA-256 tell apart what looks the same then.
    fn reference(&mut self, text: String) -> String {
        let readable = word(&text);
        let digits = Digest::sha256(text.as_bytes()).hex().get(..8).unwrap_or_default().to_owned();
        let reference =
            if readable == text { format!("LicenseRef-{text}") } else { format!("LicenseRef-{readable}-{digits}") };
        self.0.insert(reference.clone(), text);
        reference
    }

    /// What the document must explain; the text of a licence is not known, only what the package calls it.
    pub(super) fn extracted(self) -> Vec<ExtractedLicense> {
        let extracted = |(license_id, text): (String, String)| ExtractedLicense {
            license_id,
            name: text.clone(),
            extracted_text: text,
        };
        self.0.into_iter().map(extracted).collect()
    }
}

/// `3.29` of `3.29.0`, as clause 6.7 has it.
pub(super) fn list_version() -> String {
    spdx::license_version().split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identifier_becomes_a_reference() {
        let mut licenses = Licenses::default();
        let mut of =
            |declared: &[&str]| licenses.expression(&declared.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), "NOASSERTION");
        assert_eq!(of(&["MIT OR Apache-2.0"]), "MIT OR Apache-2.0");
        assert_eq!(of(&["MIT OR Apache-2.0", "ISC", "ISC"]), "(MIT OR Apache-2.0) AND ISC");
        assert_eq!(of(&["public-domain", "MIT"]), "LicenseRef-public-domain AND MIT");
        let [plus, star] = [of(&["GPL+x"]), of(&["GPL*x"])];
        assert!(
            plus.starts_with("LicenseRef-GPL-x-") && star.starts_with("LicenseRef-GPL-x-") && plus != star,
            "{plus} {star}"
        );
        let explained: Vec<String> = licenses.extracted().into_iter().map(|license| license.name).collect();
        assert_eq!(explained.len(), 3, "{explained:?}");
    }
}
