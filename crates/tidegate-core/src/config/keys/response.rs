//! `[route.NAME.response]`: what happens to responses on their way to the client.

use super::compression::COMPRESSION;
use super::key::{Default, Key, Kind, Section};

/// `[route.NAME.response]`.
pub(crate) const RESPONSE: Key = Key::new(
    "response",
    Kind::Table(&SECTION),
    Default::Table,
    "What happens to responses on their way to the client.",
);

static SECTION: Section = Section {
    doc: "What happens to responses on their way to the client.",
    keys: &[Key::new(
        "compress",
        Kind::Shorthand(&COMPRESSION),
        Default::Absent("off"),
        "Compresses them for clients that take it.",
    )
    .also(&["compression", "gzip", "encode"])],
};
