//! Step 4 of 8: serve one request from its head to its last byte. From `downstream`, to `route`.

use tidegate_core::http::body::Body;
use tidegate_core::model::ids::ListenerIndex;

use super::call::Call;
use super::state::Exchange;
use super::{Next, finish, respond, retry, route};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::view::View;
use crate::worker::Worker;

/// Serves one request whose head is in `x`.
pub(crate) async fn run(
    worker: &Worker,
    view: &View,
    listener: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
) -> Next {
    x.request_body = Body::new(x.head.body());
    x.client_persists = x.head.keeps_alive();
    x.request_id = worker.draw();
    x.call = Call::of(&x.head);
    let course = match route::choose(worker, view, listener, client, x) {
        Ok(course) => course,
        Err(error) => return refuse(worker, view, listener, client, x, error).await,
    };
    let forwarded = retry::forward(worker, client, x, &course).await;
    let next = match forwarded {
        Ok(next) => next,
        Err(error) => respond::answer(worker, client, x, course.listener, error).await,
    };
    finish::account(worker, client, x, course.listener, Some(&course));
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
    let next = respond::answer(worker, client, x, listener, error).await;
    finish::account(worker, client, x, listener, None);
    next
}
