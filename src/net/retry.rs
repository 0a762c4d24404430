//! When to ask again, and how long to wait before.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How often one request is sent at most, unless the settings say less.
pub(super) const MAX_ATTEMPTS: u32 = 4;

/// Longest delay that we choose ourselves.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Longest delay that a server may ask for. One that asks for more is told to the user at once: Docker Hub's limits last hours.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Whether the same request may succeed later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The delay before repetition number `repetition`, counted from 0: between half and the whole of a delay that doubles, so that clients that failed together do not return together.
pub(super) fn delay(base: Duration, repetition: u32) -> Duration {
    let longest = base.saturating_mul(1 << repetition.min(16)).min(MAX_BACKOFF);
    // The standard library's hash keys are the process's own random numbers.
    let random = RandomState::new().build_hasher().finish() % 1024;
    longest / 2 + longest.mul_f64(f64::from(u16::try_from(random).unwrap_or(0)) / 2048.0)
}

/// The delay before the repetition of a request that was answered with `status`; none when the server asks for a longer one than anybody waits for.
pub(super) fn delay_asked(headers: &HeaderMap, base: Duration, repetition: u32) -> Option<Duration> {
    match retry_after(headers) {
        Some(asked) => (asked <= MAX_RETRY_AFTER).then_some(asked),
        None => Some(delay(base, repetition)),
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date, which is counted from the server's own `Date` so that its clock need not be ours.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Some(Duration::try_from(date(text)?.duration_since(&now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let after = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs)).map(|delay| delay.as_secs());
        assert_eq!(after(&[("retry-after", "7")]), Some(7));
        let now = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(after(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), now]), Some(30));
        assert_eq!(after(&[("retry-after", "Wed, 21 Oct 2015 07:27:30 GMT"), now]), Some(0), "a date that has passed");
        assert_eq!(after(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]), None, "no clock to count from");
        assert_eq!(after(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn delays_double_within_bounds() {
        let base = Duration::from_millis(100);
        for (repetition, longest) in [(0, 100), (1, 200), (3, 800), (40, 10_000)] {
            let delay = delay(base, repetition).as_millis();
            assert!(delay * 2 >= longest && delay <= longest, "{repetition}: {delay} ms");
        }
        assert_eq!(delay(Duration::ZERO, 3), Duration::ZERO);
        assert_eq!(delay_asked(&headers(&[("retry-after", "3600")]), base, 0), None);
        assert_eq!(delay_asked(&headers(&[("retry-after", "0")]), base, 0), Some(Duration::ZERO));
    }
}
