//! Examples from the standard and from browsers, and a plain reading of generated fields.

use proptest::prelude::*;

use super::*;

use Coding::{Br, Gzip, Zstd};

#[track_caller]
fn check(field: &str, expected: Option<Coding>) {
    let found = negotiate([field.as_bytes()], &[Zstd, Br, Gzip]);
    assert_eq!(found, expected, "{field:?}");
}

#[test]
fn the_first_on_offer_wins_among_equals() {
    check("gzip, deflate, br, zstd", Some(Zstd));
    check("gzip, deflate, br", Some(Br));
    check("gzip", Some(Gzip));
    check("deflate, compress, dcb", None);
    assert_eq!(negotiate([&b"zstd, br, gzip"[..]], &[Gzip, Zstd]), Some(Gzip));
    assert_eq!(negotiate([&b"zstd, br, gzip"[..]], &[]), None);
}

#[test]
fn the_higher_weight_wins() {
    check("zstd;q=0.5, br;q=0.7, gzip;q=0.6", Some(Br));
    check("br;q=0.999, gzip;q=1.000, zstd;q=0.001", Some(Gzip));
    check("gzip ; Q=0.3 ,\tbr;\tq=0.2", Some(Gzip));
    check("zstd;q=0, gzip;q=0.0, br;q=0.000", None);
    check("gzip;q=1, gzip;q=0", None);
}

#[test]
fn a_star_stands_for_what_is_not_named() {
    check("*", Some(Zstd));
    check("*;q=0", None);
    check("*, zstd;q=0", Some(Br));
    check("gzip, *;q=0", Some(Gzip));
    check("gzip;q=0.4, *;q=0.5", Some(Zstd));
}

#[test]
fn the_bare_response_is_sent_where_it_is_liked_better() {
    check("identity, gzip;q=0.5", None);
    check("identity;q=0.5, gzip;q=0.5", Some(Gzip));
    check("identity;q=0, gzip;q=0.1", Some(Gzip));
    check("identity;q=0", None);
    check("identity", None);
}

#[test]
fn nothing_said_is_nothing_coded() {
    check("", None);
    check(" , ,", None);
    assert_eq!(negotiate([], &[Gzip]), None);
}

#[test]
fn names_know_no_case_and_gzip_has_two() {
    check("GZip", Some(Gzip));
    check("x-gzip", Some(Gzip));
    check("BR", Some(Br));
}

#[test]
fn what_is_malformed_is_nothing_said() {
    for bad in [
        "gzip;q=1.001",
        "gzip;q=2",
        "gzip;q=.5",
        "gzip;q=",
        "gzip;q",
        "gzip;",
        "gzip;q=0.1234",
        "gzip;level=1",
        "gzip;q=1;q=1",
        "gzip q=1",
        "gzip;q =1",
        "gzip;q=-1",
        "gzip;q=1,5;",
        "gzip, b r",
        "gzip, \"br\"",
        ";q=1",
        "gzip, =",
        "gzip;q=0x1",
        "gzip;q=0.٣",
    ] {
        check(bad, None);
    }
    check("gzip;q=1.", Some(Gzip));
    check("gzip;q=0.", None);
}

const NAMES: [&str; 6] = ["zstd", "br", "gzip", "identity", "*", "deflate"];

proptest! {
    /// What was chosen is on offer, is accepted, and nothing else on offer is liked better.
    #[test]
    fn the_choice_is_the_best_of_the_offer(
        members in prop::collection::vec((0..NAMES.len(), 0u16..=1000), 0..8),
        offered in prop::sample::subsequence(Coding::ALL.to_vec(), 0..=3).prop_shuffle(),
        spaces in "[ \t]{0,2}",
        split in 0usize..8,
    ) {
        let render = |(name, weight): &(usize, u16)| {
            let (whole, part) = (weight / 1000, weight % 1000);
            format!("{}{spaces};{spaces}q={whole}.{part:03}", NAMES[*name])
        };
        let texts: Vec<String> = members.iter().map(render).collect();
        let joined = texts.join(&format!("{spaces},"));
        let (first, second) = texts.split_at(split.min(texts.len()));
        let halves = [first.join(","), second.join(",")];
        let found = negotiate([joined.as_bytes()], &offered);
        prop_assert_eq!(found, negotiate(halves.iter().map(String::as_bytes), &offered));

        let named = |name: &str| {
            members.iter().filter(|(n, _)| NAMES[*n] == name).map(|(_, w)| *w).min()
        };
        let weight = |coding: Coding| named(coding.as_str()).or_else(|| named("*")).unwrap_or(0);
        let bare = named("identity").unwrap_or(0).max(1);
        match found {
            Some(coding) => {
                let place = offered.iter().position(|one| *one == coding).expect("on offer");
                prop_assert!(weight(coding) >= bare);
                prop_assert!(offered[..place].iter().all(|one| weight(*one) < weight(coding)));
                prop_assert!(offered[place..].iter().all(|one| weight(*one) <= weight(coding)));
            }
            None => prop_assert!(offered.iter().all(|one| weight(*one) < bare)),
        }
    }

    #[test]
    fn any_bytes_are_an_answer(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..3),
    ) {
        let found = negotiate(values.iter().map(Vec::as_slice), &[Gzip]);
        prop_assert!(matches!(found, None | Some(Gzip)));
    }
}
