//! Feeds `tidegate_checks::body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::body::run(data));
