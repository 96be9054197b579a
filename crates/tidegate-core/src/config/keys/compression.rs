//! `[route.NAME.response.compress]`: compression of responses.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::media::MEDIA;
use crate::config::text::size::SIZE;
use crate::model::compression::{Coding, Level};

/// `[route.NAME.response.compress]`, or its codings alone.
pub(crate) static COMPRESSION: Section = Section {
    doc: "Compression of responses for clients that take it: `compress = [\"zstd\", \"br\", \
          \"gzip\"]`, or a table. Responses that are encoded already, are parts, or carry \
          `no-transform` or a digest stay as they are; strong ETags of the others become weak. \
          Leave it off where a response holds a secret beside text that others chose: its length \
          tells of both.",
    keys: &[
        Key::new(
            "encodings",
            Kind::List(&Kind::Word(&["zstd", "br", "gzip"])),
            Default::Words(&["zstd", "br", "gzip"]),
            "What is on offer, the preferred first among those that a client likes equally; \
             `[]` is off.",
        )
        .also(&["codings", "algorithms", "algo", "formats"]),
        Key::new(
            "types",
            Kind::Some(&Kind::Text(&MEDIA)),
            Default::Words(&[
                "text/*",
                "application/json",
                "application/*+json",
                "application/javascript",
                "application/xml",
                "application/*+xml",
                "application/wasm",
                "application/x-ndjson",
                "image/svg+xml",
                "font/otf",
                "font/ttf",
            ]),
            "Media types: `type/subtype`, `type/*`, or `type/*+suffix`. gRPC is never touched.",
        )
        .also(&["type", "gzip_types", "mime_types", "content_types"]),
        Key::new(
            "min_bytes",
            Kind::Text(&SIZE),
            Default::Text("1KiB"),
            "Smaller bodies stay as they are; those of unknown length do not.",
        )
        .also(&["min", "min_length", "gzip_min_length", "min_size"]),
        Key::new("level", Kind::Table(&LEVELS), Default::Table, "How hard encoders try.").also(&[
            "levels",
            "quality",
            "gzip_comp_level",
        ]),
        Key::new(
            "cpu_ceiling",
            Kind::Number { min: 0.0, max: 1.0 },
            Default::Number(0.8),
            "The share of each core's time that may go into compression. From three quarters of it \
             on responses get the lowest level, above it they stay as they are; 1.0 is no ceiling.",
        )
        .also(&["max_cpu", "maxcompcpuusage"]),
    ],
};

static LEVELS: Section = Section {
    doc: "How hard encoders try, on the scale of each.",
    keys: &[
        Key::new("zstd", level(Coding::Zstd), Default::Integer(3), "Of `zstd`."),
        Key::new("br", level(Coding::Br), Default::Integer(5), "Of `br`."),
        Key::new("gzip", level(Coding::Gzip), Default::Integer(6), "Of `gzip`."),
    ],
};

const fn level(coding: Coding) -> Kind {
    let (min, max) = Level::range(coding);
    Kind::Integer { min: min as i128, max: max as i128 }
}
