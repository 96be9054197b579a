//! Closed lists of words: an enum, its words, and all of it in order, from one table.
//!
//! The order is that of the cells in an array, so `word as usize` is an index.

macro_rules! words {
    (
        $(#[$outer:meta])*
        pub enum $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal,)* }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

pub(super) use words;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{
        ending::Ending, handshake::Handshake, mirror::Uncopied, pool::Outcome, refusal::Refusal,
    };

    #[test]
    fn no_two_words_of_a_list_are_the_same() {
        let lists = [
            Ending::ALL.map(Ending::as_str).to_vec(),
            Handshake::ALL.map(Handshake::as_str).to_vec(),
            Outcome::ALL.map(Outcome::as_str).to_vec(),
            Refusal::ALL.map(Refusal::as_str).to_vec(),
            Uncopied::ALL.map(Uncopied::as_str).to_vec(),
        ];
        for list in lists {
            let distinct: BTreeSet<&str> = list.iter().copied().collect();
            assert_eq!(distinct.len(), list.len(), "{list:?}");
        }
    }

    #[test]
    fn endings_are_two_letters() {
        assert!(Ending::ALL.iter().all(|ending| ending.as_str().len() == 2));
    }
}
