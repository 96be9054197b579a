//! Feeds `tidegate_checks::verdict_record`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::verdict_record::run(data));
