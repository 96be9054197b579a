//! A client that says what it is told, one request a connection.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use tidegate_admin::server::{Address, Server};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Knows where to ask.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        match server.address().expect("it listens") {
            Address::Tcp(address) => Self::Tcp(*address),
            Address::Unix(path) => Self::Unix(path.clone()),
        }
    }

    /// Asks with the usual fields, unless `fields` has a Host of its own.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !fields.iter().any(|(name, _)| *name == "Host") {
            text += "Host: localhost\r\n";
        }
        for (name, value) in fields {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        self.send(&format!("{text}\r\n{body}")).await
    }

    /// Sends bytes and reads what comes until the end.
    pub(crate) async fn send(&self, text: &str) -> Reply {
        let answer = match self {
            Self::Tcp(address) => {
                talk(TcpStream::connect(address).await.expect("it listens"), text).await
            }
            Self::Unix(path) => {
                talk(UnixStream::connect(path).await.expect("it listens"), text).await
            }
        };
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {answer:?}"));
        Reply { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    // A server that has seen enough may answer and close before it has read all.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status, and the code of the error in the body.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, String) {
        let json = self.json();
        let error = json["error"].as_object().unwrap_or_else(|| panic!("no error: {self:?}"));
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["at", "code", "message"], "errors have one shape");
        (self.status, error["code"].as_str().expect("a word").to_owned())
    }
}
