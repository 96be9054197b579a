//! Feeds `tidegate_checks::grpc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_checks::grpc::run(data));
