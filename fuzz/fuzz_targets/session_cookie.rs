//! Feeds `tidegate_checks::session_cookie`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::session_cookie::run(data));
