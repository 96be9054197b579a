//! Feeds `tidegate_checks::device`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::device::run(data));
