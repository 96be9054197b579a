//! Why a request, a connection or a response is turned away: the closed list behind
//! `tidegate_refused_total{reason}`.

use super::words::words;

words! {
    /// A reason to refuse.
    pub enum Refusal {
        /// The request line is not a request line, or a line of the head does not end in CRLF.
        BadRequestLine => "bad_request_line",
        /// A header field is malformed.
        BadHeader => "bad_header",
        /// Content-Length or Transfer-Encoding leave doubt where the message ends.
        BadFraming => "bad_framing",
        /// A transfer coding other than `chunked`.
        UnknownCoding => "unknown_coding",
        /// A chunk is malformed.
        BadChunk => "bad_chunk",
        /// A trailer section is malformed or too large.
        BadTrailer => "bad_trailer",
        /// `Host` is missing, repeated or malformed.
        BadHost => "bad_host",
        /// The path is malformed or leaves the root.
        BadPath => "bad_path",
        /// An HTTP version that is not spoken here.
        Version => "version",
        /// An expectation other than `100-continue`.
        Expectation => "expectation",
        /// A method that is never forwarded: `CONNECT`, `TRACE`.
        Method => "method",
        /// An upgrade that the route does not allow, or that is malformed.
        Upgrade => "upgrade",
        /// The request has been here before.
        Loop => "loop",
        /// The request target is longer than the limit.
        TargetTooLong => "target_too_long",
        /// The head is larger than the limit.
        HeaderTooLarge => "header_too_large",
        /// The head has more fields than the limit.
        TooManyHeaders => "too_many_headers",
        /// The body is larger than the limit.
        BodyTooLarge => "body_too_large",
        /// The head did not come in time.
        HeaderTimeout => "header_timeout",
        /// The body came too slowly, or was read too slowly.
        BodyTimeout => "body_timeout",
        /// The request came over a connection that is for another host.
        Misdirected => "misdirected",
        /// No route takes the request.
        NoRoute => "no_route",
        /// No server of the pool is available.
        NoServer => "no_server",
        /// The listener has its full number of connections.
        ConnectionLimit => "connection_limit",
        /// The client has its full number of connections.
        ClientConnectionLimit => "client_connection_limit",
        /// The process is short of descriptors or memory.
        Exhausted => "exhausted",
        /// The balancer is stopping.
        Stopping => "stopping",
        /// A server's response is not HTTP as it should be.
        BadResponse => "bad_response",
        /// A server's response head is larger than the limit.
        ResponseTooLarge => "response_too_large",
        /// Protected names in `Connection` were ignored; the request went on.
        ProtectedHeader => "protected_header",
    }
}
