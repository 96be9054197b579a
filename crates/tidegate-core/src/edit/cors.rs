//! Cross-origin sharing (Fetch, section 3.2): preflights are answered here, and responses say who
//! may read them.
//!
//! What a server says of it is removed, so that there is one voice. An origin that is not let in
//! gets no word of it, and its browser keeps the response from the page; `null`, which every
//! sandbox can claim to be, is never let in by name.

use super::error::EditError;
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::model::edit::{Cors, Origins};

const REQUEST_METHOD: &str = "access-control-request-method";

/// Whether a request asks for leave to send another.
pub(super) fn is_preflight(head: &Head) -> bool {
    head.method() == "OPTIONS"
        && head.values("origin").next().is_some()
        && head.values(REQUEST_METHOD).next().is_some()
}

/// Answers a preflight. Whether method and fields are among those listed is for the browser to see.
pub(super) fn preflight(cors: &Cors, head: &Head, reply: &mut ReplyHead) -> Result<(), EditError> {
    if admit(cors, head, reply)? {
        reply.set_field("access-control-allow-methods", cors.methods.as_bytes())?;
        reply.set_field("access-control-allow-headers", cors.headers.as_bytes())?;
        if let Some(age) = cors.max_age {
            let seconds = age.as_secs().to_string();
            reply.set_field("access-control-max-age", seconds.as_bytes())?;
        }
    }
    Ok(())
}

/// Says on a response who may read it.
pub(super) fn allow(cors: &Cors, head: &Head, reply: &mut ReplyHead) -> Result<(), EditError> {
    reply.remove_fields_of("access-control-");
    if admit(cors, head, reply)? {
        reply.set_field("access-control-expose-headers", cors.expose.as_bytes())?;
    }
    Ok(())
}

/// Names the origin of a request if it is let in. That the answer depends on the origin is told to
/// caches even where there is none (Fetch, section 3.2.5).
fn admit(cors: &Cors, head: &Head, reply: &mut ReplyHead) -> Result<bool, EditError> {
    let mut origins = head.values("origin");
    let origin = origins.next().filter(|_| origins.next().is_none());
    let admitted = match &cors.origins {
        Origins::Any => origin.map(|_| &b"*"[..]),
        Origins::Listed(listed) => {
            vary(reply)?;
            origin.filter(|origin| listed.iter().any(|known| known.as_bytes() == *origin))
        }
    };
    let Some(admitted) = admitted else { return Ok(false) };
    reply.set_field("access-control-allow-origin", admitted)?;
    if cors.credentials {
        reply.set_field("access-control-allow-credentials", b"true")?;
    }
    Ok(true)
}

fn vary(reply: &mut ReplyHead) -> Result<(), EditError> {
    let told =
        reply.values("vary").flat_map(|value| value.split(|byte| *byte == b',')).any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"origin")
        });
    if told { Ok(()) } else { Ok(reply.add_field("vary", b"Origin")?) }
}
