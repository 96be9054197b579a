//! A chunked body from arbitrary bytes, cut into arbitrary pieces.
//!
//! The first two bytes seed the cuts, the rest is the body. What is left of it, as frames or as
//! data, must not depend on the cuts; frames must be so plain that the simplest reader gets the
//! same data out of them, and passing them once more must change nothing.

use tidegate_core::http::chunked::{ChunkError, Chunked, Keep};
use tidegate_core::http::field_kind::FieldKind;
use tidegate_core::rng::Rng;

use crate::plain::{PlainChunks, PlainHead, text};

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some((seed, body)) = data.split_first_chunk::<2>() else { return };
    let whole = read(body, Keep::Frames, |left| left);
    let plain = read(body, Keep::Data, |left| left);
    let mut rng = Rng::new(u64::from(u16::from_le_bytes(*seed)));
    let cut = read(body, Keep::Frames, |left| 1 + rng.below(left as u64) as usize);
    let single = read(body, Keep::Frames, |_| 1);
    for other in [&cut, &single] {
        assert_eq!(whole.is_ok(), other.is_ok(), "a refusal depends on the cuts: {}", text(body));
    }
    assert_eq!(whole.is_ok(), plain.is_ok(), "a refusal depends on what is kept");
    let (Ok(frames), Ok(data)) = (whole, plain) else { return };
    assert_eq!(Ok(&frames), cut.as_ref(), "the cuts show: {}", text(body));
    assert_eq!(Ok(&frames), single.as_ref(), "the cuts show: {}", text(body));
    check(&frames, &data, body);
}

/// What came out of a body.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    bytes: Vec<u8>,
    consumed: usize,
    data_bytes: u64,
    done: bool,
    trailer: Vec<u8>,
}

fn read(
    body: &[u8],
    keep: Keep,
    mut piece: impl FnMut(usize) -> usize,
) -> Result<Passed, ChunkError> {
    let mut chunked = Chunked::default();
    let (mut bytes, mut consumed) = (Vec::new(), 0);
    while consumed < body.len() && !chunked.is_done() {
        let length = piece(body.len() - consumed);
        let mut buffer = body[consumed..consumed + length].to_vec();
        let step = chunked.advance(&mut buffer, keep)?;
        assert!(step.produced <= step.consumed && step.consumed <= length);
        assert!(step.done || step.consumed == length, "only the end leaves bytes over");
        assert_eq!(step.done, chunked.is_done());
        bytes.extend_from_slice(&buffer[..step.produced]);
        consumed += step.consumed;
    }
    let (data_bytes, done) = (chunked.data_bytes(), chunked.is_done());
    let trailer = if done { chunked.take_trailer() } else { Vec::new() };
    Ok(Passed { bytes, consumed, data_bytes, done, trailer })
}

fn check(frames: &Passed, data: &Passed, body: &[u8]) {
    assert_eq!(data.data_bytes, data.bytes.len() as u64, "data is counted");
    assert_eq!((frames.consumed, frames.done), (data.consumed, data.done));
    let mut sent = frames.bytes.clone();
    sent.extend_from_slice(&frames.trailer);
    let plain = PlainChunks::read(&sent);
    assert_eq!(text(&plain.data), text(&data.bytes), "frames carry the data: {}", text(body));
    assert_eq!(plain.end.is_some(), frames.done, "frames end when the body ends: {}", text(&sent));
    if let Some((trailer, length)) = plain.end {
        assert_eq!(length, sent.len(), "nothing follows the end");
        check_trailer(trailer);
        let again = read(&sent, Keep::Frames, |left| left).expect("frames are a body");
        let mut resent = again.bytes.clone();
        resent.extend_from_slice(&again.trailer);
        assert_eq!(text(&resent), text(&sent), "frames are left as they are");
    }
}

/// Trailers are fields that neither frame, route nor authenticate.
fn check_trailer(trailer: &[u8]) {
    if trailer == b"\r\n" {
        return;
    }
    let head = [b"start\r\n", trailer].concat();
    for (name, _) in PlainHead::read(&head).fields {
        assert_eq!(FieldKind::of(name), FieldKind::Plain, "a trailer: {}", text(name));
    }
}
