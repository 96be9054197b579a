//! Feeds `tidegate_checks::forwarded`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::forwarded::run(data));
