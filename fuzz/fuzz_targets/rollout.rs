//! Feeds `tidegate_checks::rollout`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::rollout::run(data));
