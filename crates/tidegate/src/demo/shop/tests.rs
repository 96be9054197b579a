//! The shop, asked over real sockets.

use std::path::PathBuf;

use tidegate_core::http::reply::ReplyHead;
use tokio::sync::oneshot;

use super::*;

struct World {
    address: SocketAddr,
    directory: PathBuf,
}

impl World {
    async fn open(capacity: u16) -> Self {
        let name = format!("tidegate-shop-{:016x}", tidegate_net::entropy::word());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).expect("a directory of our own");
        let options = ShopOptions {
            port: 0,
            capacity: NonZeroU16::new(capacity).expect("not zero"),
            service_time: Duration::from_millis(1),
            book: Book::new(directory.clone()),
            release: None,
            faults: 0.0,
        };
        let (said, address) = oneshot::channel();
        task::spawn(
            "shop",
            serve(options, |address| {
                said.send(address).expect("the test waits");
                Ok(())
            }),
        );
        Self { address: address.await.expect("the shop listens"), directory }
    }

    async fn ask(&self, request: &str) -> (u16, String) {
        let stream = TcpStream::connect(self.address).await.expect("the shop listens");
        let mut wire = Wire::new(stream);
        wire.send(request.as_bytes()).await.expect("the shop reads");
        let mut head = ReplyHead::default();
        wire.reply(&mut head).await.expect("the shop answers");
        let body = wire.body(head.body(), 1 << 20).await.expect("the whole body comes");
        (head.status(), String::from_utf8(body).expect("the shop writes UTF-8"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn every_request_has_its_answer() {
    let world = World::open(2).await;
    for (request, status) in [
        ("GET / HTTP/1.1", 200),
        ("GET /healthz HTTP/1.1", 200),
        ("POST / HTTP/1.1", 405),
        ("GET /checkout HTTP/1.1", 405),
        ("GET /elsewhere HTTP/1.1", 404),
        ("POST /checkout HTTP/1.1", 400),
        ("POST /checkout HTTP/1.1\r\nIdempotency-Key: ../a", 400),
    ] {
        let (got, _) = world.ask(&format!("{request}\r\nHost: shop\r\n\r\n")).await;
        assert_eq!(got, status, "{request}");
    }
}

#[tokio::test]
async fn an_order_counts_once_for_its_key() {
    let world = World::open(2).await;
    let order = |key: &str| {
        let head = "POST /checkout HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n";
        format!("{head}Idempotency-Key: {key}\r\n\r\n{{}}")
    };
    for (key, status) in [("a", 201), ("a", 200), ("b", 201), ("a", 200)] {
        assert_eq!(world.ask(&order(key)).await, (status, key.to_owned()));
    }
    assert_eq!(Book::new(world.directory.clone()).len().expect("it can be read"), 2);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_queue_holds_is_refused_and_the_rest_is_served() {
    let shop = Shop::new(ShopOptions {
        port: 0,
        capacity: NonZeroU16::MIN,
        service_time: Duration::from_millis(20),
        book: Book::new(PathBuf::new()),
        release: None,
        faults: 0.0,
    });
    let begin = tokio::time::Instant::now();
    let work = || shop.work(|| Answer::new("200 OK", ""));
    let places = 1 + QUEUE_PER_PLACE;
    let mut all: Vec<_> = (0..places).map(|_| Box::pin(work())).collect();
    // Polled in order, each takes its place before the next is asked.
    for one in &mut all {
        assert!(futures_ready(one.as_mut()).is_none());
    }
    assert_eq!(work().await.status, "503 Service Unavailable");
    for one in all {
        assert_eq!(one.await.status, "200 OK");
    }
    assert_eq!(begin.elapsed(), Duration::from_millis(20) * u32::try_from(places).expect("few"));
}

/// What a future has come to without waiting.
fn futures_ready<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut idle = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut idle) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
