//! Edits of messages: what a route changes on their way, and what it answers in place of a server.
//!
//! A route without edits holds none of these, so that it pays nothing for them.

use std::fmt;
use std::sync::Arc;

use regex::Regex;

use super::template::Template;
use crate::time::Duration;

/// What changes in a request before a server sees it.
#[derive(Clone, Debug)]
pub struct RequestEdits {
    /// Leading segments to take off the path, in canonical form without a trailing slash.
    pub strip_prefix: Option<String>,
    /// What becomes of the path; after `strip_prefix`.
    pub rewrite: Option<Rewrite>,
    /// The Host that the server sees.
    pub host: HostEdit,
    /// The fields.
    pub fields: FieldEdits,
}

/// Another path for those that an expression takes.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Anchored at both ends, matched in linear time against the canonical path.
    pub regex: Regex,
    /// What the path becomes.
    pub to: Vec<RewritePart>,
}

/// A part of a rewritten path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewritePart {
    /// Text as it stands, in canonical form.
    Literal(String),
    /// What a group of the expression took; a group that took nothing is empty.
    Group(usize),
}

/// The Host that a server sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEdit {
    /// The client's.
    Pass,
    /// The server's own address.
    Server,
    /// This one, in canonical form.
    Literal(String),
}

/// Fields that go and come. No name in here is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldEdits {
    /// Names, in lower case.
    pub remove: Vec<String>,
    /// Names, in lower case, and what their one field then holds.
    pub set: Vec<(String, Template)>,
}

/// What changes in a response, and what takes the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyEdits {
    /// The fields.
    pub fields: FieldEdits,
    /// Which pages of other origins may read it.
    pub cors: Option<Cors>,
    /// The value of Strict-Transport-Security.
    pub hsts: Option<String>,
    /// Bodies for the balancer's own errors.
    pub error_pages: ErrorPages,
}

/// Who may read responses across origins (Fetch, section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Which origins.
    pub origins: Origins,
    /// The value of Access-Control-Allow-Methods.
    pub methods: String,
    /// The value of Access-Control-Allow-Headers; empty: none.
    pub headers: String,
    /// The value of Access-Control-Expose-Headers; empty: none.
    pub expose: String,
    /// Whether cookies and the like may come along; never for any origin.
    pub credentials: bool,
    /// How long a browser may keep the answer.
    pub max_age: Option<Duration>,
}

/// Origins that are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    Any,
    /// These, as browsers write them.
    Listed(Vec<String>),
}

/// Bodies by status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorPages(pub Vec<(u16, Page)>);

impl ErrorPages {
    /// The page for a status.
    #[must_use]
    pub fn page(&self, status: u16) -> Option<&Page> {
        self.0.iter().find(|(known, _)| *known == status).map(|(_, page)| page)
    }
}

/// A body that was read with the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// Its Content-Type.
    pub media_type: &'static str,
    /// Its bytes; shared by all who name the same file.
    pub body: Arc<[u8]>,
}

impl fmt::Debug for Page {
    /// Without the bytes, which are no reading for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}, {} bytes)", self.media_type, self.body.len())
    }
}

/// Where else a client is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The Location.
    pub to: Template,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// Whether the request's query is put behind it: `to` has none of its own.
    pub keeps_query: bool,
}

/// An answer that needs no server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Respond {
    /// The status: 200 to 599.
    pub status: u16,
    /// The body, as it stands.
    pub body: Arc<[u8]>,
    /// Its Content-Type.
    pub media_type: String,
}
