//! Step 4 of 8: serve one request from its head to its last byte. From `downstream`, to `route`.

use std::rc::Rc;

use tidegate_core::edit::facts::Facts;
use tidegate_core::edit::local as answers;
use tidegate_core::edit::request::{Prepared, prepare};
use tidegate_core::http::body::Body;
use tidegate_core::model::ids::ListenerIndex;
use tidegate_core::model::listener::Listener;

use super::call::Call;
use super::state::Exchange;
use super::{Course, Next, Taken, challenge, finish, local, mirror, respond, retry, route};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::view::View;
use crate::worker::Worker;

/// Serves one request whose head is in `x`.
pub(crate) async fn run(
    worker: &Rc<Worker>,
    view: &Rc<View>,
    listener: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
) -> Next {
    x.request_body = Body::new(x.head.body());
    x.client_persists = x.head.keeps_alive();
    x.request_id = worker.draw();
    if let Some(text) = challenge::text(worker, client, &x.head) {
        return challenge::tell(worker, view, listener, client, x, &text).await;
    }
    if view.snapshot.listener(listener).redirect.is_some() {
        return redirect(worker, view, listener, client, x).await;
    }
    x.call = Call::of(&x.head);
    let taken = match route::choose(worker, view, listener, client, x).await {
        Ok(taken) => taken,
        Err(error) => return refuse(worker, view, listener, client, x, error).await,
    };
    let next = match answer(worker, client, x, &taken).await {
        Ok(next) => next,
        Err(error) => {
            respond::answer(worker, client, x, (taken.listener, Some(&taken)), error).await
        }
    };
    finish::account(worker, client, x, taken.listener, Some(&taken));
    mirror::begin(worker, (view, listener), client, x, &taken);
    next
}

/// Has a server answer the request, or answers it here, as its route says.
async fn answer(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    taken: &Taken<'_>,
) -> Result<Next, Error> {
    route::check(x, taken)?;
    let facts = facts(client, x, taken.listener);
    let prepared = {
        let (mut editor, mut reply) = (worker.editor(), worker.reply());
        prepare(taken.route, &mut x.head, &facts, &mut editor, &mut reply)
            .map_err(Error::BadEdit)?
    };
    match (prepared, taken.home.zip(taken.pool)) {
        (Prepared::Forward(_), Some((home, pool))) => {
            let course = Course { listener: taken.listener, route: taken.route, pool, home };
            retry::forward(worker, client, x, &course).await
        }
        (Prepared::Forward(_), None) => Err(Error::NoServer),
        (Prepared::Answer(body), _) => {
            let written = local::write(worker, client, x, &worker.reply(), body);
            written.map_err(|_| Error::ClientGone)?;
            Ok(respond::send_own(worker, client, x, taken.listener).await)
        }
    }
}

/// What edits may speak of.
pub(super) fn facts<'a>(client: &Client, x: &Exchange, listener: &'a Listener) -> Facts<'a> {
    Facts {
        client: route::client_address(x, client.origin.peer, listener),
        scheme: client.origin.scheme(),
        port: client.origin.destination.port(),
        listener: listener.name.as_str(),
        request_id: Some(x.request_id),
    }
}

/// Sends a client that came in clear to where it is encrypted.
async fn redirect(
    worker: &Worker,
    view: &View,
    index: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
) -> Next {
    let listener = view.snapshot.listener(index);
    let Some(port) = listener.redirect else { return Next::Close };
    let made = answers::to_https(port, &x.head, &mut worker.reply());
    if let Err(error) = made {
        return refuse(worker, view, index, client, x, Error::BadEdit(error)).await;
    }
    if local::write(worker, client, x, &worker.reply(), b"").is_err() {
        return Next::Close;
    }
    let next = respond::send_own(worker, client, x, listener).await;
    finish::account(worker, client, x, listener, None);
    next
}

/// Answers a request that goes nowhere.
pub(crate) async fn refuse(
    worker: &Worker,
    view: &View,
    listener: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
    error: Error,
) -> Next {
    x.call = x.call.or_else(|| Call::of(&x.head));
    let listener = view.snapshot.listener(listener);
    let next = respond::answer(worker, client, x, (listener, None), error).await;
    finish::account(worker, client, x, listener, None);
    next
}
