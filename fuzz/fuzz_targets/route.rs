//! Feeds `tidegate_checks::route`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::route::run(data));
