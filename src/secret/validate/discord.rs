//! Discord's bot tokens.

use super::{Verdict, decode_base64};

/// The first part is the bot's id (a number of 17 to 20 digits) in base 64 (discord.com/developers/docs/reference, "Authentication").
pub(super) fn bot(token: &[u8]) -> Verdict {
    let id = token.split(|byte| *byte == b'.').next().and_then(decode_base64).unwrap_or_default();
    if (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit) { Verdict::Valid } else { Verdict::Other }
}
