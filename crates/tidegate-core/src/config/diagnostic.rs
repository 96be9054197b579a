//! A mistake (or a doubt) in a configuration: where it is, what was expected, and the nearest known
//! word.

use std::fmt;

use serde::Serialize;

use crate::model::written::Place;

/// Whether a diagnostic stops the configuration from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is used, but probably does not say what was meant.
    Warning,
}

/// One mistake or doubt. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as it was named to [`super::load::load`] or by the source's expansion.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// Whether it stops.
    pub severity: Severity,
    /// The key it is about, dotted; empty when it is about none.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// The nearest known word.
    pub nearest: Option<String>,
}

impl Diagnostic {
    /// What is found wrong with a value when it is used, at the place where it is written.
    #[must_use]
    pub fn new(place: &Place, severity: Severity, message: String) -> Self {
        Self {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            severity,
            key: place.key.to_string(),
            message: legible(message),
            expected: None,
            nearest: None,
        }
    }
}

/// Whether nothing stops; warnings do not.
#[must_use]
pub fn is_clean(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
}

/// `{"ok": bool, "diagnostics": [...]}`, as `tidegate check --json` prints it.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic]) -> serde_json::Value {
    serde_json::json!({ "ok": is_clean(diagnostics), "diagnostics": diagnostics })
}

impl fmt::Display for Diagnostic {
    /// One line, so that editors and `grep` can follow it: `file:line:column: message`, then what
    /// was expected and the nearest known word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// Characters of a message, a key or a hint; what a file holds may be far longer.
const LEGIBLE_MAX: usize = 300;

/// One line of a length that people read: control characters are escaped, the rest is cut off.
pub(crate) fn legible(text: String) -> String {
    let short = text.chars().nth(LEGIBLE_MAX).is_none();
    if short && !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::new();
    for letter in text.chars().take(LEGIBLE_MAX) {
        match letter {
            letter if letter.is_control() => line.extend(letter.escape_default()),
            letter => line.push(letter),
        }
    }
    if !short {
        line.push('…');
    }
    line
}
