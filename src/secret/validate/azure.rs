//! Azure's keys.

use super::{Verdict, decode_base64};

/// Storage account keys are 64 bytes in base 64; the ones made since 2021 carry `+ASt` (Microsoft's Common Annotated Security Key).
/// Azurite's and the old emulator's key is the same for everyone.
pub(super) fn storage(key: &[u8]) -> Verdict {
    const EMULATOR: &[u8] = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCD";
    match decode_base64(key) {
        Some(bytes) if bytes.len() == 64 => Verdict::of(!key.starts_with(EMULATOR)),
        _ => Verdict::Other,
    }
}
