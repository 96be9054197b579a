//! A client of the admin API of a running balancer, for commands.
//!
//! It asks one thing a connection. Looking needs no token. A change shows the one in
//! `TIDEGATE_TOKEN`, or else the one that a balancer on this machine keeps in its state directory,
//! which it tells in its configuration.

use std::env;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tidegate_admin::state::stored_token;
use tidegate_control::observe::config_file::Origin;
use tidegate_control::release::facts::Word;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::time::Duration;
use tidegate_net::http::Wire;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::runtime;

/// The variable that holds a token.
const TOKEN: &str = "TIDEGATE_TOKEN";
/// For an answer. A reload may have to wait for the first probes of new servers.
const PATIENCE: Duration = Duration::from_secs(90);
/// Bytes of an answer: a status of very many servers.
const ANSWER_MAX: usize = 256 << 20;

/// Where an admin API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host and a port.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected http://HOST:PORT or unix:PATH".to_owned();
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(expected()) } else { Ok(Self::Unix(path.into())) };
        }
        let place = text.strip_prefix("http://").ok_or_else(expected)?;
        let place = place.strip_suffix('/').unwrap_or(place);
        let plain = !place.contains(['/', '?', '#', '@', ' ']);
        let host = place
            .rsplit_once(':')
            .filter(|(host, port)| plain && !host.is_empty() && port.parse::<u16>().is_ok());
        host.map(|_| Self::Tcp(place.to_owned())).ok_or_else(expected)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => write!(f, "http://{place}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What an API answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).context("the answer of the admin API is not JSON")
    }

    /// The sentence that an error answer holds for people.
    pub(crate) fn complaint(&self) -> String {
        let said = self.json().ok();
        let message = said.as_ref().and_then(|said| said["error"]["message"].as_str());
        message.map_or_else(|| format!("status {}", self.status), str::to_owned)
    }
}

/// Asks for something that changes nothing, and returns its JSON.
///
/// # Errors
/// When there is no balancer, or it does not answer with what was asked for.
pub(crate) fn look(address: &Address, path: &str) -> Result<Value> {
    let answer = Question { method: "GET", path, token: None, body: String::new() }.ask(address)?;
    match answer.status {
        200 => answer.json(),
        _ => bail!("{address}{path}: {}", answer.complaint()),
    }
}

/// Asks a question that does not fit into a URL; it changes nothing.
pub(crate) fn explain(address: &Address, question: &Value) -> Result<Answer> {
    let body = question.to_string();
    Question { method: "POST", path: "/api/v1/explain", token: None, body }.ask(address)
}

/// Asks for the configuration to be read again.
pub(crate) fn reload(address: &Address, word: Word) -> Result<Answer> {
    let path = match word {
        Word::OfFacts => "/api/v1/config/reload",
        Word::OfFile => "/api/v1/config/reload?accept=true",
    };
    change(address, "POST", path, &Value::Null)
}

/// Asks for a change, and shows a token.
pub(crate) fn change(
    address: &Address,
    method: &'static str,
    path: &str,
    body: &Value,
) -> Result<Answer> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Question { method, path, token: token(address), body }.ask(address)
}

/// The token that a change is to show.
fn token(address: &Address) -> Option<String> {
    let given = env::var(TOKEN).ok().filter(|token| !token.is_empty());
    given.or_else(|| {
        let path = "/api/v1/config";
        let config = Question { method: "GET", path, token: None, body: String::new() };
        let text = config.ask(address).ok()?.body;
        let config = Origin::Text { name: "config".to_owned(), text }.read().ok()?.config;
        stored_token(config.runtime.state.as_deref())
    })
}

/// What an API is asked.
struct Question<'a> {
    method: &'static str,
    path: &'a str,
    token: Option<String>,
    body: String,
}

impl Question<'_> {
    fn ask(&self, address: &Address) -> Result<Answer> {
        let request = self.text(address);
        let asked = runtime::local()?.block_on(async {
            let answered = timeout(PATIENCE, converse(address, &request)).await;
            answered.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
        });
        asked.with_context(|| format!("cannot reach a balancer at {address}"))
    }

    fn text(&self, address: &Address) -> String {
        let Self { method, path, token, body } = self;
        let host = match address {
            Address::Tcp(place) => place,
            Address::Unix(_) => "localhost",
        };
        let token = token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let (token, length) = (token.unwrap_or_default(), body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }
}

async fn converse(address: &Address, request: &str) -> io::Result<Answer> {
    match address {
        Address::Tcp(place) => exchange(TcpStream::connect(place).await?, request).await,
        Address::Unix(path) => exchange(UnixStream::connect(path).await?, request).await,
    }
}

async fn exchange<S>(stream: S, request: &str) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire::new(stream);
    wire.send(request.as_bytes()).await?;
    let mut head = ReplyHead::default();
    wire.reply(&mut head).await?;
    let body = wire.body(head.body(), ANSWER_MAX).await?;
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    Ok(Answer { status: head.status(), body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_or_a_socket() {
        for (text, expected) in [
            ("http://127.0.0.1:9900", Some(Address::Tcp("127.0.0.1:9900".to_owned()))),
            ("http://localhost:1/", Some(Address::Tcp("localhost:1".to_owned()))),
            ("http://[::1]:9900", Some(Address::Tcp("[::1]:9900".to_owned()))),
            ("unix:/run/a.sock", Some(Address::Unix("/run/a.sock".into()))),
            ("unix:", None),
            ("127.0.0.1:9900", None),
            ("https://127.0.0.1:9900", None),
            ("http://127.0.0.1", None),
            ("http://:9900", None),
            ("http://a:9900/x", None),
            ("http://a b:9900", None),
        ] {
            assert_eq!(text.parse::<Address>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_complaint_is_what_the_answer_says() {
        let body = r#"{"error": {"code": "unauthorized", "message": "a change needs a token"}}"#;
        let answer = Answer { status: 401, body: body.to_owned() };
        assert_eq!(answer.complaint(), "a change needs a token");
        let answer = Answer { status: 502, body: "<html>".to_owned() };
        assert_eq!(answer.complaint(), "status 502");
    }
}
