//! Feeds `tidegate_checks::set_cookie`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::set_cookie::run(data));
