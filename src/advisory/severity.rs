//! Severity words and CVSS vectors ▸ [`Rating`].
//!
//! A word of the source itself wins over the number: it is what the source's readers see, and distributions rate for their own builds.

use cvss::Cvss;

use super::model::{Rating, Severity};

/// Longest vector accepted, in bytes. A complete CVSS 4.0 vector has at most 210.
const MAX_VECTOR_BYTES: usize = 512;

/// Base metrics that CVSS 3.x demands. The `cvss` crate accepts vectors without them and scores them 0.0,
/// which would silently turn a truncated vector into "none" (CVSS 3.1 specification, section 6).
const MANDATORY_V3: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];

/// Reads a severity word of any source; `None` for words that rate nothing.
#[must_use]
pub fn from_word(word: &str) -> Option<Severity> {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" | "important" => Some(Severity::High),
        "medium" | "moderate" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        "negligible" | "unimportant" | "none" => Some(Severity::Negligible),
        _ => None,
    }
}

/// CVSS version and base score in tenths of a complete, valid vector.
#[must_use]
pub fn base_score(vector: &str) -> Option<(u8, u8)> {
    if vector.len() > MAX_VECTOR_BYTES {
        return None;
    }
    // CVSS 2 vectors have no prefix; some databases put them into parentheses.
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let (version, score) = match vector.parse::<Cvss>().ok()? {
        Cvss::CvssV20(v2) => (2, v2.score().value()),
        Cvss::CvssV30(v3) | Cvss::CvssV31(v3) => (3, has_all_v3_metrics(vector).then(|| v3.base_score().value())?),
        Cvss::CvssV40(v4) => (4, v4.score().value()),
        _ => return None,
    };
    let tenths = (score * 10.0).round();
    (0.0..=100.0).contains(&tenths).then_some((version, tenths as u8))
}

fn has_all_v3_metrics(vector: &str) -> bool {
    let given =
        |name: &str| vector.split('/').any(|part| part.split_once(':').is_some_and(|(metric, _)| metric == name));
    MANDATORY_V3.iter().all(|name| given(name))
}

/// The word for a base score, CVSS 3.1 section 5 (the same in 4.0). `None` there is `Negligible` here.
#[must_use]
pub fn from_tenths(tenths: u8) -> Severity {
    match tenths {
        0 => Severity::Negligible,
        1..=39 => Severity::Low,
        40..=69 => Severity::Medium,
        70..=89 => Severity::High,
        _ => Severity::Critical,
    }
}

/// Rates by `word` if the source gave one, else by the newest CVSS version among `vectors`.
#[must_use]
pub fn rate<'a>(word: Option<Severity>, vectors: impl IntoIterator<Item = &'a str>) -> Rating {
    let best = vectors.into_iter().filter_map(base_score).max();
    let cvss_tenths = best.map(|(_, tenths)| tenths);
    let severity = word.or_else(|| cvss_tenths.map(from_tenths)).unwrap_or_default();
    Rating { severity, cvss_tenths }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_equal_the_published_ones() {
        // Scores as NVD and FIRST publish them for these vectors.
        for (vector, score) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", (3, 98)), // CVE-2021-42013
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", (3, 100)), // CVE-2021-44228
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", (3, 61)), // CVE-2013-1937 in FIRST's examples
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", (2, 78)),                   // CVE-2002-0392 in FIRST's v2 guide
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", (4, 100)),
        ] {
            assert_eq!(base_score(vector), Some(score), "{vector}");
        }
    }

    #[test]
    fn incomplete_vectors_do_not_score_zero() {
        for vector in [
            "CVSS:3.1/AV:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
            "CVSS:4.0/AV:N",
            "AV:N/AC:L",
            "",
            "CVSS:9.9/AV:N",
        ] {
            assert_eq!(base_score(vector), None, "{vector}");
            assert_eq!(rate(None, [vector]).severity, Severity::Unknown, "{vector}");
        }
    }

    #[test]
    fn the_newest_version_and_the_sources_word_win() {
        let v3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N";
        let rating = rate(None, [v4, v3]);
        assert_eq!(rating.cvss_tenths, base_score(v4).map(|(_, tenths)| tenths));
        assert_eq!(rate(from_word("Moderate"), [v3]), Rating { severity: Severity::Medium, cvss_tenths: Some(98) });
        assert_eq!(from_word("not yet assigned"), None);
    }
}
