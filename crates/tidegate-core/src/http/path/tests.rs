//! Paths, written and canonical, by the case of the security table that each belongs to.

use proptest::prelude::*;

use super::*;

/// The merged and the unmerged form, and whether a slash is encoded.
fn forms(path: &[u8]) -> Result<(String, String, bool), PathError> {
    let mut buffer = path.to_vec();
    let result = canonical(&mut buffer, 0..path.len());
    assert!(buffer.starts_with(path), "the source is not touched");
    assert!(result.is_ok() || buffer.len() == path.len(), "an error leaves the buffer as it was");
    let found = result?;
    let text = |range: Range<usize>| {
        String::from_utf8(buffer[range].to_vec()).expect("canonical paths are ASCII")
    };
    Ok((text(found.merged), text(found.unmerged), found.encodes_slash))
}

#[test]
fn paths_have_one_form() {
    let cases = [
        // I1: dot segments, escaped or not.
        ("I1", "/a/b/../c", "/a/c"),
        ("I1", "/a/./b", "/a/b"),
        ("I1", "/a/b/..", "/a/"),
        ("I1", "/a/b/.", "/a/b/"),
        ("I1", "/a/..", "/"),
        ("I1", "/.", "/"),
        ("I1", "/a/%2e%2e/b", "/b"),
        ("I1", "/a/.%2E/b", "/b"),
        ("I1", "/a/%2e/b", "/a/b"),
        ("I1", "/a/b/../../c/", "/c/"),
        ("I1", "/.well-known/x", "/.well-known/x"),
        ("I1", "/a/...", "/a/..."),
        ("I1", "/a/..b/.c/d.", "/a/..b/.c/d."),
        ("I1", "/a/..%20/b", "/a/..%20/b"),
        // I2: what is kept escaped, and what stands as it is.
        ("I2", "/a%3bb%23c%3fd", "/a%3Bb%23c%3Fd"),
        ("I2", "/a;v=1/b", "/a;v=1/b"),
        ("I2", "/a%0a.css", "/a%0A.css"),
        ("I2", "/%7Euser/%61%2D%5f", "/~user/a-_"),
        ("I2", "/a%26b&c", "/a%26b&c"),
        ("I2", "/a|b{c}\"<>^`[", "/a%7Cb%7Bc%7D%22%3C%3E%5E%60%5B"),
        // I3: decoded once, and UTF-8.
        ("I3", "/%252e%252e/%2525", "/%252e%252e/%2525"),
        ("I3", "/caf%c3%a9", "/caf%C3%A9"),
        ("I3", "/caf\u{e9}/\u{20ac}/\u{1f30a}", "/caf%C3%A9/%E2%82%AC/%F0%9F%8C%8A"),
        // I4: case means something in a path.
        ("I4", "/Admin", "/Admin"),
        // Nothing to do.
        ("plain", "/", "/"),
        ("plain", "", "/"),
        ("plain", "/a/b/", "/a/b/"),
        ("plain", "/a:b@c!$&'()*+,=~", "/a:b@c!$&'()*+,=~"),
    ];
    for (id, path, expected) in cases {
        let expected = (expected.to_owned(), expected.to_owned(), false);
        assert_eq!(forms(path.as_bytes()), Ok(expected), "{id}: {path}");
    }
}

#[test]
fn repeated_slashes_are_merged_in_one_form_and_kept_in_the_other() {
    let cases = [
        ("//", "/", "//"),
        ("//a///b//", "/a/b/", "//a///b//"),
        ("/a//./b", "/a/b", "/a//b"),
        ("/a//b/..", "/a/", "/a//"),
        ("//a/../b", "/b", "//b"),
        // `..` takes the empty segments with it, so that both forms name one place.
        ("/a//../b", "/b", "/b"),
        ("/a/b//%2e%2e/c", "/a/c", "/a/c"),
    ];
    for (path, merged, unmerged) in cases {
        let expected = (merged.to_owned(), unmerged.to_owned(), false);
        assert_eq!(forms(path.as_bytes()), Ok(expected), "I1: {path}");
    }
}

#[test]
fn encoded_slashes_are_kept_and_reported() {
    let cases =
        [("/a%2fb", "/a%2Fb"), ("/a%5cb", "/a%5Cb"), ("/%2F", "/%2F"), ("/a%2F.b", "/a%2F.b")];
    for (path, expected) in cases {
        assert_eq!(
            forms(path.as_bytes()),
            Ok((expected.to_owned(), expected.to_owned(), true)),
            "I2: {path}"
        );
    }
}

#[test]
fn an_encoded_slash_that_was_resolved_away_is_still_reported() {
    // The route decides on what the client sent; refusing more than needed is the safe side.
    assert_eq!(forms(b"/a%2Fb/../c"), Ok(("/c".to_owned(), "/c".to_owned(), true)));
}

