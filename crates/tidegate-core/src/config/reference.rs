//! The reference page of the configuration file.

/// The page, as Markdown.
#[must_use]
pub fn reference() -> String {
    String::new()
}
