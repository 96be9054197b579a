//! The chunked machine: what passes unchanged, what is rewritten, what is refused.

use proptest::prelude::*;

use super::*;

/// Feeds `input` in pieces cut at `cuts`; returns what is sent on and how much was read.
fn run(input: &[u8], cuts: &[usize], keep: Keep) -> Result<(Vec<u8>, usize, bool), ChunkError> {
    let mut chunked = Chunked::default();
    let (mut sent, mut read, mut start) = (Vec::new(), 0, 0);
    for end in cuts.iter().copied().chain([input.len()]) {
        let mut piece = input[start..end].to_vec();
        let step = chunked.advance(&mut piece, keep)?;
        assert!(step.produced <= step.consumed);
        sent.extend_from_slice(&piece[..step.produced]);
        read += step.consumed;
        if step.done {
            if keep == Keep::Frames {
                sent.extend_from_slice(&chunked.take_trailer());
            }
            return Ok((sent, read, true));
        }
        start = end;
    }
    Ok((sent, read, false))
}

#[track_caller]
fn check_frames(input: &str, expected: &str) {
    let (sent, _, done) = run(input.as_bytes(), &[], Keep::Frames).expect("legal chunks");
    assert!(done);
    assert_eq!(String::from_utf8_lossy(&sent), expected);
}

#[track_caller]
fn check_error(input: &str, error: ChunkError) {
    assert_eq!(run(input.as_bytes(), &[], Keep::Frames), Err(error), "{input:?}");
}

#[test]
fn plain_frames_pass_unchanged() {
    check_frames(
        "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n",
        "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n",
    );
}

#[test]
fn extensions_are_cut_out() {
    check_frames("5;a=b;c=\"d;\\\"\"\r\nhello\r\n0;x\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n");
}

#[test]
fn only_harmless_trailers_go_on() {
    check_frames(
        "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: a\r\nCookie: c\r\nAuthorization: x\r\n\r\n",
        "0\r\nX-Sum: 1\r\n\r\n",
    );
}

#[test]
fn data_alone_can_be_kept() {
    let (sent, ..) =
        run(b"5\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n", &[], Keep::Data).expect("legal");
    assert_eq!(sent, b"hello!");
}

#[test]
fn what_follows_the_last_chunk_is_left() {
    let (_, read, done) = run(b"0\r\n\r\nGET / HTTP/1.1", &[], Keep::Frames).expect("legal");
    assert_eq!((read, done), (5, true));
}

#[test]
fn a11_sizes_are_plain_hexadecimal() {
    for bad in
        ["0x5\r\n", "+5\r\n", "-5\r\n", "5_0\r\n", " 5\r\n", "5 \r\n", "\r\n", "g\r\n", ";a\r\n"]
    {
        check_error(bad, ChunkError::Size);
    }
    check_error("00000000000000005\r\n", ChunkError::Size);
}

#[test]
fn a12_extensions_are_well_formed() {
    for bad in [
        "5;\r\n",
        "5;a=\r\n",
        "5;a=\"b\r\n",
        "5;a\n",
        "5;a\rb",
        "5;a\0\r\n",
        "5; a\r\n",
        "5;a=b c\r\n",
    ] {
        let error = run(bad.as_bytes(), &[], Keep::Frames).expect_err(bad);
        assert!(matches!(error, ChunkError::Extension | ChunkError::LineEnd), "{bad:?}");
    }
}

#[test]
fn a13_extensions_are_bounded_over_the_message() {
    let chunk = format!("1;{}\r\nx\r\n", "a".repeat(1000));
    check_error(&chunk.repeat(17), ChunkError::TooMuchExtension);
}

#[test]
fn a14_data_ends_in_crlf() {
    check_error("5\r\nhelloX\r\n", ChunkError::LineEnd);
    check_error("5\r\nhello\n0\r\n\r\n", ChunkError::LineEnd);
    check_error("5\nhello\r\n", ChunkError::Size);
    check_error("0\r\nX: y\n\r\n", ChunkError::Trailer);
}

#[test]
fn a15_trailers_are_bounded() {
    check_error(&format!("0\r\nX: {}\r\n\r\n", "a".repeat(9000)), ChunkError::Trailer);
    check_error(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(65)), ChunkError::Trailer);
}

proptest! {
    #[test]
    fn pieces_change_nothing(
        chunks in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 1..40), any::<bool>()), 0..6),
        trailer in any::<bool>(),
        cuts in proptest::collection::vec(0usize..300, 0..10),
    ) {
        let (mut input, mut data) = (Vec::new(), Vec::new());
        for (bytes, extended) in &chunks {
            let extension = if *extended { ";n=\"v\"" } else { "" };
            input.extend_from_slice(format!("{:x}{extension}\r\n", bytes.len()).as_bytes());
            input.extend_from_slice(bytes);
            input.extend_from_slice(b"\r\n");
            data.extend_from_slice(bytes);
        }
        input.extend_from_slice(if trailer { b"0\r\nA: b\r\n\r\n" } else { b"0\r\n\r\n" });
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < input.len()).collect();
        cuts.sort_unstable();
        let (frames, read, done) = run(&input, &cuts, Keep::Frames).expect("legal");
        prop_assert!(done && read == input.len());
        prop_assert_eq!(run(&input, &cuts, Keep::Data).expect("legal").0, data.clone());
        // What was sent on is itself legal, plain, and says the same.
        let (again, ..) = run(&frames, &[], Keep::Frames).expect("sent on legally");
        prop_assert_eq!(&again, &frames);
        prop_assert_eq!(run(&frames, &[], Keep::Data).expect("legal").0, data);
    }

    #[test]
    fn hostile_bytes_never_panic(
        input in proptest::collection::vec(
            prop_oneof![proptest::sample::select(&b"05f\r\n;\""[..]), any::<u8>()],
            0..80),
        cuts in proptest::collection::vec(0usize..80, 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < input.len()).collect();
        cuts.sort_unstable();
        let whole = run(&input, &[], Keep::Frames);
        let pieces = run(&input, &cuts, Keep::Frames);
        prop_assert_eq!(whole.is_err(), pieces.is_err());
    }
}
