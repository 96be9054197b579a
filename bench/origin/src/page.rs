//! A page of HTML like a shop's: the same markup again and again, around words that differ.
//!
//! The words come from a fixed sequence, so every page of one size is the same, and compresses as
//! real ones do: to about a sixth.

use std::fmt::Write as _;

const WORDS: [&str; 24] = [
    "steel", "oak", "lamp", "linen", "summer", "classic", "garden", "blue", "light", "travel",
    "kitchen", "cotton", "round", "folding", "winter", "desk", "soft", "glass", "mountain", "set",
    "black", "outdoor", "cable", "leather",
];

/// A page of exactly `length` bytes.
#[must_use]
pub fn html(length: usize) -> String {
    let mut page = String::from("<!doctype html><html><head><title>Shop</title></head><body>\n");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    while page.len() < length {
        let mut word = || WORDS[draw(WORDS.len() as u64) as usize];
        let words = [word(), word(), word(), word(), word(), word(), word()];
        let [name, kind, text @ ..] = words;
        let (number, cents, stars) = (draw(1_000_000), draw(20_000), draw(6));
        write!(
            page,
            "<div class=\"product-card\" data-id=\"{number}\">\n  \
             <a href=\"/products/{name}-{kind}-{number}\"><img src=\"/images/{number}.webp\" \
             alt=\"{name} {kind}\" loading=\"lazy\"></a>\n  \
             <h3 class=\"product-title\">{name} {kind}</h3>\n  <p>{}</p>\n  \
             <span class=\"price\">&euro; {}.{:02}</span> <span class=\"stars\">{stars}/5</span>\n\
             </div>\n",
            text.join(" "),
            cents / 100,
            cents % 100,
        )
        .expect("a String takes any text");
    }
    page.truncate(length);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_length_and_is_always_the_same() {
        for length in [0, 10, 65_536] {
            assert_eq!(html(length).len(), length);
        }
        assert_eq!(html(5000), html(6000)[..5000]);
    }
}
