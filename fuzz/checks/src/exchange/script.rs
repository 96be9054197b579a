//! What can happen: operations that the fuzzer strings together.
//!
//! Numbers pick from what is there, modulo its count, so that no script is invalid.

use arbitrary::Arbitrary;

/// A sequence of operations.
#[derive(Arbitrary, Debug)]
pub(super) struct Script<'a> {
    pub(super) ops: Vec<Op<'a>>,
}

impl Script<'_> {
    /// The most operations that are performed.
    pub(super) const OPS_MAX: usize = 24;
}

/// One thing that happens.
#[derive(Arbitrary, Debug)]
pub(super) enum Op<'a> {
    /// One of two clients says something; it connects first if it has to.
    Client { second: bool, says: ClientSays<'a> },
    /// A client ends its connection.
    ClientEnds { second: bool, how: Ends },
    /// A client reads no more, or reads again.
    ClientReads { second: bool, reads: bool },
    /// A server says something on one of its connections, the newest first.
    Server { at: u8, says: ServerSays<'a> },
    /// A server ends a connection.
    ServerEnds { at: u8, how: Ends },
    /// The other configuration is loaded.
    Reload,
}

/// How a connection is ended.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Ends {
    /// Both ways.
    Close,
    /// The sending side.
    Finish,
    /// With a reset.
    Reset,
}

/// What a client says.
#[derive(Arbitrary, Debug)]
pub(super) enum ClientSays<'a> {
    /// A whole request head, in two pieces where `cut` is not 0.
    Head { request: RequestSays, cut: u8 },
    /// So many bytes of a body, which read like requests.
    Body(u8),
    /// A chunk of so many bytes, and an extension.
    Chunk { length: u8, extension: bool },
    /// The last chunk, and a trailer.
    LastChunk { trailer: bool },
    /// One of the fragments that are known to be awkward.
    Fragment(u8),
    /// Anything.
    Bytes(&'a [u8]),
    /// More than sockets take at once.
    Bulk,
}

/// A request head.
#[derive(Arbitrary, Debug)]
pub(super) struct RequestSays {
    pub(super) method: u8,
    /// HTTP/1.0.
    pub(super) old: bool,
    pub(super) body: BodySays,
    pub(super) expects: bool,
    pub(super) connection: u8,
}

/// How a head frames its body.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum BodySays {
    None,
    Length(u8),
    Chunked,
}

/// What a server says.
#[derive(Arbitrary, Debug)]
pub(super) enum ServerSays<'a> {
    /// A whole response head.
    Head { status: u8, old: bool, closes: bool, body: BodySays },
    /// So many bytes of a body.
    Body(u8),
    /// A chunk of so many bytes, and an extension.
    Chunk { length: u8, extension: bool },
    /// The last chunk, and a trailer.
    LastChunk { trailer: bool },
    /// An interim response.
    Interim(u8),
    /// Another protocol.
    Switch,
    /// A whole small response.
    Whole,
    /// One of the fragments that are known to be awkward.
    Fragment(u8),
    /// Anything.
    Bytes(&'a [u8]),
    /// More than sockets take at once.
    Bulk,
}
