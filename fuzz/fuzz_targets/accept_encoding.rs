//! Feeds `tidegate_checks::accept_encoding`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::accept_encoding::run(data));
