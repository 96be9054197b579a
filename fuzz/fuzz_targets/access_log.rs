//! Feeds `tidegate_checks::access_log`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::access_log::run(data));
