//! Why an exchange did not come to its end. A closed list; `exchange/respond.rs` alone turns it
//! into answers.

use thiserror::Error;
use tidegate_core::edit::error::EditError;
use tidegate_core::http::chunked::ChunkError;
use tidegate_core::http::grpc::BadTimeout;
use tidegate_core::http::parse::{ReplyError, RequestError};
use tidegate_core::signal::FailureReason;

/// What went wrong.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Error {
    // The client's side.
    #[error("{0}")]
    BadRequest(#[from] RequestError),
    #[error("{0}")]
    BadChunk(#[from] ChunkError),
    #[error("{0}")]
    BadTimeout(#[from] BadTimeout),
    #[error("the request head did not come in time")]
    HeaderTimeout,
    #[error("the body came, or was read, too slowly")]
    BodyTimeout,
    #[error("the request body is larger than allowed")]
    BodyTooLarge,
    #[error("the client is gone")]
    ClientGone,

    // Our own decisions.
    #[error("this host needs a connection of its own")]
    Misdirected,
    #[error("no route takes this request")]
    NoRoute,
    #[error("this method is not forwarded")]
    Method,
    #[error("this request has passed here before")]
    Loop,
    #[error("the path holds an encoded slash")]
    EncodedSlash,
    #[error("the upgrade is not allowed here, or malformed")]
    Upgrade,
    #[error("this protocol is not tunnelled")]
    UnknownProtocol,
    #[error("these servers take no upgrades")]
    NoTunnel,
    #[error("the request has no form in HTTP/2")]
    Unwritable,
    #[error("{0}")]
    BadEdit(EditError),
    #[error("no server is available")]
    NoServer,
    #[error("the exchange used up its total time")]
    TotalTimeout,
    #[error("neither side said anything for too long")]
    Idle,

    // The server's side.
    #[error("no connection to the server")]
    Connect,
    #[error("no trusted connection to the server")]
    Handshake,
    #[error("no connection to the server in time")]
    ConnectTimeout,
    #[error("the server closed the connection before its response was whole")]
    Reset,
    /// The server did not even look at the request (RFC 9113, section 8.7).
    #[error("the server refused the stream")]
    Refused,
    #[error("the server did not respond in time")]
    ResponseTimeout,
    #[error("the server's response stalled")]
    Stalled,
    #[error("{0}")]
    BadReply(#[from] ReplyError),
    #[error("a chunk of the response is malformed")]
    BadReplyChunk,
    #[error("the server sent more than its response")]
    StrayBytes,
    #[error("{0}")]
    BadReplyEdit(EditError),
    #[error("the response could not be compressed")]
    Encode,
    #[error("too many interim responses")]
    InterimFlood,
    #[error("the server switched protocols without being asked")]
    UnaskedUpgrade,
    /// The response has a status that the route retries on; never the client's to see.
    #[error("status {0}")]
    Status(u16),
}

impl Error {
    /// What a pool may hold against the server, if it was the server's doing.
    pub(crate) const fn server_failure(self) -> Option<FailureReason> {
        match self {
            Self::Connect | Self::Handshake => Some(FailureReason::Connect),
            Self::ConnectTimeout | Self::ResponseTimeout | Self::Stalled => {
                Some(FailureReason::Timeout)
            }
            Self::Reset
            | Self::Refused
            | Self::BadReply(_)
            | Self::BadReplyChunk
            | Self::StrayBytes
            | Self::InterimFlood
            | Self::UnaskedUpgrade => Some(FailureReason::Reset),
            Self::Status(status) => Some(FailureReason::Status(status)),
            _ => None,
        }
    }
}
