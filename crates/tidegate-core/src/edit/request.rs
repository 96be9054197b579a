//! A request before a server is picked: edited, or answered here.

use super::error::EditError;
use super::facts::{Editor, Facts};
use super::template::Sight;
use super::{cors, local, path};
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::model::edit::{HostEdit, RequestEdits};
use crate::model::ids::PoolName;
use crate::model::route::{Route, Target};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepared<'a> {
    /// A server of this pool answers it; the head is edited.
    Forward(&'a PoolName),
    /// It is answered here: `reply` holds the head, this is the body. To HEAD, only the head goes
    /// out.
    Answer(&'a [u8]),
}

/// Makes a route's edits of a request, or its answer where it needs no server: a CORS preflight, a
/// redirect, a fixed answer.
///
/// Once for each request, before the first try. The answer has the route's response edits already.
///
/// # Errors
/// [`EditError`]: the request gets 400. What was changed until then stays changed.
pub fn prepare<'a>(
    route: &'a Route,
    head: &mut Head,
    facts: &Facts<'_>,
    editor: &mut Editor,
    reply: &mut ReplyHead,
) -> Result<Prepared<'a>, EditError> {
    if let Some(cors) = route.response.as_ref().and_then(|edits| edits.cors.as_ref())
        && cors::is_preflight(head)
    {
        reply.begin(204, 0);
        cors::preflight(cors, head, reply)?;
        return Ok(Prepared::Answer(b""));
    }
    if let Some(edits) = &route.request {
        path::edit(edits, head, editor)?;
    }
    match &route.target {
        Target::Pool(pool) => {
            if let Some(edits) = &route.request {
                fields(edits, route, head, facts, editor)?;
            }
            Ok(Prepared::Forward(pool))
        }
        Target::Redirect(redirect) => {
            local::redirect(redirect, route, head, facts, (editor, reply))?;
            Ok(Prepared::Answer(b""))
        }
        Target::Respond(respond) => {
            local::respond(respond, route, head, facts, (editor, reply))?;
            Ok(Prepared::Answer(&respond.body))
        }
    }
}

fn fields(
    edits: &RequestEdits,
    route: &Route,
    head: &mut Head,
    facts: &Facts<'_>,
    editor: &mut Editor,
) -> Result<(), EditError> {
    let sight = Sight { head, facts, route: &route.name, path: head.asked_path(), status: 0 };
    edits.fields.render(&sight, editor)?;
    edits.fields.apply(head.fields_mut(), editor)?;
    if let HostEdit::Literal(host) = &edits.host {
        head.replace_authority(host)?;
    }
    Ok(())
}

/// Names the server in Host where the route says `host = "server"`; `server` is its address or name
/// as the configuration has it.
///
/// For each try, once its server is picked.
///
/// # Errors
/// [`EditError`] when the server's name can be no host.
pub fn name_server(route: &Route, head: &mut Head, server: &str) -> Result<(), EditError> {
    match &route.request {
        Some(edits) if edits.host == HostEdit::Server => Ok(head.replace_authority(server)?),
        _ => Ok(()),
    }
}
