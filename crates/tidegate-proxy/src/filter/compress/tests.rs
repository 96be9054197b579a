//! What comes out is what went in: for real decoders, for any pieces and any flushes.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use tidegate_core::model::compression::{Coding, Level};

use super::encoder::{Encoder, Flush, Setting};

fn setting(coding: Coding, level: u8, length: Option<u64>) -> Setting {
    let level = Level::new(coding, level).expect("tests use levels of the coding");
    Setting { coding, level, length }
}

fn settings() -> impl Iterator<Item = Setting> {
    Coding::ALL.into_iter().flat_map(|coding| {
        let (min, max) = Level::range(coding);
        (min..=max).map(move |level| setting(coding, level, None))
    })
}

/// A page of `bytes` bytes that shrinks as pages do.
fn page(bytes: usize) -> Vec<u8> {
    let words = ["linen", "harbour", "copper", "quiet", "walnut", "lantern", "river", "amber"];
    let (mut page, mut state) = (Vec::new(), 1u64);
    while page.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let (word, number) = (words[(state >> 60) as usize % words.len()], state >> 40 & 0xfff);
        let line =
            format!("<li id=\"item-{number}\"><a href=\"/{word}/{number}\">{word}</a></li>\n");
        page.extend_from_slice(line.as_bytes());
    }
    page.truncate(bytes);
    page
}

fn whole(encoder: &mut Encoder, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(body, Flush::Never, &mut out).expect("encodes");
    encoder.finish(&mut out).expect("ends");
    out
}

/// As much as can be decoded of what is perhaps only the beginning.
fn decode(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut reader: Box<dyn Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
        Coding::Br => Box::new(brotli::Decompressor::new(bytes, 4096)),
        Coding::Zstd => Box::new(zstd::Decoder::with_buffer(bytes).expect("a decoder")),
    };
    let (mut decoded, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        decoded.extend_from_slice(&buffer[..count]);
    }
    decoded
}

/// What the coding's own program makes of a whole body; it fails on one that is not well formed.
fn decode_outside(coding: Coding, bytes: &[u8]) -> Option<Vec<u8>> {
    let program = match coding {
        Coding::Gzip => "gzip",
        Coding::Br => "brotli",
        Coding::Zstd => "zstd",
    };
    let spawned = Command::new(program)
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{program}: {error}"),
    };
    let mut stdin = child.stdin.take().expect("it was piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).expect("the program reads"));
        child.wait_with_output().expect("the program ends")
    });
    assert!(output.status.success(), "{program} refuses it");
    Some(output.stdout)
}

#[test]
fn each_program_decodes_its_coding_at_every_level() {
    for body in [page(100_000), Vec::new(), b"x".to_vec()] {
        for setting in settings() {
            let mut encoder = Encoder::new(setting).expect("memory");
            let out = whole(&mut encoder, &body);
            assert_eq!(decode(setting.coding, &out), body, "{setting:?}");
            match decode_outside(setting.coding, &out) {
                Some(decoded) => assert_eq!(decoded, body, "{setting:?}"),
                None => assert_ne!(setting.coding, Coding::Gzip, "gzip is everywhere"),
            }
        }
    }
}

#[test]
fn pages_shrink_and_noise_hardly_grows() {
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .enumerate()
        .map(|(place, byte)| byte ^ (place.wrapping_mul(place) >> 7) as u8)
        .collect();
    for setting in settings() {
        let mut encoder = Encoder::new(setting).expect("memory");
        assert!(whole(&mut encoder, &page(65_536)).len() < 65_536 / 3, "{setting:?}");
        let mut encoder = Encoder::new(setting).expect("memory");
        let out = whole(&mut encoder, &noise);
        assert!(out.len() < noise.len() + noise.len() / 16, "{setting:?}: {}", out.len());
    }
}

#[test]
fn an_encoder_serves_another_body_whatever_became_of_the_first() {
    for coding in Coding::ALL {
        let (_, max) = Level::range(coding);
        let fresh =
            whole(&mut Encoder::new(setting(coding, max, None)).expect("memory"), &page(30_000));
        let mut encoder = Encoder::new(setting(coding, 2, Some(70_000))).expect("memory");
        // Cut off in the midst of it.
        encoder.encode(&page(20_000), Flush::Never, &mut Vec::new()).expect("encodes");
        encoder.renew(setting(coding, max, None)).expect("renews");
        assert_eq!(whole(&mut encoder, &page(30_000)), fresh, "{coding:?}");
        // Finished.
        encoder.renew(setting(coding, max, None)).expect("renews");
        assert_eq!(whole(&mut encoder, &page(30_000)), fresh, "{coding:?}");
    }
}

#[test]
fn nothing_is_flushed_twice() {
    for coding in Coding::ALL {
        let mut encoder = Encoder::new(setting(coding, 3, None)).expect("memory");
        let mut out = Vec::new();
        encoder.encode(b"event: one\n\n", Flush::Never, &mut out).expect("encodes");
        assert!(encoder.holds());
        encoder.encode(b"", Flush::Now, &mut out).expect("flushes");
        assert!(!encoder.holds());
        assert_eq!(decode(coding, &out), b"event: one\n\n", "{coding:?}");
        let length = out.len();
        encoder.encode(b"", Flush::Now, &mut out).expect("flushes");
        encoder.encode(b"", Flush::Never, &mut out).expect("encodes");
        assert_eq!(out.len(), length, "{coding:?}");
    }
}

#[test]
fn a_length_that_is_not_kept_is_no_body() {
    let mut encoder = Encoder::new(setting(Coding::Zstd, 3, Some(10))).expect("memory");
    let mut out = Vec::new();
    encoder.encode(b"short", Flush::Now, &mut out).expect("encodes");
    assert!(encoder.finish(&mut out).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the pieces and wherever the flushes, the whole decodes to what was fed; and after
    /// each flush so does all that came out before it.
    #[test]
    fn pieces_and_flushes_change_nothing(
        coding in prop::sample::select(Coding::ALL.to_vec()),
        level in 0u8..=9,
        known in any::<bool>(),
        pieces in prop::collection::vec((0usize..9000, any::<bool>(), any::<bool>()), 0..24),
    ) {
        let (min, max) = Level::range(coding);
        let text = page(pieces.iter().map(|(length, ..)| length).sum());
        let length = known.then_some(text.len() as u64);
        let mut encoder =
            Encoder::new(setting(coding, level.clamp(min, max), length)).expect("memory");
        let (mut out, mut fed) = (b"before".to_vec(), 0);
        for (length, flush, check) in pieces {
            let flush = if flush { Flush::Now } else { Flush::Never };
            let before = out.len();
            encoder.encode(&text[fed..fed + length], flush, &mut out).expect("encodes");
            fed += length;
            prop_assert!(out.len() - before <= fed + fed / 100 + 1024, "the output is bounded");
            if check && flush == Flush::Now {
                prop_assert_eq!(&decode(coding, &out[6..]), &text[..fed]);
            }
        }
        encoder.finish(&mut out).expect("ends");
        prop_assert!(out.starts_with(b"before"));
        prop_assert_eq!(decode(coding, &out[6..]), text);
    }
}
