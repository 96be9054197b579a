//! Feeds `tidegate_checks::request_head`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::request_head::run(data));
