//! What authorities are told that check who holds a host, and nobody else.

use std::sync::Arc;

use tidegate_net::tls::challenges::Challenges;
use tidegate_net::tls::contexts::Contexts;

use crate::secure::{Authority, connect, listening, server_with};
use crate::world::*;

const HOST: &str = "shop.example.com";
const TOKEN: &str = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
const TEXT: &str =
    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9";

fn path(token: &str) -> String {
    format!("/.well-known/acme-challenge/{token}")
}

#[test]
fn m8_a_text_is_told_to_who_asks_for_its_token_and_for_nothing_else() {
    let challenges = Arc::new(Challenges::default());
    let contexts = Contexts { challenges: Arc::clone(&challenges), ..Contexts::default() };
    let server = Server::named("one");
    let balancer = Balancer::with_contexts(&config(&[server.address], ""), Arc::new(contexts));
    let mut client = balancer.client();
    let mut ask = |request: String| {
        client.send(request);
        let (head, body) = client.message();
        (head, String::from_utf8_lossy(&body).into_owned())
    };
    let told = challenges.tell(TOKEN, TEXT).expect("room");
    let (head, body) = ask(get(&path(TOKEN)));
    assert_eq!((status(&head), body.as_str()), (200, TEXT));
    assert_eq!(field(&head, "cache-control"), Some("no-store"));
    assert_eq!(field(&head, "content-type"), Some("application/octet-stream"));
    assert_eq!(server.heads().len(), 0, "no server is asked");

    let longer = format!("{TOKEN}0");
    let beside = [&TOKEN[1..], longer.as_str(), "", "..", &TOKEN.to_lowercase()];
    for (count, token) in beside.into_iter().enumerate() {
        assert_eq!(ask(get(&path(token))).1, "one", "{token:?} is a path like others");
        assert_eq!(server.heads().len(), count + 1);
    }
    assert_eq!(ask(get(&path(TOKEN)).replacen("GET", "DELETE", 1)).1, "one");
    drop(told);
    assert_eq!(ask(get(&path(TOKEN))).1, "one", "nobody waits for it any more");
}

#[test]
fn m8_no_text_is_told_where_it_is_encrypted() {
    let challenges = Arc::new(Challenges::default());
    let authority = Authority::new();
    let front = server_with(vec![authority.identity(&[HOST])], |_| {});
    let listeners = listening(&front).listeners.clone();
    let contexts =
        Contexts { listeners, challenges: Arc::clone(&challenges), ..Contexts::default() };
    let server = Server::named("one");
    let balancer = Balancer::with_contexts(&config(&[server.address], ""), Arc::new(contexts));
    let _told = challenges.tell(TOKEN, TEXT).expect("room");
    let (mut peer, _) =
        connect(balancer.address, &Arc::new(authority.client()), HOST).expect("TLS");
    peer.send(get(&path(TOKEN)));
    assert_eq!(peer.message().1, b"one");
}
