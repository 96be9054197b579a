//! Feeds `tidegate_checks::frame_budget`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::frame_budget::run(data));
