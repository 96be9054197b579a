//! A response head that says what was decided.
//!
//! An encoded body has another length, which nobody knows yet, and is no longer the bytes that the
//! server named by a strong ETag: both fields go or change, and so does the offer of byte ranges,
//! which would count other bytes. How the body is framed then is the writer's to say.

use super::decide::Decision;
use crate::http::reply::ReplyHead;

/// Changes the head as the decision asks.
pub fn apply(decision: Decision, reply: &mut ReplyHead) {
    match decision {
        Decision::Leave(_) => {}
        Decision::Vary => vary(reply),
        Decision::Confirm => {
            weaken_etag(reply);
            vary(reply);
        }
        Decision::Encode(coding) => {
            for name in ["content-encoding", "content-length", "accept-ranges"] {
                reply.remove_field(name);
            }
            weaken_etag(reply);
            vary(reply);
            add(reply, "Content-Encoding", coding.as_str().as_bytes());
        }
    }
}

/// Adds Accept-Encoding to Vary, unless it or `*` is there (RFC 9110, section 12.5.5).
fn vary(reply: &mut ReplyHead) {
    const NAME: &[u8] = b"Accept-Encoding";
    let is_said = |word: &[u8]| word == b"*" || word.eq_ignore_ascii_case(NAME);
    let said = reply.values("vary").flat_map(|value| value.split(|byte| *byte == b','));
    if said.map(<[u8]>::trim_ascii).any(is_said) {
        return;
    }
    let is_empty = reply.values("vary").next().map(<[u8]>::is_empty);
    match is_empty {
        None => add(reply, "Vary", NAME),
        Some(true) => reply.surround("vary", b"", NAME),
        Some(false) => reply.surround("vary", b"", b", Accept-Encoding"),
    }
}

/// A strong ETag becomes a weak one (RFC 9110, section 8.8.3); what is no ETag goes.
fn weaken_etag(reply: &mut ReplyHead) {
    let begins = |with: &[u8]| reply.values("etag").next().map(|tag| tag.starts_with(with));
    match (begins(b"\""), begins(b"W/\"")) {
        (Some(true), _) => reply.surround("etag", b"W/", b""),
        (Some(false), Some(false)) => reply.remove_field("etag"),
        _ => {}
    }
}

fn add(reply: &mut ReplyHead, name: &str, value: &[u8]) {
    reply.add_field(name, value).expect("what is added here are plain words");
}

#[cfg(test)]
mod tests;
