//! No word in the repository promises later work: what is not done is not there.

use super::offence::Offence;
use super::tree::Tree;

/// The words, in halves so that this file does not hold them.
const WORDS: &[(&str, &str)] = &[("FIX", "ME"), ("TO", "DO"), ("XX", "X")];
/// The macros that stand for code to come.
const MACROS: &[(&str, &str)] = &[("to", "do!"), ("unimple", "mented!")];

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let words: Vec<String> =
        WORDS.iter().chain(MACROS).map(|(first, second)| format!("{first}{second}")).collect();
    let mut offences = Vec::new();
    for (path, text) in tree.texts() {
        for (index, line) in text.lines().enumerate() {
            let promises = words.iter().filter(|word| stands_in(line, word));
            offences.extend(promises.map(|word| {
                let message = format!("`{word}`: do it now, or take it out");
                Offence::new(path, index + 1, "promise", message)
            }));
        }
    }
    offences
}

/// Whether `word` stands in `line` by itself, not as part of a longer one.
fn stands_in(line: &str, word: &str) -> bool {
    let part_of_word = |character: char| character == '_' || character.is_alphanumeric();
    line.match_indices(word).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + word.len()..]);
        !before.ends_with(part_of_word) && (word.ends_with('!') || !after.starts_with(part_of_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_in_each_kind_of_file() {
        for (first, second) in WORDS.iter().chain(MACROS) {
            for path in ["a/b.rs", "README.md", "Cargo.toml"] {
                let text = format!("one\n// {first}{second}(): two\n");
                let found = check(&Tree::of(&[(path, &text)]));
                assert_eq!(found.len(), 1, "{path}: {text}");
                assert_eq!(found[0].line, 2);
            }
        }
    }

    #[test]
    fn longer_words_and_settings_are_left_alone() {
        let longer: String =
            WORDS.iter().map(|(first, second)| format!("A{first}{second}S ")).collect();
        let lint = format!("{}{} = \"warn\"", "to", "do");
        assert_eq!(check(&Tree::of(&[("a.rs", &longer), ("Cargo.toml", &lint)])), []);
    }
}
