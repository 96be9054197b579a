//! Step 4 of 8: the exchange, one request and its response. From `downstream`, to `upstream`.
//!
//! The one pipeline for every protocol: `serve` runs it; `challenge` answers
//! authorities that check who holds a host; `route` chooses where the request goes, with the
//! `prefix` of the body if it has to, and `release` which version it meets; `retry` tries servers
//! that `pick` picks, or that the user's `session` names, `open` finds a way to each, `relay` moves
//! the bytes, `tunnel` too after an upgrade; `respond` answers errors with what `local` writes,
//! `finish` accounts for it all, and `mirror` may repeat it. What they share is in
//! `state`, and what is peculiar to gRPC in `call`.

mod call;
mod challenge;
mod finish;
mod local;
mod mirror;
mod open;
mod pick;
mod prefix;
mod relay;
mod release;
mod respond;
mod retry;
mod route;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod state;
mod tunnel;

use tidegate_core::model::ids::RouteIndex;
use tidegate_core::model::listener::Listener;
use tidegate_core::model::route::Route;
use tidegate_core::telemetry::route::RouteCells;

use crate::view::PoolView;
use release::Meeting;

/// What becomes of the client connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It serves another request.
    Request,
    /// It is closed at once.
    Close,
    /// It is closed, but the client may still be sending.
    Linger,
}

/// The route that takes a request.
#[derive(Clone, Copy)]
struct Taken<'a> {
    listener: &'a Listener,
    index: RouteIndex,
    route: &'a Route,
    cells: &'a RouteCells,
    /// The pool that it leads to, if it leads to one.
    home: Option<&'a PoolView>,
    /// The pool that serves the request: that one, or the other of two versions.
    pool: Option<&'a PoolView>,
    /// The version that it meets, where there are two.
    meeting: Option<Meeting<'a>>,
}

/// Where a request goes, and under which rules.
#[derive(Clone, Copy)]
struct Course<'a> {
    listener: &'a Listener,
    route: &'a Route,
    pool: &'a PoolView,
    /// The pool that the route names, whose sessions these are.
    home: &'a PoolView,
}