#[test]
fn paths_that_could_be_read_two_ways_are_refused() {
    let cases: [(&str, &[u8], PathError); 44] = [
        ("I1", b"/..", PathError::Root),
        ("I1", b"/a/../..", PathError::Root),
        ("I1", b"/../a", PathError::Root),
        ("I1", b"/%2e%2e/etc/passwd", PathError::Root),
        ("I1", b"//..", PathError::Root),
        ("I1", b"//../a", PathError::Root),
        ("I1", b"/./..", PathError::Root),
        ("I1", b"/a\\b", PathError::Byte),
        ("I1", b"/..\\a", PathError::Byte),
        ("I1", b"/.;/a", PathError::Disguise),
        ("I1", b"/a/..;/b", PathError::Disguise),
        ("I1", b"/a/..;x=1/b", PathError::Disguise),
        ("I1", b"/a/%2e%2e;/b", PathError::Disguise),
        ("I1", b"/a/..%3b/b", PathError::Disguise),
        ("I1", b"/a/..%23/b", PathError::Disguise),
        ("I1", b"/a/..%3f/b", PathError::Disguise),
        ("I1", b"/a/..%2fb", PathError::Disguise),
        ("I1", b"/a/..%5cb", PathError::Disguise),
        ("I1", b"/a/b%2f..", PathError::Disguise),
        ("I1", b"/a/b%2f../c", PathError::Disguise),
        ("I1", b"/a/b%5c.%2fc", PathError::Disguise),
        ("I1", b"/a/b%2f..;c", PathError::Disguise),
        ("I2", b"/a\0b", PathError::Byte),
        ("I2", b"/a%00b", PathError::Nul),
        ("I2", b"/a\nb", PathError::Byte),
        ("I2", b"/a\x7fb", PathError::Byte),
        ("I2", b"/a b", PathError::Byte),
        ("I2", b"/a#b", PathError::Byte),
        ("I2", b"/a?b", PathError::Byte),
        ("I3", b"/a%", PathError::Escape),
        ("I3", b"/a%4", PathError::Escape),
        ("I3", b"/a%4/b", PathError::Escape),
        ("I3", b"/a%zz", PathError::Escape),
        ("I3", b"/a%+1", PathError::Escape),
        ("I3", b"/a%u002e", PathError::Escape),
        ("I3", b"/%c0%ae%c0%ae/", PathError::Utf8),
        ("I3", b"/%e0%80%af", PathError::Utf8),
        ("I3", b"/%ed%a0%80", PathError::Utf8),
        ("I3", b"/%80", PathError::Utf8),
        ("I3", b"/%c3/%a9", PathError::Utf8),
        ("I3", b"/%c3", PathError::Utf8),
        ("I3", b"/%f5%80%80%80", PathError::Utf8),
        ("I3", b"/\xc3a", PathError::Utf8),
        ("form", b"a/b", PathError::Relative),
    ];
    for (id, path, expected) in cases {
        assert_eq!(forms(path), Err(expected), "{id}: {}", path.escape_ascii());
    }
}

#[test]
fn what_is_plain_is_canonical() {
    let plain = ["/", "/a", "/a/b.c/", "/a;b=1/@c", "/a..b"];
    let other = ["", "a", "//", "/a//", "/.", "/a/.b", "/a%41", "/\u{e9}", "/a b", "/a|b", "/a\\"];
    for path in plain {
        assert!(is_plain(path.as_bytes()), "{path}");
    }
    for path in other {
        assert!(!is_plain(path.as_bytes()), "{path}");
    }
}

/// Paths from the pieces that canonical form is about, so that they meet often.
fn odd_path() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5C", ";", "%3b", "%25", "%252e", "a", "B",
        "%41", "%7e", "\u{e9}", "%c3", "%A9", "%00", "\\", "%", "%4", "|", "~", "2e",
    ]);
    prop::collection::vec(pieces, 0..12)
        .prop_map(|pieces| format!("/{}", pieces.concat()).into_bytes())
}

fn check_properties(path: &[u8]) -> Result<(), TestCaseError> {
    let Ok((merged, unmerged, encodes_slash)) = forms(path) else {
        prop_assert!(!is_plain(path), "what is plain is never refused");
        return Ok(());
    };
    if is_plain(path) {
        prop_assert_eq!(
            (merged.as_bytes(), unmerged.as_bytes(), encodes_slash),
            (path, path, false)
        );
    }
    for form in [&merged, &unmerged] {
        let (again, again_unmerged, _) =
            forms(form.as_bytes()).expect("a canonical path is accepted");
        prop_assert_eq!(&again, &merged);
        prop_assert_eq!(&again_unmerged, form);
        let decoded = form.replace("%2F", "/").replace("%5C", "/").replace("%3B", ";");
        for segment in decoded.split('/') {
            let name = segment.split(';').next().unwrap_or_default();
            prop_assert!(name != "." && name != "..", "{} hides a dot segment", form);
        }
    }
    let mut slashes_merged = unmerged;
    while slashes_merged.contains("//") {
        slashes_merged = slashes_merged.replace("//", "/");
    }
    prop_assert_eq!(slashes_merged, merged);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn canonical_form_is_final_and_holds_no_dot_segment(path in odd_path()) {
        check_properties(&path)?;
    }

    #[test]
    fn any_bytes_have_one_form_or_none(mut path in prop::collection::vec(any::<u8>(), 0..64)) {
        check_properties(&path)?;
        path.insert(0, b'/');
        check_properties(&path)?;
    }
}
