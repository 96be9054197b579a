//! Feeds `tidegate_checks::authority`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::authority::run(data));
