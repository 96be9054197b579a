//! File names by pattern: `*` for any run of characters, `?` for one, in any part of a path but
//! never across a slash.
//!
//! As in a shell, a pattern does not match a name that begins with a dot unless it begins with one
//! itself: editors leave such files behind. A path without `*` and `?` stands for itself, there or
//! not. Brackets and braces mean nothing here.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Files that one pattern may find.
const FOUND_MAX: usize = 10_000;

/// The paths that `pattern` finds, in order of name.
pub(super) fn expand(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        found = match component {
            Component::Normal(name) if is_pattern(name) => entries(&found, name)?,
            other => found.into_iter().map(|path| path.join(other)).collect(),
        };
    }
    Ok(found)
}

fn is_pattern(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// What matches `pattern` in any of `directories`. One that is not there holds nothing.
fn entries(directories: &[PathBuf], pattern: &OsStr) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in directories {
        let place = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let listing = match fs::read_dir(place) {
            Ok(listing) => listing,
            Err(error) if is_absence(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in listing {
            let name = entry?.file_name();
            if takes(pattern.as_encoded_bytes(), name.as_encoded_bytes()) {
                found.push(directory.join(name));
            }
            if found.len() > FOUND_MAX {
                return Err(io::Error::other("the pattern finds more than 10,000 files"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn takes(pattern: &[u8], name: &[u8]) -> bool {
    let hidden = name.first() == Some(&b'.');
    (!hidden || pattern.first() == Some(&b'.')) && matches(pattern, name)
}

/// Greedy matching that goes back to the last star only: linear in practice, never exponential.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_characters() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", ".toml", false),
            ("*.toml", ".a.toml", false),
            (".*.toml", ".a.toml", true),
            ("*.toml", "a.toml~", false),
            ("a?.toml", "ab.toml", true),
            ("a?.toml", "a.toml", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("*", "anything", true),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(takes(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_plain_path_stands_for_itself_and_a_missing_directory_holds_nothing() {
        let plain = Path::new("no/such/file.toml");
        assert_eq!(expand(plain).expect("nothing is read"), [plain]);
        let empty = expand(Path::new("no/such/*.toml")).expect("an absence is no error");
        assert_eq!(empty, Vec::<PathBuf>::new());
    }
}
