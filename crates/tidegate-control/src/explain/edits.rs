//! What a route would change in a request and its response: the edits are made as on live traffic,
//! and told from what came of them.

use tidegate_core::edit::error::EditError;
use tidegate_core::edit::facts::{Editor, Facts};
use tidegate_core::edit::local;
use tidegate_core::edit::request::{Prepared, prepare};
use tidegate_core::http::head::Head;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::model::edit::{HostEdit, ReplyEdits, RequestEdits};
use tidegate_core::model::listener::HttpsPort;
use tidegate_core::model::route::Route;

use super::Answer;

/// What came of the edits.
pub(super) struct Outcome {
    pub(super) edits: Vec<String>,
    pub(super) answer: Option<Answer>,
}

/// Makes a route's edits.
pub(super) fn apply(route: &Route, head: &mut Head, facts: &Facts<'_>) -> Outcome {
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    let mut edits = Vec::new();
    let answer = match prepare(route, head, facts, &mut editor, &mut reply) {
        Ok(Prepared::Answer(body)) => {
            edits.extend(path(head));
            Some(answered(&reply, body))
        }
        Ok(Prepared::Forward(_)) => {
            edits.extend(route.request.iter().flat_map(|asked| request(asked, head)));
            edits.extend(route.response.iter().flat_map(response));
            None
        }
        Err(error) => Some(refused(error)),
    };
    Outcome { edits, answer }
}

/// The answer of a listener that sends everyone to https.
pub(super) fn to_https(port: HttpsPort, head: &Head) -> Answer {
    let mut reply = ReplyHead::default();
    match local::to_https(port, head, &mut reply) {
        Ok(()) => answered(&reply, b""),
        Err(error) => refused(error),
    }
}

fn request(asked: &RequestEdits, head: &Head) -> Vec<String> {
    let mut edits: Vec<String> = path(head).into_iter().collect();
    match &asked.host {
        HostEdit::Pass => {}
        HostEdit::Server => edits.push("host becomes the address of the server".to_owned()),
        HostEdit::Literal(_) => {
            edits.push(format!("host {} becomes {}", head.asked_authority(), head.authority()));
        }
    }
    edits.extend(asked.fields.remove.iter().map(|name| format!("header {name} is removed")));
    edits.extend(asked.fields.set.iter().map(|(name, _)| match head.values(name).next() {
        Some(value) => format!("header {name} is set to {:?}", String::from_utf8_lossy(value)),
        None => format!("header {name} is removed: its value comes out empty"),
    }));
    edits
}

fn path(head: &Head) -> Option<String> {
    let (asked, path) = (head.asked_path(), head.path());
    (asked != path).then(|| format!("path {asked} becomes {path}"))
}

/// Values of responses depend on what the server answers, so the names are told.
fn response(asked: &ReplyEdits) -> Vec<String> {
    let mut edits = Vec::new();
    edits.extend(asked.fields.remove.iter().map(|name| format!("response: {name} is removed")));
    edits.extend(asked.fields.set.iter().map(|(name, _)| format!("response: {name} is set")));
    if let Some(hsts) = &asked.hsts {
        edits.push(format!("response over https: strict-transport-security is set to {hsts:?}"));
    }
    if asked.cors.is_some() {
        edits.push("response: access-control fields say who may read it".to_owned());
    }
    edits
}

fn answered(reply: &ReplyHead, body: &[u8]) -> Answer {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Answer {
        status: reply.status(),
        fields: reply.fields().map(|field| (text(field.name), text(field.value))).collect(),
        body: text(body),
    }
}

fn refused(error: EditError) -> Answer {
    Answer { status: 400, fields: Vec::new(), body: error.to_string() }
}
