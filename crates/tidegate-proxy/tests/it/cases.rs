//! What the cases of docs/security-cases.md have in common: a balancer in front of one server, and
//! what every refusal must look like from outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tidegate_core::telemetry::refusal::Refusal;

use crate::world::*;

/// A balancer in front of one server.
pub struct Site {
    pub server: Server,
    pub balancer: Balancer,
}

impl Site {
    /// In front of a server that answers everything.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same, with more configuration.
    #[track_caller]
    pub fn with(more: &str) -> Self {
        Self::before(Server::named("one"), more)
    }

    /// In front of this server.
    #[track_caller]
    pub fn before(server: Server, more: &str) -> Self {
        let balancer = Balancer::start(&config(&[server.address], more));
        Self { server, balancer }
    }

    /// Holds that the request is answered with this status and counted as `reason`, that the
    /// connection closes, that what follows it is not read as a request, that the server sees
    /// nothing of it, and that all of this harms nobody else.
    #[track_caller]
    pub fn refuses(&self, request: impl AsRef<[u8]>, status: u16, reason: &str) {
        let request = request.as_ref();
        let seen = self.server.heads().len();
        self.answers(request, status, reason);
        let heads = self.server.heads();
        assert!(heads.len() == seen, "{} reached the server: {:?}", text(request), &heads[seen..]);
        self.serves();
    }

    /// The same for a body whose fault comes to light when its head has gone on. What the server
    /// has of the request stays without an end, on a connection that serves no other.
    #[track_caller]
    pub fn refuses_body(&self, request: impl AsRef<[u8]>, reason: &str) {
        let request = request.as_ref();
        self.serves();
        let connections = self.server.connections();
        self.answers(request, 400, reason);
        self.serves();
        assert_eq!(self.server.connections(), connections + 1, "kept after {}", text(request));
    }

    /// Holds that the request, though well-formed, is answered with this status, counted as
    /// `reason` and kept from the server, and that the next one on the connection is served.
    #[track_caller]
    pub fn turns_away(&self, request: impl AsRef<[u8]>, expected: u16, reason: &str) {
        let shown = text(request.as_ref());
        let (seen, refused) = (self.server.heads().len(), self.balancer.refused(reason));
        let mut client = self.balancer.client();
        client.send(&request);
        assert_eq!(status(&client.message().0), expected, "{shown}");
        assert_eq!(
            self.balancer.refused(reason),
            refused + 1,
            "{reason} was not counted for {shown}"
        );
        client.send(get("/good"));
        assert_eq!(status(&client.message().0), 200, "after {shown}");
        assert_eq!(self.server.heads().len(), seen + 1, "{shown}");
        assert_eq!(tidegate_net::task::panics(), 0);
    }

    /// Sends a request that must be refused, and another behind it that must not be seen.
    #[track_caller]
    fn answers(&self, request: &[u8], expected: u16, reason: &str) {
        let refused = self.balancer.refused(reason);
        let mut client = self.balancer.client();
        client.send([request, get("/behind").as_bytes()].concat());
        let (head, _) = client.message();
        let shown = text(request);
        assert_eq!(status(&head), expected, "{shown}");
        assert_eq!(field(&head, "connection"), Some("close"), "{shown}");
        assert!(client.is_closed(), "more came after the answer to {shown}");
        assert_eq!(
            self.balancer.refused(reason),
            refused + 1,
            "{reason} was not counted for {shown}"
        );
    }

    /// Holds that a good request is served, that none was smuggled, and that nothing panicked.
    #[track_caller]
    pub fn serves(&self) {
        let mut client = self.balancer.client();
        client.send(get("/good"));
        assert_eq!(status(&client.message().0), 200);
        let heads = self.server.heads();
        assert_eq!(heads.iter().find(|head| head.contains("/behind")), None);
        assert_eq!(tidegate_net::task::panics(), 0);
    }

