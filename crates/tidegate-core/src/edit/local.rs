//! Answers of the balancer itself: redirects, fixed answers, pages for its own errors.

use super::error::EditError;
use super::facts::{Editor, Facts};
use super::reply;
use super::template::Sight;
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::model::edit::{ErrorPages, Redirect, Respond};
use crate::model::listener::HttpsPort;
use crate::model::route::Route;
use crate::model::template::Variable;

/// What an answer is made in: the room to render, and the head.
pub type Desk<'a> = (&'a mut Editor, &'a mut ReplyHead);

/// Makes a redirect.
pub(super) fn redirect(
    redirect: &Redirect,
    route: &Route,
    head: &Head,
    facts: &Facts<'_>,
    (editor, reply): Desk<'_>,
) -> Result<(), EditError> {
    editor.clear();
    let sight = Sight { head, facts, route: &route.name, path: head.path(), status: 0 };
    redirect.to.render(&sight, &mut editor.text)?;
    if let Some(query) = head.query().filter(|_| redirect.keeps_query) {
        editor.text.push(b'?');
        editor.text.extend_from_slice(query.as_bytes());
    }
    // HTTP/1.0 may come without a host, and would be sent to none.
    let lost = head.asked_host().is_empty() && redirect.to.names(&Variable::Host);
    // Browsers read a host behind two slashes, and behind `/\` as well.
    let astray = matches!(editor.text.as_slice(), [b'/', b'/' | b'\\', ..]);
    if lost || astray || !editor.text.iter().all(u8::is_ascii_graphic) {
        return Err(EditError::Location);
    }
    reply.begin(redirect.status, 0);
    reply.set_field("location", &editor.text)?;
    reply::apply(route, head, facts, editor, reply)
}

/// Makes the answer of a listener that sends everyone to https: the same URL, and 308, which keeps
/// the method (RFC 9110, section 15.4.9).
///
/// # Errors
/// [`EditError::Location`] when the request names no host.
pub fn to_https(port: HttpsPort, head: &Head, reply: &mut ReplyHead) -> Result<(), EditError> {
    let host = head.asked_host();
    if host.is_empty() {
        return Err(EditError::Location);
    }
    let mut location = format!("https://{host}");
    if port != HttpsPort::DEFAULT {
        location.push_str(&format!(":{}", port.0));
    }
    location.push_str(head.path_unmerged());
    if let Some(query) = head.query() {
        location.push('?');
        location.push_str(query);
    }
    if !location.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EditError::Location);
    }
    reply.begin(308, 0);
    Ok(reply.set_field("location", location.as_bytes())?)
}

/// Makes the head of the answer to an authority that checks who holds a host (RFC 8555, section
/// 8.3). Nobody may keep it: the next check asks for another.
///
/// # Errors
/// None that a text of ours can bring about.
pub fn challenge(text: &str, reply: &mut ReplyHead) -> Result<(), EditError> {
    reply.begin(200, text.len());
    reply.set_field("content-type", b"application/octet-stream")?;
    Ok(reply.set_field("cache-control", b"no-store")?)
}

/// Makes the head of a fixed answer.
pub(super) fn respond(
    respond: &Respond,
    route: &Route,
    head: &Head,
    facts: &Facts<'_>,
    (editor, reply): Desk<'_>,
) -> Result<(), EditError> {
    reply.begin(respond.status, respond.body.len());
    if !respond.body.is_empty() {
        reply.set_field("content-type", respond.media_type.as_bytes())?;
    }
    reply::apply(route, head, facts, editor, reply)
}

/// The page for an error that the balancer answers itself, if the route or its pool has one: the
/// head is in `reply` and has the route's response edits, the body is returned.
///
/// `pool` holds the pages of the pool, where the request got as far as one. To HEAD, only the head
/// goes out.
pub fn error<'a>(
    (route, pool): (&'a Route, Option<&'a ErrorPages>),
    status: u16,
    head: &Head,
    facts: &Facts<'_>,
    (editor, reply): Desk<'_>,
) -> Option<&'a [u8]> {
    let own = route.response.as_ref().and_then(|edits| edits.error_pages.page(status));
    let page = own.or_else(|| pool?.page(status))?;
    reply.begin(status, page.body.len());
    let made = reply
        .set_field("content-type", page.media_type.as_bytes())
        .and_then(|()| reply.set_field("cache-control", b"no-store"));
    // A page that cannot be made gives way to the plain answer.
    made.ok()?;
    reply::apply(route, head, facts, editor, reply).ok()?;
    Some(&page.body)
}
