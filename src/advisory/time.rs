//! Times of records: Unix seconds inside, RFC 3339 outside.

/// `2023-06-13T13:10:24Z`; `None` outside the years that RFC 3339 can write.
#[must_use]
pub fn rfc3339(unix_seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(unix_seconds).ok().map(|timestamp| timestamp.to_string())
}
