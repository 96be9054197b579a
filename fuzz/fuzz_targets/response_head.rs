//! Feeds `tidegate_checks::response_head`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::response_head::run(data));
