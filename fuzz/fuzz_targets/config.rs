//! Feeds `tidegate_checks::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::config::run(data));
