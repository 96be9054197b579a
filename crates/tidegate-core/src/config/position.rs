//! Where things stand in the files of a configuration.
//!
//! Trees carry a file number and a byte offset, eight bytes that copy; lines and columns are worked
//! out only for what is reported.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::model::written::Place;

/// A place in one of the files of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    file: u32,
    offset: u32,
}

impl At {
    /// Whether this place comes after another in the same file.
    pub(crate) const fn follows(self, other: Self) -> bool {
        self.file == other.file && self.offset > other.offset
    }
}

/// The files of a configuration in the order in which they were read, the root first.
#[derive(Debug, Default)]
pub(crate) struct Files(Vec<File>);

#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
    /// The offset at which each line begins.
    lines: Vec<u32>,
}

/// Longest text of one file: far beyond any real one, and within an offset of 32 bits.
pub(crate) const FILE_BYTES_MAX: usize = 64 << 20;

impl Files {
    /// Takes a file in and returns its number.
    pub(crate) fn add(&mut self, path: &Path, text: String) -> usize {
        debug_assert!(text.len() <= FILE_BYTES_MAX, "the reader refuses longer texts");
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = breaks.map(|(offset, _)| to_u32(offset + 1));
        let lines = std::iter::once(0).chain(starts).collect();
        self.0.push(File { path: path.to_owned(), text, lines });
        self.0.len() - 1
    }

    /// The place `offset` bytes into a file.
    pub(crate) fn at(&self, file: usize, offset: usize) -> At {
        At { file: to_u32(file), offset: to_u32(offset.min(self.0[file].text.len())) }
    }

    /// The text of a file.
    pub(crate) fn text(&self, file: usize) -> &str {
        &self.0[file].text
    }

    /// The name of the file, as it was given.
    pub(crate) fn name(&self, at: At) -> String {
        self.0[at.file as usize].path.display().to_string()
    }

    /// The directory of the root, which all relative paths start from.
    pub(crate) fn directory(&self) -> &Path {
        let root = self.0.first().and_then(|file| file.path.parent());
        root.unwrap_or_else(|| Path::new(""))
    }

    /// The line, from 1.
    pub(crate) fn line(&self, at: At) -> usize {
        self.0[at.file as usize].lines.partition_point(|start| *start <= at.offset)
    }

    /// The column in characters, from 1.
    pub(crate) fn column(&self, at: At) -> usize {
        let file = &self.0[at.file as usize];
        let start = file.lines[self.line(at) - 1] as usize;
        let line = &file.text.as_bytes()[start..at.offset as usize];
        1 + line.iter().filter(|byte| !is_continuation(**byte)).count()
    }

    /// `file:line`, as comments and messages name a place.
    pub(crate) fn place(&self, at: At) -> String {
        format!("{}:{}", self.name(at), self.line(at))
    }

    /// The place in full, of a key.
    pub(crate) fn written(&self, at: At, key: &impl Display) -> Place {
        Place {
            file: self.name(at).into(),
            line: self.line(at),
            column: self.column(at),
            key: key.to_string().into(),
        }
    }

    /// The paths, in order.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.0.iter().map(|file| file.path.clone()).collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the file has been read.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.0.iter().any(|file| file.path == path)
    }
}

/// Whether a byte continues a UTF-8 character that began before it.
const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let mut files = Files::default();
        let file = files.add(Path::new("a.toml"), "a = 1\nß = \"é\" x\n".to_owned());
        for (offset, line, column) in [(0, 1, 1), (5, 1, 6), (6, 2, 1), (15, 2, 8), (18, 3, 1)] {
            let at = files.at(file, offset);
            assert_eq!((files.line(at), files.column(at)), (line, column), "offset {offset}");
        }
        assert_eq!(files.line(files.at(file, 1000)), 3, "beyond the end is the end");
    }
}
