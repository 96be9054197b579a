//! Two versions side by side: which one a user meets, and copies of requests.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::ratio::Limit;
use tidegate_core::model::rollout::{Mirror, Rollout, Share, Side, Strategy, UserKey};
use tidegate_core::release::division::Division;
use tidegate_core::release::user::User;
use tidegate_core::signal::Signal;
use tidegate_core::telemetry::mirror::MirrorTotals;

use crate::world::*;

/// Two routes to one pool, and the pool that is to take over.
fn two_versions(stable: &Server, candidate: &Server) -> String {
    config(
        &[stable.address],
        &format!(
            "[route.api]\npool = \"app\"\n[route.api.match]\npath_prefix = \"/api\"\n\
             [pool.next]\nservers = [\"{}\"]\n",
            candidate.address
        ),
    )
}

fn rollout(mirror: Option<Mirror>) -> Rollout {
    Rollout {
        name: RolloutName::new("next"),
        pool: PoolName::new("app"),
        candidate: PoolName::new("next"),
        routes: Vec::new(),
        strategy: Strategy::BlueGreen,
        user: vec![UserKey::Cookie("uid".to_owned())],
        always: Vec::new(),
        only: Vec::new(),
        never: Vec::new(),
        smoke: None,
        bake: Duration::ZERO,
        keep_old: Duration::ZERO,
        keep_size: 0,
        max_total: Limit::Unlimited,
        freeze_during: Vec::new(),
        mirror,
        analysis: None,
    }
}

fn division(percent: f64) -> Division {
    Division {
        rollout: RolloutName::new("next"),
        pool: PoolName::new("app"),
        candidate: PoolName::new("next"),
        share: Share::percent(percent).expect("is a share"),
        salt: 42,
        mirrors: true,
    }
}

fn mirror(at_once: u32) -> Mirror {
    Mirror {
        share: Share::ALL,
        methods: vec!["GET".to_owned(), "POST".to_owned()],
        at_once,
        timeout: PATIENCE,
        body_bytes: 64 * 1024,
    }
}

fn asks(path: &str, user: u32) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nCookie: uid={user}\r\n\r\n")
}

/// Which of the named servers answers.
#[track_caller]
fn answers(client: &mut Peer, request: &str) -> String {
    client.send(request);
    String::from_utf8(client.message().1).expect("servers in tests name themselves")
}

#[test]
fn a_user_meets_one_version_on_every_route_and_a_growing_share_only_adds_users() {
    let (stable, candidate) = (Server::named("stable"), Server::named("candidate"));
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    let mut client = balancer.client();
    let mut before = BTreeMap::new();
    for percent in [0.0, 10.0, 50.0, 100.0] {
        let division = division(percent);
        balancer.divide(vec![rollout(None)], vec![division.clone()]);
        for user in 0..100 {
            let side = division.side_of(User::named("uid", user.to_string().as_bytes()));
            for path in ["/", "/api/cart"] {
                let met = answers(&mut client, &asks(path, user));
                assert_eq!(met, side.as_str(), "{path} for {user} at {percent} %");
            }
            let was = before.insert(user, side);
            assert!(was <= Some(side), "{user} went back at {percent} %");
        }
    }
    assert!(before.values().all(|side| *side == Side::Candidate));
}

#[test]
fn who_cannot_be_told_stays_with_stable_and_so_does_everybody_once_nothing_is_divided() {
    let (stable, candidate) = (Server::named("stable"), Server::named("candidate"));
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    let mut client = balancer.client();
    for (percent, met) in [(99.0, "stable"), (100.0, "candidate")] {
        balancer.divide(vec![rollout(None)], vec![division(percent)]);
        let nobody = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(answers(&mut client, nobody), met, "at {percent} %");
    }
    assert_eq!(answers(&mut client, &asks("/", 1)), "candidate");
    balancer.divide(vec![rollout(None)], Vec::new());
    assert_eq!(answers(&mut client, &asks("/", 1)), "stable", "at the next request");
}

