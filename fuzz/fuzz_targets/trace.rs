//! Feeds `tidegate_checks::trace`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::trace::run(data));
