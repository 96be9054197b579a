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
        /// What the route's edits make of the request must not go on.
        BadEdit => "bad_edit",
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
        /// A connection to a listener with `proxy_protocol` came from nobody in `trusted_proxies`.
        ProxyUntrusted => "proxy_untrusted",
        /// A connection did not begin with a PROXY header as it should be.
        BadProxyHeader => "bad_proxy_header",
        /// The PROXY header did not come in time.
        ProxyHeaderTimeout => "proxy_header_timeout",
        /// The process is short of descriptors or memory.
        Exhausted => "exhausted",
        /// An HTTP/2 client opened streams to reset them.
        H2RapidReset => "h2_rapid_reset",
        /// An HTTP/2 client made the balancer reset streams.
        H2MadeYouReset => "h2_made_you_reset",
        /// An HTTP/2 client sent a field block in too many frames.
        H2ContinuationFlood => "h2_continuation_flood",
        /// An HTTP/2 client sent too many frames that carry nothing.
        H2EmptyFrames => "h2_empty_frames",
        /// An HTTP/2 client sent too many PING frames.
        H2PingFlood => "h2_ping_flood",
        /// An HTTP/2 client sent too many SETTINGS frames.
        H2SettingsFlood => "h2_settings_flood",
        /// An HTTP/2 client sent too many PRIORITY frames.
        H2PriorityFlood => "h2_priority_flood",
        /// An HTTP/2 client opened the window of the connection too often.
        H2WindowUpdateFlood => "h2_window_update_flood",
        /// An HTTP/2 client sent too much that HTTP/2 does not know.
        H2UnknownFrames => "h2_unknown_frames",
        /// The balancer is stopping.
        Stopping => "stopping",
        /// A server's response is not HTTP as it should be.
        BadResponse => "bad_response",
        /// A server's response head is larger than the limit.
        ResponseTooLarge => "response_too_large",
        /// An HTTP/2 connection broke the protocol, and ended.
        H2Protocol => "h2_protocol",
        /// An HTTP/2 message is malformed, or breaks the rules of its stream, which was reset.
        H2Malformed => "h2_malformed",
        /// More HTTP/2 streams than a connection may have, or one after its farewell.
        H2Streams => "h2_streams",
        /// A protocol that is not tunnelled, in an extended CONNECT.
        UnknownProtocol => "unknown_protocol",
        /// An upgrade to a pool that takes none.
        NoTunnel => "no_tunnel",
        /// Protected names in `Connection` were ignored; the request went on.
        ProtectedHeader => "protected_header",
    }
}