    /// Holds that the response is one that no client may see: 502, counted as `reason`, with the
    /// connection to the server gone, and the client's as good as before.
    #[track_caller]
    pub fn distrusts(&self, request: impl AsRef<[u8]>, reason: &str) {
        self.serves();
        let (refused, connections) = (self.balancer.refused(reason), self.server.connections());
        let mut client = self.balancer.client();
        client.send(&request);
        let head = client.head();
        let shown = text(request.as_ref());
        assert_eq!(status(&head), 502, "{shown}");
        if !shown.starts_with("HEAD ") {
            let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
            client.bytes(length);
        }
        assert_eq!(
            self.balancer.refused(reason),
            refused + 1,
            "{reason} was not counted for {shown}"
        );
        client.send(get("/good"));
        assert_eq!(status(&client.message().0), 200, "after {shown}");
        assert_eq!(self.server.connections(), connections + 1, "kept after {shown}");
        assert_eq!(tidegate_net::task::panics(), 0);
    }

    /// The head that the server gets for this request, which must be answered with 200.
    #[track_caller]
    pub fn forwards(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.balancer.client();
        client.send(&request);
        let head = client.head();
        assert_eq!(status(&head), 200, "{}", text(request.as_ref()));
        assert_eq!(tidegate_net::task::panics(), 0);
        self.server.heads().pop().expect("the server answered")
    }
}

/// A GET with these field lines, each with its CRLF, beside a Host.
pub fn with_fields(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: shop.example.com\r\n{lines}\r\n")
}

/// A POST with this in chunks.
pub fn in_chunks(frames: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{frames}")
}

fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(200)];
    String::from_utf8_lossy(shown).escape_debug().to_string()
}

/// The names in `text` that begin with a case's id, such as `a1_`, where they stand behind `mark`.
fn named_behind<'a>(mark: &'a str, text: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1).filter_map(|rest| {
        let ends = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
        let end = rest.find(ends).unwrap_or(rest.len());
        let (id, _) = rest[..end].split_once('_')?;
        let number = id.strip_prefix(|letter: char| letter.is_ascii_lowercase())?;
        (!number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
            .then_some(&rest[..end])
    })
}

/// Where tests that are named by cases are.
const DIRECTORIES: [&str; 6] = [
    "tests/it",
    "tests/it/h2",
    "../tidegate-sim/tests/it/scale",
    "../tidegate-sim/tests/it/verdict",
    "../tidegate-core/src/release/audience",
    "../tidegate-net/src",
];

#[test]
fn the_page_and_the_tests_name_the_same_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| fs::read_to_string(path).expect("part of the project");
    let page = read(&root.join("../../docs/security-cases.md"));
    // Some reasons of refusals begin like a case.
    let reason = |name: &str| Refusal::ALL.iter().any(|refusal| refusal.as_str() == name);
    let named: BTreeSet<&str> = named_behind("`", &page).filter(|name| !reason(name)).collect();
    let listed = |directory: &Path| fs::read_dir(directory).expect("where this file is");
    let files = DIRECTORIES.iter().flat_map(|directory| listed(&root.join(directory)));
    let paths = files.map(|file| file.expect("listed").path()).filter(|path| path.is_file());
    // A test beside its code stands deeper than one in a directory of tests.
    let level = |source: String| source.replace("#[test]\n    fn ", "#[test]\nfn ");
    let sources: Vec<String> = paths.map(|path| level(read(&path))).collect();
    let written: BTreeSet<&str> =
        sources.iter().flat_map(|source| named_behind("#[test]\nfn ", source)).collect();
    assert!(written.len() > 50, "{written:?}");
    let missing: Vec<_> = named.difference(&written).collect();
    let unnamed: Vec<_> = written.difference(&named).collect();
    assert!(missing.is_empty(), "on the page, but no tests: {missing:?}");
    assert!(unnamed.is_empty(), "tests, but not on the page: {unnamed:?}");
}
