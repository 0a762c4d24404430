//! What stands where a literal was found: a token, a key, a password in a URL, and how sure that is.

use super::encoding::Encoding;
use super::{FileScan, PAIR_DISTANCE, line_at};
use crate::facts::{Confidence, SecretValue};
use crate::secret::engine::window::{self, Match};
use crate::secret::found::Found;
use crate::secret::rules::{CONTEXT, Detector, Rule, Seen};
use crate::secret::validate::{self, Verdict};
use crate::secret::{assign, context, inline, key, mask, url};

impl FileScan<'_> {
    pub(super) fn hit(&mut self, buffer: &[u8], literal: u16, at: usize) {
        let scanner = self.scanner;
        let Some(literal) = scanner.literals.get(literal) else { return };
        let lead = usize::from(literal.lead);
        self.look(buffer, literal.rule, at + lead, literal.bytes.len() - lead);
    }

    /// Looks whether the rule matches where its literal stands.
    pub(super) fn look(&mut self, buffer: &[u8], index: u16, at: usize, literal: usize) {
        let scanner = self.scanner;
        let Some(rule) = scanner.rules.get(index) else { return };
        if self.encoding == Encoding::Binary && !rule.info.binary {
            return;
        }
        match rule.detector() {
            None => self.look_with_regex(buffer, index, rule, at, literal),
            Some(Detector::PrivateKey | Detector::EncryptedKey) => self.look_for_key(buffer, at),
            Some(Detector::Url) => self.look_for_url(buffer, index, at),
            Some(Detector::Assignment) => self.look_for_assignment(buffer, at),
            Some(Detector::File) => {}
        }
    }

    fn look_with_regex(&mut self, buffer: &[u8], index: u16, rule: &Rule, at: usize, literal: usize) {
        let Some(compiled) = rule.compiled() else { return };
        if !compiled.may_match(buffer, at) {
            return;
        }
        let own_edges = rule.is_custom() || rule.secret_group() > 0 || !compiled.is_anchored();
        let free_left = own_edges || window::left_is_free(buffer, at);
        if !free_left && self.encoding != Encoding::Binary {
            return;
        }
        let Some(work) = self.work.checked_sub(compiled.work() as u64) else {
            self.unread = Some("the file holds too many beginnings of secrets; not all of them were looked at");
            return;
        };
        self.work = work;
        // In compiled code the next string follows without a gap.
        let counted = (self.encoding == Encoding::Binary).then(|| window::counted_end(buffer, at)).flatten();
        let counted = counted.and_then(|end| compiled.find(buffer.get(..end)?, at, rule.secret_group()));
        let Some(found) = counted.or_else(|| compiled.find(buffer, at, rule.secret_group())) else { return };
        // A user's literals are no prefixes that somebody documented.
        let public = if found.secret.start == at && !rule.is_custom() { literal } else { 0 };
        self.report(buffer, index, rule, &found, public);
    }

    /// Notes a match if it is a secret; its first `public` bytes may be shown.
    pub(super) fn report(&mut self, buffer: &[u8], index: u16, rule: &Rule, found: &Match, public: usize) {
        let Some(confidence) = self.judge(buffer, rule, found) else { return };
        let secret = buffer.get(found.secret.clone()).unwrap_or_default();
        let is_key_id = rule.info.id == "aws-access-key-id";
        if is_key_id && confidence > Confidence::Low && self.encoding != Encoding::Binary {
            self.look_for_pair(buffer, found);
        }
        let before = buffer.get(..found.whole.start).unwrap_or_default();
        let is_signed = is_key_id && context::is_in_signed_url(before);
        let confidence = if is_signed { Confidence::Low } else { confidence };
        self.add_token(buffer, index, found, confidence, mask::token(secret, public.min(secret.len())));
    }

    /// Notes a token; one that everybody has is of low confidence.
    fn add_token(&mut self, buffer: &[u8], index: u16, found: &Match, confidence: Confidence, masked: String) {
        let has_fingerprint = self.scanner.rules.get(index).is_some_and(Rule::has_fingerprint);
        let identity = buffer.get(found.secret.clone()).filter(|_| has_fingerprint);
        let (confidence, masked) = match identity.and_then(key::published) {
            Some(place) => (Confidence::Low, format!("{masked}; published: {place}")),
            None => (confidence, masked),
        };
        self.add(buffer, index, found, confidence, masked, identity.map(<[u8]>::to_vec));
    }

    /// How sure a match is; none if it is no secret.
    fn judge(&self, buffer: &[u8], rule: &Rule, found: &Match) -> Option<Confidence> {
        let secret = buffer.get(found.secret.clone())?;
        let whole = buffer.get(found.whole.clone())?;
        let verdict = rule.validator.map_or(Verdict::Unknown, |validate| validate(secret));
        let around = found.whole.start.saturating_sub(CONTEXT)..buffer.len().min(found.whole.end + CONTEXT);
        let at = found.whole.start - around.start;
        let seen = Seen { path: &self.scratch.path, secret, whole, around: buffer.get(around)?, at };
        if verdict == Verdict::Other || !rule.admits(&seen) {
            return None;
        }
        if rule.secret_group() == 0
            && !rule.is_custom()
            && verdict != Verdict::Valid
            && !self.stands_alone(buffer, found)
        {
            return None;
        }
        if rule.entropy().is_some_and(|least| validate::entropy(secret) <= least) {
            return None;
        }
        let before = buffer.get(..found.whole.start).unwrap_or_default();
        let placeholder =
            verdict != Verdict::Valid && (validate::is_placeholder(secret) || context::is_called_example(before));
        Some(match verdict {
            Verdict::Invalid => Confidence::Low,
            Verdict::Valid => Confidence::High,
            _ if placeholder => Confidence::Low,
            _ => rule.confidence(),
        })
    }

    /// A match's neighbours do not belong to it. Binaries hold strings without a gap between them, so only the left one counts there.
    fn stands_alone(&self, buffer: &[u8], found: &Match) -> bool {
        let whole = &found.whole;
        if self.encoding == Encoding::Binary {
            return window::left_is_free(buffer, whole.start)
                || window::counted_end(buffer, whole.start) == Some(whole.end);
        }
        window::left_is_free(buffer, whole.start) && window::right_is_free(buffer, whole.end)
    }

    /// The secret half of an AWS access key: 40 characters of base 64 that stand alone near the id.
    fn look_for_pair(&mut self, buffer: &[u8], id: &Match) {
        let scanner = self.scanner;
        let Some((index, rule)) = scanner.rules.find("aws-secret-access-key") else { return };
        let from = id.whole.start.saturating_sub(PAIR_DISTANCE);
        let to = buffer.len().min(id.whole.end + PAIR_DISTANCE);
        let member = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
        let mut at = from;
        for run in buffer.get(from..to).unwrap_or_default().split(|byte| !member(byte)) {
            let secret = at..at + run.len();
            at = secret.end + 1;
            // A run at the window's edge may be cut.
            if run.len() != 40
                || secret.start == from
                || secret.end == to
                || !validate::looks_random(run)
                || validate::entropy(run) < 4.2
            {
                continue;
            }
            let found = Match { whole: secret.clone(), secret };
            if self.judge(buffer, rule, &found).is_some_and(|confidence| confidence > Confidence::Low) {
                self.add_token(buffer, index, &found, Confidence::High, mask::token(run, 0));
            }
        }
    }

    fn look_for_key(&mut self, buffer: &[u8], at: usize) {
        let scanner = self.scanner;
        let Some(key) = key::at(buffer, at) else { return };
        let id = if key.encrypted { "private-key-encrypted" } else { "private-key" };
        let Some((index, _)) = scanner.rules.find(id) else { return };
        let found = Match { whole: key.range.clone(), secret: key.range.clone() };
        self.add(buffer, index, &found, key.confidence, key.shown, key.identity);
    }

    fn look_for_assignment(&mut self, buffer: &[u8], at: usize) {
        if !self.has_settings {
            return;
        }
        let scanner = self.scanner;
        let Some(found) = assign::read(buffer, at) else { return };
        let Some((index, rule)) = scanner.rules.find(found.rule) else { return };
        let place = Match { whole: found.name.start..found.value.end, secret: found.value };
        if self.judge(buffer, rule, &place).is_some() {
            let limit = if context::is_illustrative(&self.scratch.path) { Confidence::Low } else { Confidence::High };
            self.add(buffer, index, &place, found.confidence.min(limit), mask::HIDDEN.to_owned(), None);
            self.found.name_last(mask::printable(buffer.get(found.name).unwrap_or_default()).into_owned());
        }
    }

    fn look_for_url(&mut self, buffer: &[u8], index: u16, at: usize) {
        let Some(url) = url::read(buffer, at) else { return };
        let found = Match { whole: url.range, secret: url.password };
        self.add(buffer, index, &found, url.confidence, url.shown, None);
    }

    fn add(
        &mut self,
        buffer: &[u8],
        rule: u16,
        found: &Match,
        confidence: Confidence,
        masked: String,
        identity: Option<Vec<u8>>,
    ) {
        let is_text = self.encoding != Encoding::Binary;
        let mut place = found.secret.clone();
        let mut line = self.line;
        if let Some((run, line_of_run)) = &self.decoded {
            (place, line) = (run.place(&found.secret), *line_of_run);
        } else if is_text {
            line = line_at(buffer, (self.line, self.line_at), place.start);
            (self.line, self.line_at) = (line, place.start);
        }
        self.found.add(Found {
            rule,
            confidence,
            start: self.base + place.start as u64,
            end: self.base + place.end as u64,
            line: is_text.then_some(line),
            column: column_at(buffer, found.secret.start),
            masked,
            key: None,
            identity,
            parsed: false,
            encoding: self.decoded.as_ref().map(|(run, _)| run.encoding),
            allowed: inline::allows(buffer, &found.whole),
            value: SecretValue::new(buffer.get(found.secret.clone()).unwrap_or_default()),
        });
    }
}

/// Bytes between a place and its line's beginning; none of a longer line than is kept.
fn column_at(buffer: &[u8], at: usize) -> u32 {
    let before = buffer.get(at.saturating_sub(CONTEXT)..at).unwrap_or_default();
    let column = memchr::memrchr(b'\n', before).map_or(before.len(), |newline| before.len() - newline - 1);
    u32::try_from(column).unwrap_or(u32::MAX)
}
