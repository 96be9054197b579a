//! Feeds `tidegate_checks::health`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::health::run(data));