#[test]
fn a_rollout_of_some_routes_leaves_the_others_alone() {
    let (stable, candidate) = (Server::named("stable"), Server::named("candidate"));
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    let routes = balancer.snapshot.config.routes.iter().map(|route| route.name.clone());
    let routes = routes.filter(|name| name.as_str() == "api").collect();
    let rollout = Rollout { routes, ..rollout(None) };
    balancer.divide(vec![rollout], vec![division(100.0)]);
    let mut client = balancer.client();
    assert_eq!(answers(&mut client, &asks("/", 1)), "stable");
    assert_eq!(answers(&mut client, &asks("/api", 1)), "candidate");
}

/// A server that tells of each request, head and body, and answers with this status.
fn telling(status: u16) -> (Server, Receiver<(String, Vec<u8>)>) {
    let (tell, told) = mpsc::channel();
    let server = Server::start(move |conversation, _| {
        while let Some(head) = conversation.peer.try_head() {
            let length = field(&head, "content-length").map_or(0, |n| n.parse().expect("a number"));
            let body = conversation.peer.bytes(length);
            // The test may be over.
            let _ = tell.send((head, body));
            let reply = format!("HTTP/1.1 {status} Some\r\nContent-Length: 4\r\n\r\ncopy");
            conversation.peer.send(reply);
        }
    });
    (server, told)
}

fn copies(balancer: &Balancer) -> MirrorTotals {
    balancer.registry.scrape().mirrors.remove(&RolloutName::new("next")).unwrap_or_default()
}

#[test]
fn copies_are_marked_carry_the_body_and_change_nothing_for_the_client() {
    let stable = Server::named("stable");
    let (candidate, told) = telling(503);
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    balancer.divide(vec![rollout(Some(mirror(64)))], vec![division(0.0)]);
    let mut client = balancer.client();
    let requests = [
        ("GET /?a=1 HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\n\r\n", ""),
        (
            "POST /api HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\nContent-Length: 5\r\n\r\nhello",
            "hello",
        ),
    ];
    for (request, body) in requests {
        assert_eq!(answers(&mut client, request), "stable");
        let (head, copied) = told.recv_timeout(PATIENCE).expect("a copy");
        assert_eq!(head.lines().next(), request.lines().next());
        assert_eq!(fields(&head, "x-mirror").collect::<Vec<_>>(), ["1"]);
        assert_eq!(copied, body.as_bytes());
    }
    let Some(Signal::Differed(difference)) = balancer.signals.blocking_recv() else {
        panic!("the first difference is told of");
    };
    assert_eq!(difference.statuses, [200, 503]);
    eventually("both are counted", || copies(&balancer).differing == 2);
    let totals = copies(&balancer);
    assert_eq!((totals.copies, totals.differing, totals.failed), (2, 2, 0));
    assert_eq!(balancer.pool_named("next").arrivals, 0, "a copy is no demand");
    let state = &balancer.snapshot.pool(&PoolName::new("next")).expect("configured").members[0];
    assert_eq!(state.state.consecutive_failures(), 0, "a copy says nothing of health");
}

#[test]
fn what_may_not_be_copied_is_not() {
    let stable = Server::named("stable");
    let (candidate, told) = telling(200);
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    balancer.divide(vec![rollout(Some(mirror(64)))], vec![division(0.0)]);
    let mut client = balancer.client();
    for request in [
        // Its method is not named.
        "DELETE /1 HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\n\r\n",
        // Nobody knows whose it is.
        "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        // Its length was not announced.
        "POST /3 HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\na\r\n0\r\n\r\n",
        "GET /last HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\n\r\n",
    ] {
        assert_eq!(answers(&mut client, request), "stable");
    }
    let (head, _) = told.recv_timeout(PATIENCE).expect("a copy");
    assert!(head.starts_with("GET /last "), "{head}");
    let uncopied = copies(&balancer).uncopied().map(|(_, count)| count).collect::<Vec<_>>();
    assert_eq!(uncopied, [0, 1]);
}

