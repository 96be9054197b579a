//! What a check reports, and the exceptions that are granted.

use std::fmt;

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offence {
    /// Path from the root.
    pub(crate) path: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Short name of the rule, as exceptions name it.
    pub(crate) rule: &'static str,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

impl Offence {
    pub(crate) fn new(
        path: &str,
        line: usize,
        rule: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, message } = self;
        write!(out, "{path}:{line}: {message} [{rule}]")
    }
}

/// A file that may break a rule, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    pub(crate) path: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) reason: &'static str,
}

/// The exceptions granted. An entry that excuses nothing is an offence of its own.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// The offences that no exception excuses, in order, and the exceptions that excuse none.
pub(crate) fn judge(offences: Vec<Offence>, exceptions: &[Exception]) -> Vec<Offence> {
    let excuses = |exception: &Exception, offence: &Offence| {
        exception.path == offence.path && exception.rule == offence.rule
    };
    let stale = exceptions
        .iter()
        .filter(|exception| !offences.iter().any(|offence| excuses(exception, offence)))
        .map(|exception| {
            let Exception { path, rule, reason } = exception;
            let message = format!("the exception from {rule} is not needed any more ({reason})");
            Offence::new(path, 1, "stale-exception", message)
        });
    let mut left: Vec<Offence> = offences
        .iter()
        .filter(|offence| !exceptions.iter().any(|exception| excuses(exception, offence)))
        .cloned()
        .chain(stale)
        .collect();
    left.sort();
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: Exception = Exception { path: "a.rs", rule: "size", reason: "a table" };

    #[test]
    fn an_offence_reads_like_a_compiler_message() {
        let offence = Offence::new("a.rs", 7, "size", "too long");
        assert_eq!(offence.to_string(), "a.rs:7: too long [size]");
    }

    #[test]
    fn an_exception_excuses_its_rule_in_its_file_only() {
        let offences = vec![
            Offence::new("b.rs", 1, "size", "x"),
            Offence::new("a.rs", 1, "size", "x"),
            Offence::new("a.rs", 1, "header", "x"),
        ];
        let left = judge(offences, &[GRANTED]);
        let left: Vec<_> = left.iter().map(|o| (o.path.as_str(), o.rule)).collect();
        assert_eq!(left, [("a.rs", "header"), ("b.rs", "size")]);
    }

    #[test]
    fn an_exception_that_excuses_nothing_is_an_offence() {
        let left = judge(Vec::new(), &[GRANTED]);
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].path.as_str(), left[0].rule), ("a.rs", "stale-exception"));
    }
}
