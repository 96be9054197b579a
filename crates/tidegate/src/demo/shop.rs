//! One server of the shop: a process with a set capacity and service time.
//!
//! It serves so many requests at once, each for the same time; more wait in a queue of bounded
//! length, and what the queue does not hold gets 503. `GET /` browses, `POST /checkout` orders,
//! once for each `Idempotency-Key`, and `GET /healthz` costs nothing. A client that talks nonsense
//! loses its connection, no more.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidegate_core::http::head::Head;
use tidegate_core::time::Duration;
use tidegate_net::http::Wire;
use tidegate_net::task;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::book::{Book, Entry, is_key};

/// Requests that may wait, for each that may be served.
const QUEUE_PER_PLACE: usize = 48;
/// Bytes of a request body.
const BODY_MAX: usize = 64 * 1024;

/// What a server of the shop can do.
#[derive(Clone, Debug)]
pub(crate) struct ShopOptions {
    /// The port to listen on; 0: any.
    pub(crate) port: u16,
    /// Requests served at once.
    pub(crate) capacity: NonZeroU16,
    /// How long each takes.
    pub(crate) service_time: Duration,
    /// Where orders are written down.
    pub(crate) book: Book,
    /// What it says of its version in each response.
    pub(crate) release: Option<String>,
    /// The part of what it works on that it fails.
    pub(crate) faults: f64,
}

/// Listens, says where through `ready`, and serves until the process ends.
pub(crate) async fn serve(
    options: ShopOptions,
    ready: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    ready(listener.local_addr()?)?;
    let shop = Arc::new(Shop::new(options));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        task::spawn("shop connection", converse(Arc::clone(&shop), stream));
    }
}

async fn converse(shop: Arc<Shop>, stream: TcpStream) {
    let mut wire = Wire::new(stream);
    let mut head = Head::default();
    while let Ok(true) = wire.request(&mut head).await {
        if wire.body(head.body(), BODY_MAX).await.is_err() {
            return;
        }
        let keep = head.keeps_alive();
        let answer = shop.answer(&head).await;
        if wire.send(answer.text(&shop.release, keep).as_bytes()).await.is_err() || !keep {
            return;
        }
    }
}

#[derive(Debug)]
struct Shop {
    /// Places at the counter.
    serving: Semaphore,
    /// Places at the counter and in the queue.
    admitted: Semaphore,
    service_time: Duration,
    book: Book,
    /// The field that tells of the version, with its line end.
    release: String,
    faults: f64,
    /// What it has worked on.
    worked: AtomicU64,
}

/// A status, a body, and the fields that are not the same in every response.
struct Answer {
    status: &'static str,
    body: String,
    fields: &'static str,
}

impl Shop {
    fn new(options: ShopOptions) -> Self {
        let capacity = usize::from(options.capacity.get());
        Self {
            serving: Semaphore::new(capacity),
            admitted: Semaphore::new(capacity * (1 + QUEUE_PER_PLACE)),
            service_time: options.service_time,
            book: options.book,
            release: options.release.map_or_else(String::new, |r| format!("X-Release: {r}\r\n")),
            faults: options.faults,
            worked: AtomicU64::new(0),
        }
    }

    async fn answer(&self, head: &Head) -> Answer {
        match (head.method(), head.path()) {
            ("GET", "/healthz") => Answer::new("200 OK", "ok\n"),
            ("GET", "/") => self.work(|| Answer::new("200 OK", PAGE)).await,
            ("POST", "/checkout") => match key_of(head) {
                Some(key) => self.work(|| self.order(key)).await,
                None => Answer::new("400 Bad Request", "an order needs an Idempotency-Key\n"),
            },
            (_, "/" | "/healthz") => {
                Answer::new("405 Method Not Allowed", "").with("Allow: GET\r\n")
            }
            (_, "/checkout") => Answer::new("405 Method Not Allowed", "").with("Allow: POST\r\n"),
            _ => Answer::new("404 Not Found", "no such page\n"),
        }
    }

    /// Waits for a place, works for the service time, and answers.
    async fn work(&self, answer: impl FnOnce() -> Answer) -> Answer {
        let Ok(_admitted) = self.admitted.try_acquire() else {
            return Answer::new("503 Service Unavailable", "full\n").with("Retry-After: 1\r\n");
        };
        let _place = self.serving.acquire().await;
        tokio::time::sleep(self.service_time).await;
        if self.is_fault() {
            return Answer::new("500 Internal Server Error", "a fault of this version\n");
        }
        answer()
    }

    /// Whether this is one of the requests that fail. They lie as far apart as can be.
    fn is_fault(&self) -> bool {
        let before = self.worked.fetch_add(1, Relaxed) as f64;
        ((before + 1.0) * self.faults).floor() > (before * self.faults).floor()
    }

    fn order(&self, key: &str) -> Answer {
        match self.book.enter(key) {
            Ok(Entry::New) => Answer::new("201 Created", key),
            Ok(Entry::Known) => Answer::new("200 OK", key),
            Err(error) => Answer::new("500 Internal Server Error", &format!("{error}\n")),
        }
    }
}

fn key_of(head: &Head) -> Option<&str> {
    let key = std::str::from_utf8(head.values("idempotency-key").next()?).ok()?;
    is_key(key).then_some(key)
}

impl Answer {
    fn new(status: &'static str, body: &str) -> Self {
        Self { status, body: body.to_owned(), fields: "" }
    }

    const fn with(mut self, fields: &'static str) -> Self {
        self.fields = fields;
        self
    }

    fn text(&self, release: &str, keep: bool) -> String {
        let Self { status, body, fields } = self;
        let close = if keep { "" } else { "Connection: close\r\n" };
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{release}{fields}{close}\r\n{body}"
        )
    }
}

/// What browsing shows.
const PAGE: &str = "<!doctype html>\n<title>The shop</title>\n<h1>The shop</h1>\n\
    <ul><li>Tide table, 12.00<li>Sluice gate, small, 340.00<li>Sluice gate, large, 980.00</ul>\n";

#[cfg(test)]
mod tests;