#[test]
fn a_stalled_candidate_holds_no_more_copies_than_may_be_and_nobody_up() {
    let stable = Server::named("stable");
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let candidate = Server::start(move |conversation, _| {
        conversation.peer.try_head();
        let _ = held.lock().map(|held| held.recv());
    });
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    balancer.divide(vec![rollout(Some(mirror(3)))], vec![division(0.0)]);
    let mut client = balancer.client();
    for user in 0..50 {
        assert_eq!(answers(&mut client, &asks("/", user)), "stable");
    }
    eventually("the last is counted", || copies(&balancer).uncopied().any(|(_, n)| n == 47));
    let totals = copies(&balancer);
    assert_eq!(totals.copies, 3);
    assert_eq!(totals.uncopied().map(|(_, count)| count).collect::<Vec<_>>(), [47, 0]);
    drop(hold);
}

#[test]
fn each_version_is_counted_by_what_its_users_were_answered() {
    let stable = Server::named("stable");
    let candidate = Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            let status = if head.starts_with("GET /fails ") { 500 } else { 404 };
            let reply = format!("HTTP/1.1 {status} Some\r\nContent-Length: 0\r\n\r\n");
            conversation.peer.send(reply);
        }
    });
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    let division = division(50.0);
    balancer.divide(vec![rollout(None)], vec![division.clone()]);
    let mut client = balancer.client();
    let mut met = [0; 2];
    for user in 0..40 {
        let side = division.side_of(User::named("uid", user.to_string().as_bytes()));
        met[side as usize] += 1;
        let path = if user < 10 { "/fails" } else { "/" };
        client.send(asks(path, user));
        client.message();
    }
    client.send("GET /%2f HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\n\r\n");
    assert_eq!(status(&client.message().0), 400, "refused here: no version's doing");
    let [stable, candidate] = balancer.registry.versions(&RolloutName::new("next"));
    assert_eq!([stable.requests, candidate.requests], met);
    let failing = (0..10).filter(|user: &u32| {
        division.side_of(User::named("uid", user.to_string().as_bytes())) == Side::Candidate
    });
    assert_eq!([stable.errors, candidate.errors], [0, failing.count() as u64]);
    assert_eq!(stable.latency.count() + candidate.latency.count(), 40);
}

/// The cookie that a response sets, as a request carries it.
fn cookie_set(head: &str) -> Option<String> {
    let cookie = field(head, "set-cookie")?;
    assert!(cookie.contains("; HttpOnly") && !cookie.contains("; Secure"), "{cookie}");
    Some(cookie.split(';').next().expect("it has a value").to_owned())
}

#[test]
fn an_assigned_user_stays_where_it_is_through_login_and_logout() {
    let (stable, candidate) = (Server::named("stable"), Server::named("candidate"));
    let mut balancer = Balancer::start(&two_versions(&stable, &candidate));
    let user = vec![UserKey::Cookie("uid".to_owned()), UserKey::Assign];
    let rollout = Rollout { user, ..rollout(None) };
    balancer.divide(vec![rollout.clone()], vec![division(50.0)]);
    let mut client = balancer.client();
    let mut ask = |cookies: &str| {
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n"));
        let (head, body) = client.message();
        (cookie_set(&head), body)
    };
    let mut met = [0; 2];
    for user in 0..40 {
        let (assigned, first) = ask("a=b");
        let assigned = assigned.expect("a user is assigned at first sight");
        met[usize::from(first == b"candidate")] += 1;
        for cookies in [assigned.clone(), format!("uid={user}; {assigned}"), assigned.clone()] {
            assert_eq!(ask(&cookies), (None, first.clone()), "{cookies}");
        }
        let (assigned, first) = ask(&format!("uid={user}"));
        let assigned = assigned.expect("whoever is logged in at first sight is assigned as well");
        assert_eq!(ask(&assigned), (None, first), "and stays there logged out");
    }
    assert!(met.into_iter().all(|users| users > 5), "{met:?} of 40 at even odds");
    for forged in ["tidegate_user=", "tidegate_user=AAAA", "tidegate_user=%00"] {
        assert!(ask(forged).0.is_some(), "what we have not set is not believed: {forged}");
    }
    balancer.divide(vec![rollout], vec![division(100.0)]);
    let (assigned, body) = ask("a=b");
    assert_eq!((assigned, body.as_slice()), (None, &b"candidate"[..]), "nothing to keep apart");
}
