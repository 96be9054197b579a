//! Why an edit is not made.

use thiserror::Error;

use crate::http::edit::ChangeError;

/// Why a message cannot be what a route's edits make of it.
///
/// A request is answered with 400, as what it holds led there, a response is replaced by 502, and
/// both are counted ([`crate::telemetry::refusal::Refusal::BadEdit`]):
/// leaving the edit out would send on what the edit was to guard against.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// A head refused it.
    #[error("an edit makes {0}")]
    Change(#[from] ChangeError),
    /// A rendered value is longer than [`EditError::VALUE_BYTES_MAX`].
    #[error("an edit makes a value that is too long")]
    TooLong,
    /// A redirect with a byte that a URL may not hold, or without a host.
    #[error("an edit makes a location that is no url")]
    Location,
}

impl EditError {
    /// Bytes of a rendered value: what any server takes in one field.
    pub const VALUE_BYTES_MAX: usize = 16 * 1024;
}
