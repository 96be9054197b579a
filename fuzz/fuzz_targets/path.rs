//! Feeds `tidegate_checks::path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::path::run(data));
