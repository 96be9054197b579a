//! Feeds `tidegate_checks::proxy_protocol`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::proxy_protocol::run(data));
