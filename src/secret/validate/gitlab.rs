//! GitLab's routable tokens.

use super::Verdict;

/// Shape of the routable form (GitLab's "routable tokens" design document): payload, dots, two digits of length in base 36 and seven of
/// CRC-32. No published token validates under the layouts known to us, so only the shape is looked at, and the rule's confidence stays.
pub(super) fn routable(token: &[u8]) -> Verdict {
    let mut parts = token.rsplit(|byte| *byte == b'.');
    match (parts.next(), parts.next()) {
        (Some(sum), Some(_)) if sum.len() != 9 => Verdict::Invalid,
        _ => Verdict::Unknown,
    }
}
