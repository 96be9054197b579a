//! A value with variables in it, compiled: what is written once in the configuration and rendered
//! for each message.

/// The parts of a value, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Literal text and variables.
    pub parts: Vec<Part>,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// What the request, or this hop, knows.
    Variable(Variable),
}

/// What may stand between braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The host that the client asked for, without port.
    Host,
    /// The canonical path that the client asked for; in a redirect, as it was edited.
    Path,
    /// The query, without its `?`.
    Query,
    /// `http` or `https`.
    Scheme,
    /// The method.
    Method,
    /// The trusted client address.
    Client,
    /// The request's id.
    RequestId,
    /// The name of the listener.
    Listener,
    /// The name of the route.
    Route,
    /// The port that the request came to.
    Port,
    /// The status of the response.
    Status,
    /// A request field by lower-case name: its values, joined.
    Header(String),
    /// The first cookie of this name.
    Cookie(String),
    /// The first value of a query key.
    QueryValue(String),
}
