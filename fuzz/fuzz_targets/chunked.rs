//! Feeds `tidegate_checks::chunked`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::chunked::run(data));
