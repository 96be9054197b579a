//! Where mistakes are gathered while the road is walked, and how they leave it.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::tree::Path;
use crate::config::diagnostic::{Diagnostic, Severity, legible};
use crate::config::nearest::Nearest;
use crate::config::position::{At, Files};

/// Gathers mistakes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    mistakes: Vec<Mistake>,
    nearest: Nearest,
}

/// A mistake under way to a [`Diagnostic`].
#[derive(Debug)]
pub(crate) struct Mistake {
    at: At,
    syntax: bool,
    /// Whether the rest of the file could not be read for what it is.
    last: bool,
    severity: Severity,
    key: String,
    message: String,
    expected: Option<String>,
    nearest: Option<String>,
}

impl Mistake {
    /// A mistake that stops.
    pub(crate) fn new(at: At, key: &impl Display, message: impl Into<String>) -> Self {
        let (severity, message) = (Severity::Error, legible(message.into()));
        let key = legible(key.to_string());
        Self {
            at,
            syntax: false,
            last: false,
            severity,
            key,
            message,
            expected: None,
            nearest: None,
        }
    }

    /// A mistake of the TOML syntax, before which everything else on its line pales.
    pub(crate) fn syntax(at: At, message: impl Into<String>) -> Self {
        Self { syntax: true, ..Self::new(at, &Path::ROOT, message) }
    }

    /// A mistake of the TOML syntax that swallows the rest of the file.
    pub(crate) fn swallowing(at: At, message: impl Into<String>) -> Self {
        Self { last: true, ..Self::syntax(at, message) }
    }

    /// A doubt, which does not stop.
    pub(crate) fn doubt(at: At, key: &impl Display, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(at, key, message) }
    }

    /// Says what would be right.
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says which known word is nearest, if one is.
    pub(crate) fn nearest(mut self, nearest: Option<impl Into<String>>) -> Self {
        self.nearest = nearest.map(|nearest| legible(nearest.into()));
        self
    }
}

impl Report {
    /// Takes a mistake in.
    pub(crate) fn add(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// The known word that `word` most likely means.
    pub(crate) fn nearest<'a>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        self.nearest.find(word, known)
    }

    /// All that was gathered, by file, line and column, without echoes: one mistake of syntax a
    /// line, nothing else about a line whose syntax is broken or which a mistake of syntax
    /// swallows, no doubts about a text that could not be read to the end, and nothing twice (a
    /// default that many objects inherit).
    pub(crate) fn into_diagnostics(mut self, files: &Files) -> Vec<Diagnostic> {
        self.mistakes.sort_by_key(|mistake| (mistake.at, !mistake.syntax));
        let last: Vec<At> = self.mistakes.iter().filter(|m| m.last).map(|m| m.at).collect();
        self.mistakes.retain(|mistake| !last.iter().any(|last| mistake.at.follows(*last)));
        let line = |at: At| (files.name(at), files.line(at));
        let mut broken = BTreeSet::new();
        self.mistakes.retain(|mistake| !mistake.syntax || broken.insert(line(mistake.at)));
        self.mistakes.retain(|mistake| {
            let sound = mistake.severity == Severity::Error && !broken.contains(&line(mistake.at));
            broken.is_empty() || mistake.syntax || sound
        });
        let mut diagnostics: Vec<_> =
            self.mistakes.into_iter().map(|mistake| locate(mistake, files)).collect();
        let mut seen = BTreeSet::new();
        diagnostics.retain(|d| seen.insert((d.file.clone(), d.line, d.column, d.message.clone())));
        diagnostics
    }
}

fn locate(mistake: Mistake, files: &Files) -> Diagnostic {
    Diagnostic {
        file: files.name(mistake.at),
        line: files.line(mistake.at),
        column: files.column(mistake.at),
        severity: mistake.severity,
        key: mistake.key,
        message: mistake.message,
        expected: mistake.expected,
        nearest: mistake.nearest,
    }
}
