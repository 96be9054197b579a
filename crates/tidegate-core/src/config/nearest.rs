//! The nearest known word to one that is not known.
//!
//! Case, `-` and `_` do not count, so `headerTimeout` is `header_timeout`; beyond that a quarter of
//! the letters may be wrong or swapped (Damerau-Levenshtein). Work is bounded: a file with
//! thousands of mistakes gets fewer hints, not a slow answer.

/// Longest word that a hint is sought for.
const WORD_BYTES_MAX: usize = 64;
/// Comparisons spent on one configuration.
const COMPARISONS_MAX: u32 = 200_000;

/// Finds nearest words until its budget is spent.
#[derive(Debug)]
pub(crate) struct Nearest {
    comparisons: u32,
}

impl Default for Nearest {
    fn default() -> Self {
        Self { comparisons: COMPARISONS_MAX }
    }
}

impl Nearest {
    /// The known word that `word` most likely means; of equals, the first.
    pub(crate) fn find<'a>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if word.len() > WORD_BYTES_MAX {
            return None;
        }
        let folded = fold(word);
        let errors_max = (folded.chars().count() / 4).max(1);
        let mut best: Option<(usize, &str)> = None;
        for candidate in known {
            let Some(left) = self.comparisons.checked_sub(1) else { break };
            self.comparisons = left;
            let errors = errors(&folded, candidate, errors_max);
            if errors.is_some_and(|errors| best.is_none_or(|(fewest, _)| errors < fewest)) {
                best = errors.map(|errors| (errors, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }
}

/// How far a candidate is, if it is near at all.
fn errors(folded: &str, candidate: &str, errors_max: usize) -> Option<usize> {
    let candidate = fold(candidate);
    if folded.len().abs_diff(candidate.len()) > errors_max {
        return None;
    }
    let errors = strsim::damerau_levenshtein(folded, &candidate);
    // A word of which nothing is left is not near: `x` is not `no`.
    (errors <= errors_max && errors < candidate.chars().count()).then_some(errors)
}

fn fold(word: &str) -> String {
    let letters = word.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, known: &[&str], nearest: Option<&str>) {
        assert_eq!(Nearest::default().find(word, known.iter().copied()), nearest, "{word}");
    }

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        check("adress", &["protocol", "address"], Some("address"));
        check("headerTimeout", &["header_bytes", "header_timeout"], Some("header_timeout"));
        check("idel", &["idle", "total"], Some("idle"));
        check("tls", &["pool", "path"], None);
        check("session", &["version"], None);
        check("x", &["no"], None);
        check("", &["a"], None);
    }

    #[test]
    fn hostile_words_cost_nothing() {
        check(&"a".repeat(1 << 20), &["address"], None);
    }
}
