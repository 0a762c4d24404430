//! From bytes to matches of rules: literals find where to look, windows decide what it is, the scan drives both over a stream.

mod encoded;
pub(super) mod literals;
pub(super) mod scan;
pub(super) mod window;
