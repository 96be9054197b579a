//! Step 4 of 8: the one thing that is answered before any route is looked for. An authority that
//! was asked for a certificate fetches a text from each host, in the clear (RFC 8555, section 8.3).
//!
//! Only texts that are waited for are answered; any other path below the same one is a request like
//! all others (security case M8).

use tidegate_core::edit::local as answers;
use tidegate_core::http::head::Head;
use tidegate_core::model::ids::ListenerIndex;

use super::state::Exchange;
use super::{Next, finish, local, respond, serve};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::view::View;
use crate::worker::Worker;

/// Where authorities look.
const PLACE: &str = "/.well-known/acme-challenge/";

/// What is to be answered, if this is such a request.
pub(super) fn text(worker: &Worker, client: &Client, head: &Head) -> Option<String> {
    let token = head.path().strip_prefix(PLACE)?;
    let asks = client.origin.secure.is_none() && matches!(head.method(), "GET" | "HEAD");
    if !asks {
        return None;
    }
    worker.shared.contexts.load().challenges.text(token)
}

/// Answers it.
pub(super) async fn tell(
    worker: &Worker,
    view: &View,
    index: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
    text: &str,
) -> Next {
    let made = answers::challenge(text, &mut worker.reply());
    if let Err(error) = made {
        return serve::refuse(worker, view, index, client, x, Error::BadEdit(error)).await;
    }
    if local::write(worker, client, x, &worker.reply(), text.as_bytes()).is_err() {
        return Next::Close;
    }
    let listener = view.snapshot.listener(index);
    let next = respond::send_own(worker, client, x, listener).await;
    finish::account(worker, client, x, listener, None);
    next
}
