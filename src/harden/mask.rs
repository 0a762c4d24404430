//! Secrets that are masked in texts: their values in clear, which are compared and never shown.

use crate::facts::SecretValue;
use crate::secret::HIDDEN;

/// From this length on a value is masked wherever it stands. A shorter one may be a word of other texts, and is masked only where it was seen.
const UNMISTAKABLE_BYTES: usize = 12;

/// Values to be masked.
#[derive(Clone, Debug, Default)]
pub struct Masks(Vec<Masked>);

#[derive(Clone, Debug)]
struct Masked {
    value: SecretValue,
    /// The text that it was seen in, with the name that it has there: `NAME=value`.
    seen_in: String,
}

impl Masks {
    /// Adds a value that was seen in a text.
    pub fn add(&mut self, value: SecretValue, seen_in: &str) {
        self.0.push(Masked { value, seen_in: seen_in.to_owned() });
    }

    /// Adds those of others.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }

    /// The text without the secrets; none where it has none.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        let mut masked = None;
        for Masked { value, seen_in } in &self.0 {
            let Some(value) = std::str::from_utf8(value.expose()).ok().filter(|value| !value.is_empty()) else {
                continue;
            };
            // A command is seen as one text, and stored word by word.
            let is_seen = text == seen_in
                || (seen_in != value && text.contains(seen_in))
                || seen_in.split(' ').any(|word| word == text);
            let is_there = value.len() >= UNMISTAKABLE_BYTES || is_seen;
            let current: &str = masked.as_deref().unwrap_or(text);
            if is_there && current.contains(value) {
                masked = Some(current.replace(value, HIDDEN));
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_are_masked_only_where_they_were_seen() {
        let mut masks = Masks::default();
        masks.add(SecretValue::new(b"admin"), "PASSWORD=admin");
        masks.add(SecretValue::new(b"pw"), "tool -p pw");
        masks.add(SecretValue::new(b"ghp_0123456789abcdef"), "T=ghp_0123456789abcdef");
        assert_eq!(masks.apply("PASSWORD=admin").as_deref(), Some("PASSWORD=********"));
        assert_eq!(masks.apply("RUN admin-tool"), None);
        assert_eq!(masks.apply("RUN x ghp_0123456789abcdef").as_deref(), Some("RUN x ********"));
        assert_eq!(masks.apply("pw").as_deref(), Some("********"));
        assert_eq!(masks.apply("pwd"), None);
        assert_eq!(masks.apply(""), None);
    }
}
