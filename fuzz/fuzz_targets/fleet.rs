//! Feeds `tidegate_checks::fleet`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::fleet::run(data));
