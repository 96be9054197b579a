//! What an encoder holds, the library behind it included, stays within what is promised.
//!
//! The libraries take memory past Rust's allocator, so the system is asked, and this test has a
//! process of its own.

use std::fs;

use tidegate_core::model::compression::{Coding, Level};
use tidegate_proxy::filter::compress::encoder::{Encoder, Flush, Setting};

const ENCODERS: usize = 8;
const BODY: usize = 1 << 20;

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// Bytes that hardly repeat, so that every table fills.
fn body() -> Vec<u8> {
    let mut state = 1u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'0' + (state % 61) as u8
    };
    (0..BODY).map(|_| byte()).collect()
}

#[test]
fn an_encoder_holds_no_more_than_is_promised() {
    let (body, mut out) = (body(), vec![1; 2 * BODY]);
    for coding in Coding::ALL {
        let (_, max) = Level::range(coding);
        let level = Level::new(coding, max).expect("in range");
        let before = resident_bytes();
        let encoders: Vec<Encoder> = (0..ENCODERS)
            .map(|_| {
                let setting = Setting { coding, level, length: None };
                let mut encoder = Encoder::new(setting).expect("memory");
                out.clear();
                encoder.encode(&body, Flush::Never, &mut out).expect("encodes");
                encoder
            })
            .collect();
        let each = resident_bytes().saturating_sub(before) / ENCODERS;
        assert!(each > 100 << 10, "{coding:?}: {each} bytes, they are there");
        assert!(each <= Encoder::MEMORY_MAX, "{coding:?}: {each} bytes");
        drop(encoders);
    }
}
