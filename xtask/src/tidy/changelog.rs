//! CHANGELOG.md keeps the form of keepachangelog.com, so that people and tools can read it.
//!
//! A release is `## [1.2.3] - 2026-01-31`, what is not released yet stands under `## Unreleased`,
//! and the sections of each have the six usual names.

use super::offence::Offence;
use super::tree::Tree;

const RULE: &str = "changelog";
const FILE: &str = "CHANGELOG.md";
const SECTIONS: &[&str] = &["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let Some(text) = tree.text(FILE) else {
        return vec![Offence::new(FILE, 1, RULE, "the file is missing")];
    };
    let mut offences = Vec::new();
    let mut releases = 0;
    for (index, line) in text.lines().enumerate() {
        let message = if let Some(release) = line.strip_prefix("## ") {
            releases += 1;
            (!is_release(release))
                .then(|| format!("`{release}` is neither `Unreleased` nor `[x.y.z] - YYYY-MM-DD`"))
        } else if let Some(section) = line.strip_prefix("### ") {
            (!SECTIONS.contains(&section))
                .then(|| format!("`{section}` is none of {}", SECTIONS.join(", ")))
        } else {
            None
        };
        offences.extend(message.map(|message| Offence::new(FILE, index + 1, RULE, message)));
    }
    if releases == 0 {
        offences.push(Offence::new(FILE, 1, RULE, "there is no `## Unreleased` and no release"));
    }
    offences
}

fn is_release(heading: &str) -> bool {
    if matches!(heading, "Unreleased" | "[Unreleased]") {
        return true;
    }
    let release = heading.strip_prefix('[').and_then(|rest| rest.split_once("] - "));
    release.is_some_and(|(version, date)| {
        let version = digits(version, '.');
        version.len() == 3 && !version.contains(&0) && digits(date, '-') == [4, 2, 2]
    })
}

/// The digits in each part of `text` between marks; none in a part that holds anything else.
fn digits(text: &str, mark: char) -> Vec<usize> {
    let parts = text.split(mark);
    parts
        .map(|part| if part.bytes().all(|b| b.is_ascii_digit()) { part.len() } else { 0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_lines(text: &str, expected: &[usize]) {
        let found = check(&Tree::of(&[(FILE, text)]));
        let found: Vec<usize> = found.iter().map(|offence| offence.line).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn releases_and_sections_as_usual_are_fine() {
        check_lines("# Changes\n\n## Unreleased\n### Added\n- x\n## [0.1.0] - 2026-01-31\n", &[]);
        check_lines("## [Unreleased]\n", &[]);
    }

    #[test]
    fn other_headings_are_offences() {
        for heading in [
            "unreleased",
            "0.1.0",
            "[0.1] - 2026-01-31",
            "[0.1.0]",
            "[0.1.0] 2026-01-31",
            "[0.1.0] - 31.01.2026",
            "[0..1] - 2026-01-31",
            "[0.1.0] - 2026-1-31",
        ] {
            check_lines(&format!("# x\n## {heading}\n"), &[2]);
        }
        check_lines("## Unreleased\n### New\n", &[2]);
    }

    #[test]
    fn a_changelog_must_exist_and_hold_something() {
        check_lines("# Changes\n", &[1]);
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
