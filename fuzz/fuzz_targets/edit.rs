//! Feeds `tidegate_checks::edit`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::edit::run(data));
