//! Routes from configuration text, and what they make of messages.

mod cors;
mod local;
mod request;

use std::path::Path;

use super::error::EditError;
use super::facts::{Editor, Facts};
use super::request::{Prepared, prepare};
use super::{local as answers, reply};
use crate::config::load::{Source, load};
use crate::http::head::Head;
use crate::http::parse;
use crate::http::reply::ReplyHead;
use crate::http::scheme::Scheme;
use crate::model::node::Config;

const FACTS: Facts<'static> = Facts {
    client: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    scheme: Scheme::Https,
    port: 8443,
    listener: "web",
    request_id: Some(0xabc),
};

/// A text, and the one page that it may name.
struct Only<'a>(&'a str);

impl Source for Only<'_> {
    fn read(&mut self, _: &Path) -> Result<String, String> {
        Ok(self.0.to_owned())
    }

    fn expand(&mut self, _: &Path) -> Result<Vec<std::path::PathBuf>, String> {
        Ok(Vec::new())
    }

    fn read_page(&mut self, path: &Path, _: usize) -> Result<Vec<u8>, String> {
        Ok(format!("<p>{}", path.display()).into_bytes())
    }
}

/// A configuration whose one route says this.
#[track_caller]
fn config(route: &str) -> Config {
    let target = ["redirect", "respond"].iter().any(|target| route.starts_with(target));
    let pool = if target { "" } else { "pool = \"shop\"\n" };
    let text = format!(
        "[listener.web]\naddress = \"127.0.0.1:8080\"\n[pool.shop]\nservers = \"127.0.0.1:1\"\n\
         error_page = {{ 502 = \"file:pool.txt\", 503 = \"file:pool.txt\" }}\n\
         [route.all]\n{pool}{route}\n"
    );
    let loaded = load(Path::new("test.toml"), &mut Only(&text));
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn head(lines: &str) -> Head {
    let mut head = Head::default();
    let text = format!("{}\r\n\r\n", lines.replace('\n', "\r\n"));
    parse::request(text.as_bytes(), 100, Scheme::Http, &mut head).expect("a good head");
    head
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// The fields of a response but Content-Length, one a line.
fn fields(reply: &ReplyHead) -> String {
    let lines = reply.fields().filter(|field| field.name != b"Content-Length");
    lines.map(|field| format!("{}: {}\n", text(field.name), text(field.value))).collect()
}

/// A response of a server.
fn server(lines: &str) -> ReplyHead {
    let mut reply = ReplyHead::default();
    let text = format!("HTTP/1.1 200 OK\r\n{}\r\n", lines.replace('\n', "\r\n"));
    parse::reply(text.as_bytes(), 100, false, &mut reply).expect("a good head");
    reply
}
