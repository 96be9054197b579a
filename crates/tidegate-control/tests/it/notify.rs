//! Webhooks: what they are sent, how often, and what it costs everybody else when they do not
//! answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tidegate_control::act::notify::counts::NotifyCounts;
use tidegate_control::control::Reload;
use tidegate_control::observe::config_file::Origin;
use tidegate_core::http::head::Head;
use tidegate_net::http::Wire;
use tidegate_net::task;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::balancer::{Balancer, config, told, until};
use crate::support::directory::Directory;
use crate::support::server::nobody;

const TAKEN: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const AWAY: &str = "HTTP/1.1 503 Away\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// A webhook that gives these answers, the last of them again and again; `None`: none at all.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    running: JoinHandle<()>,
}

/// A request.
struct Got {
    path: String,
    key: Option<String>,
    body: Value,
}

impl Receiver {
    async fn start(answers: &[Option<&'static str>]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut answers: VecDeque<_> = answers.iter().copied().collect();
        let heard = Arc::clone(&got);
        let running = task::spawn("receiver", async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer =
                    if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
                let answer = answer.expect("there is one");
                drop(task::spawn("receiver-connection", hear(stream, Arc::clone(&heard), answer)));
            }
        });
        Self { address, got, running }
    }

    fn events(&self) -> Vec<u64> {
        let got = self.got.lock().expect("unharmed");
        got.iter().map(|one| one.body["id"].as_u64().expect("a number")).collect()
    }

    fn url(&self) -> String {
        format!("http://{}/hook/secret?token=x", self.address)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn hear(stream: TcpStream, got: Arc<Mutex<Vec<Got>>>, answer: Option<&str>) {
    let (mut wire, mut head) = (Wire::new(stream), Head::default());
    assert!(wire.request(&mut head).await.expect("a request"));
    let body = wire.body(head.body(), 64 << 10).await.expect("a body");
    let key = head.fields().find(|field| field.name == b"idempotency-key");
    let key = key.map(|field| String::from_utf8_lossy(field.value).into_owned());
    let body = serde_json::from_slice(&body).expect("JSON");
    got.lock().expect("unharmed").push(Got { path: head.target().to_owned(), key, body });
    match answer {
        // Whoever asked may have gone meanwhile.
        Some(answer) => drop(wire.send(answer.as_bytes()).await),
        None => std::future::pending().await,
    }
}

/// A balancer whose webhooks, with these keys, are told of configurations.
async fn balancer(directory: &Directory, webhooks: &[(&str, &str)]) -> Balancer {
    let path = directory.write("tidegate.toml", &text(webhooks).await);
    Balancer::start(Origin::File(path)).await
}

async fn text(webhooks: &[(&str, &str)]) -> String {
    let webhook = |(name, keys): &(&str, &str)| {
        format!("[[notify]]\nwebhook = \"file:{name}\"\non = \"config\"\n{keys}\n")
    };
    let webhooks: Vec<String> = webhooks.iter().map(webhook).collect();
    config(&[nobody().await], &webhooks.concat())
}

fn counts(balancer: &Balancer, webhook: &str) -> NotifyCounts {
    let all = balancer.control.notices();
    all.into_iter().find(|one| one.webhook.ends_with(webhook)).unwrap_or_default()
}

async fn reload(balancer: &Balancer) {
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
}

#[tokio::test]
async fn an_event_is_delivered_once_and_says_everything() {
    let directory = Directory::new();
    let receiver = Receiver::start(&[Some(TAKEN)]).await;
    directory.write("url", &format!("{}\n", receiver.url()));
    let balancer = balancer(&directory, &[("url", "")]).await;
    reload(&balancer).await;
    reload(&balancer).await;
    until("both are told", || counts(&balancer, "url").sent == 2).await;
    assert_eq!(receiver.events(), [2, 3], "nothing of the start, which nobody asked about");
    let got = receiver.got.lock().expect("unharmed");
    assert_eq!(got[0].path, "/hook/secret?token=x");
    assert_ne!(got[0].key, got[1].key);
    let body = &got[0].body;
    assert_eq!((&body["kind"], &body["pool"]), (&"config-applied".into(), &Value::Null));
    assert_eq!(
        (&body["message"], &body["reason"]),
        (&"revision 2 serves; 0 changes".into(), &"a test".into())
    );
    let node = body["node"].as_str().expect("a name");
    let text = format!("{node}: revision 2 serves; 0 changes (a test)");
    assert_eq!(body["text"], text);
}

#[tokio::test]
async fn a_webhook_that_is_away_is_tried_again_and_gets_the_same() {
    let directory = Directory::new();
    let receiver = Receiver::start(&[Some(AWAY), Some(TAKEN)]).await;
    directory.write("url", &receiver.url());
    let balancer = balancer(&directory, &[("url", "")]).await;
    reload(&balancer).await;
    until("it is told", || counts(&balancer, "url").sent == 1).await;
    let counts = counts(&balancer, "url");
    assert_eq!((counts.retried, counts.failed, counts.dropped), (1, 0, 0));
    let got = receiver.got.lock().expect("unharmed");
    let keys: Vec<_> = got.iter().map(|one| one.key.clone()).collect();
    assert!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
}

#[tokio::test]
async fn what_is_never_taken_is_given_up() {
    let directory = Directory::new();
    let away = Receiver::start(&[Some(AWAY)]).await;
    let refusing = Receiver::start(&[Some(REFUSED)]).await;
    directory.write("away", &away.url());
    directory.write("refusing", &refusing.url());
    let balancer = balancer(&directory, &[("away", ""), ("refusing", "")]).await;
    reload(&balancer).await;
    until("both are given up", || {
        counts(&balancer, "away").failed == 1 && counts(&balancer, "refusing").failed == 1
    })
    .await;
    assert_eq!((away.events().len(), refusing.events().len()), (5, 1));
    assert_eq!((counts(&balancer, "away").retried, counts(&balancer, "refusing").retried), (4, 0));
}

#[tokio::test]
async fn one_that_stalls_is_bounded_and_delays_nobody() {
    let directory = Directory::new();
    let stalled = Receiver::start(&[None]).await;
    let well = Receiver::start(&[Some(TAKEN)]).await;
    directory.write("stalled", &stalled.url());
    directory.write("well", &well.url());
    let balancer = balancer(&directory, &[("stalled", "timeout = \"1h\""), ("well", "")]).await;
    for round in 1..=80 {
        reload(&balancer).await;
        until("the other one is told", || counts(&balancer, "well").sent == round).await;
    }
    let stalled = counts(&balancer, "stalled");
    // One is on its way, and 64 wait.
    assert_eq!((stalled.sent, stalled.failed, stalled.dropped), (0, 0, 15));
}

#[tokio::test]
async fn a_reload_changes_who_is_told() {
    let directory = Directory::new();
    let first = Receiver::start(&[Some(TAKEN)]).await;
    let second = Receiver::start(&[Some(TAKEN)]).await;
    directory.write("url", &first.url());
    let balancer = balancer(&directory, &[("url", "")]).await;
    reload(&balancer).await;
    until("the first is told", || first.events() == [2]).await;
    directory.write("url", &second.url());
    reload(&balancer).await;
    until("the second is told", || second.events() == [3]).await;
    assert_eq!(first.events(), [2]);
    directory.write("tidegate.toml", &text(&[]).await);
    reload(&balancer).await;
    until("nobody is told", || balancer.control.notices().is_empty()).await;
}

/// G9: what is wrong with a webhook is told without its URL.
#[tokio::test]
async fn a_webhook_that_cannot_be_used_refuses_the_file_and_is_not_shown() {
    let directory = Directory::new();
    directory.write("url", "https://me:sesame@hooks.example.com/secret");
    let webhooks = text(&[("url", ""), ("missing", "ca = \"none.pem\"")]).await;
    let path = directory.write("tidegate.toml", &webhooks);
    let refused = Origin::File(path).load().expect_err("neither can be used");
    let said: Vec<String> = refused.diagnostics.iter().map(ToString::to_string).collect();
    let [first, second, third] = said.as_slice() else { panic!("{said:?}") };
    assert!(first.contains("tidegate.toml:8:11: ") && first.contains("url is no URL"), "{first}");
    assert!(second.contains("tidegate.toml:12:11: cannot read"), "{second}");
    assert!(third.contains("none.pem"), "{third}");
    assert!(!said.concat().contains("sesame") && !said.concat().contains("hooks"), "{said:?}");
}
