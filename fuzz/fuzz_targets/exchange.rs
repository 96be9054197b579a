//! Feeds `tidegate_checks::exchange`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::exchange::run(data));
