//! A response on its way to the client.

use super::cors;
use super::error::EditError;
use super::facts::{Editor, Facts};
use super::template::Sight;
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::http::scheme::Scheme;
use crate::model::edit::ReplyEdits;
use crate::model::route::Route;

/// Makes a route's edits of a response to `head`. Interim responses stay as they are.
///
/// # Errors
/// [`EditError`]: the client gets 502 in its place.
pub fn apply(
    route: &Route,
    head: &Head,
    facts: &Facts<'_>,
    editor: &mut Editor,
    reply: &mut ReplyHead,
) -> Result<(), EditError> {
    match &route.response {
        Some(edits) if !reply.is_interim() => edit(edits, route, head, facts, (editor, reply)),
        _ => Ok(()),
    }
}

fn edit(
    edits: &ReplyEdits,
    route: &Route,
    head: &Head,
    facts: &Facts<'_>,
    (editor, reply): (&mut Editor, &mut ReplyHead),
) -> Result<(), EditError> {
    let (path, status) = (head.asked_path(), reply.status());
    let sight = Sight { head, facts, route: &route.name, path, status };
    edits.fields.render(&sight, editor)?;
    edits.fields.apply(reply.fields_mut(), editor)?;
    // RFC 6797, section 7.2: never over a connection that anyone could have answered on.
    if let Some(hsts) = edits.hsts.as_ref().filter(|_| facts.scheme == Scheme::Https) {
        reply.set_field("strict-transport-security", hsts.as_bytes())?;
    }
    if let Some(cors) = &edits.cors {
        cors::allow(cors, head, reply)?;
    }
    Ok(())
}
