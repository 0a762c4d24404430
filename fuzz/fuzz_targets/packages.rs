#![no_main]
#[allow(dead_code)] // one target of many
#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::packages(data));
