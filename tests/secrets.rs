//! The secret detector: every shipped rule against its own examples, the engine against itself on split and odd input, credential files,
//! keys against the tools that make them, and a whole image.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

mod secrets {
    mod rules;
    mod template;
}
