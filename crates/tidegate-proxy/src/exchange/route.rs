//! Step 4 of 8: choose the route, and refuse what must not go further. From the exchange, to
//! `pick`.

use std::net::IpAddr;

use tidegate_core::http::forwarded;
use tidegate_core::http::handshake::is_handshake;
use tidegate_core::http::head::{BodyLength, Head, Version};
use tidegate_core::model::ids::ListenerIndex;
use tidegate_core::model::listener::Listener;
use tidegate_core::model::ratio::Limit;
use tidegate_core::model::route::{EncodedSlash, Route};
use tidegate_core::release::audience::Sender;
use tidegate_core::route::table::{Found, RouteRequest};
use tidegate_core::telemetry::refusal::Refusal;

use super::release::Asker;
use super::state::Exchange;
use super::{Taken, prefix, release};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::view::View;
use crate::worker::Worker;

/// Finds the route of a request, or the reason why it has none.
pub(super) async fn choose<'a>(
    worker: &Worker,
    view: &'a View,
    listener_index: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
) -> Result<Taken<'a>, Error> {
    let listener = view.snapshot.listener(listener_index);
    check_request(&x.head, &worker.shared.node)?;
    if client.origin.secure.as_ref().is_some_and(|secure| secure.misdirects(x.head.host())) {
        return Err(Error::Misdirected);
    }
    x.set_deadline()?;
    if x.head.connection().nominates_protected {
        worker.cells.refuse(Refusal::ProtectedHeader);
    }
    let address = client_address(x, client.origin.peer, listener);
    x.client = Some(address);
    let request = RouteRequest { listener: listener_index, head: &x.head, client: address };
    let index = match view.snapshot.table.find(&request) {
        Found::Route(index) => Some(index),
        Found::Nothing => None,
        Found::NeedsBody(bytes) => {
            // Apart, as few requests need it and every connection would have room for it.
            let read = prefix::read(worker, client, x, listener, bytes as usize);
            let body = Box::pin(read).await?;
            let request = RouteRequest { listener: listener_index, head: &x.head, client: address };
            view.snapshot.table.find_with_body(&request, body.view())
        }
    };
    let index = index.ok_or(Error::NoRoute)?;
    let route = view.snapshot.route(index);
    let release = view.snapshot.release_of(index);
    let asker = Asker {
        scheme: client.origin.scheme(),
        client: address,
        sender: sender(client.origin.peer, listener),
    };
    let meeting = release.and_then(|release| release::choose(worker, view, x, asker, release));
    let home = view.snapshot.pool_of(index);
    let pool = meeting.map_or(home, |meeting| Some(meeting.release.pool(meeting.side)));
    let [home, pool] = [home, pool].map(|pool| pool.map(|pool| view.pool(pool).as_ref()));
    Ok(Taken { listener, index, route, cells: view.route_cells(index), home, pool, meeting })
}

/// The trusted client address.
pub(super) fn client_address(x: &Exchange, peer: IpAddr, listener: &Listener) -> IpAddr {
    match x.client {
        Some(address) => address,
        None if listener.trusted_proxies.is_empty() => peer,
        None => forwarded::client_address(&x.head, peer, listener),
    }
}

/// Who sent a head, as far as its connection tells.
fn sender(peer: IpAddr, listener: &Listener) -> Sender {
    let trusted = !listener.trusted_proxies.is_empty() && listener.trusts(peer);
    if trusted { Sender::Proxy } else { Sender::Stranger }
}

fn check_request(head: &Head, node: &str) -> Result<(), Error> {
    match head.method() {
        // A tunnel to wherever the client likes is no business of a reverse proxy; TRACE shows a
        // client what was added on the way.
        "CONNECT" | "TRACE" => Err(Error::Method),
        _ if forwarded::has_passed(head, node) => Err(Error::Loop),
        _ => Ok(()),
    }
}

/// Holds a request against what its route allows. Whatever is refused here is answered as the route
/// says.
pub(super) fn check(x: &mut Exchange, taken: &Taken<'_>) -> Result<(), Error> {
    let (head, route) = (&x.head, taken.route);
    if head.path_encodes_slash() && route.path.encoded_slash == EncodedSlash::Refuse {
        return Err(Error::EncodedSlash);
    }
    if let BodyLength::Exact(length) = head.body()
        && body_limit(route, taken.listener).exceeded_by(length)
    {
        return Err(Error::BodyTooLarge);
    }
    x.upgrade = taken.pool.is_some() && upgrades(head, route)?;
    Ok(())
}

/// The largest request body that may come.
pub(super) fn body_limit(route: &Route, listener: &Listener) -> Limit<u64> {
    route.body_bytes.unwrap_or(listener.limits.body_bytes)
}

/// Whether the upgrade that the client asks for goes on. One that is not for us to tunnel is not
/// mentioned to the server at all, and the request is an ordinary one.
fn upgrades(head: &Head, route: &Route) -> Result<bool, Error> {
    if !head.connection().upgrade || head.version() == Version::Http10 {
        return Ok(false);
    }
    let mut tokens = head.values("upgrade");
    let (Some(token), None) = (tokens.next(), tokens.next()) else { return Ok(false) };
    let is_websocket = token.eq_ignore_ascii_case(b"websocket");
    let allowed =
        route.upgrade.iter().any(|allowed| token.eq_ignore_ascii_case(allowed.as_bytes()));
    if is_websocket && (!allowed || !is_handshake(head)) {
        return Err(Error::Upgrade);
    }
    Ok(allowed && head.body() == BodyLength::Empty)
}
