//! The form of a text, and what is wrong with one that does not have it.

/// A form that texts may have.
#[derive(Debug)]
pub(crate) struct Format {
    /// What it is, with its article: "a duration".
    pub name: &'static str,
    /// What is expected, for people: follows "expected".
    pub expected: &'static str,
    /// A text of this form.
    pub example: &'static str,
    /// A regular expression that editors may use; it may admit more than the parser does.
    pub pattern: Option<&'static str>,
    /// The unit that a bare number most likely lacks.
    pub unit: Option<&'static str>,
    /// Whether a text has this form.
    pub check: fn(&str) -> Result<(), Fault>,
}

/// What is wrong with a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In words; `None`: it just does not have the form.
    pub message: Option<String>,
    /// What was probably meant.
    pub nearest: Option<String>,
}

impl Fault {
    /// A fault in words.
    pub(crate) fn because(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), nearest: None }
    }

    /// The same fault, with what was probably meant.
    pub(crate) fn nearest(self, nearest: Option<impl Into<String>>) -> Self {
        Self { nearest: nearest.map(Into::into), ..self }
    }
}
