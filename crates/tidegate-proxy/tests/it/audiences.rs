//! Audiences: who meets the candidate before all others, or never, and who only says so.

use std::sync::Arc;

use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::rollout::Share;
use tidegate_core::release::division::Division;
use tidegate_core::release::pass::Pass;
use tidegate_core::time::UnixTime;
use tidegate_net::clock;
use tidegate_net::geo::Countries;
use tidegate_net::seal::{Keyring, Purpose};
use tidegate_net::tls::contexts::Contexts;

use crate::world::*;

const COUNTRIES: &[u8] = include_bytes!("../../../tidegate-net/tests/data/country.mmdb");

/// A balancer whose every user is stable's, but for audiences; with these proxies trusted.
fn balancer(proxies: &str, keys: &Arc<Keyring>) -> Balancer {
    let (stable, candidate) = (Server::named("stable"), Server::named("candidate"));
    let more = format!(
        "[default.listener]\ntrusted_proxies = \"{proxies}\"\n\
         [pool.next]\nservers = [\"{}\"]\n\
         [geo]\ndatabase = \"country.mmdb\"\n\
         [audience.staff]\nany = [\n\
           {{ client = \"10.0.0.0/8\" }},\n\
           {{ signed_cookie = \"staff\" }},\n\
           {{ country = \"CN\" }},\n\
           {{ header = {{ x-vip = \"1\" }}, trusted = true }},\n\
         ]\n\
         [audience.out]\nany = {{ device = \"bot\" }}\n\
         [rollout.next]\npool = \"app\"\ncandidate = \"next\"\nstrategy = \"canary\"\n\
         user = \"cookie:uid\"\nalways = \"staff\"\nnever = \"out\"\n",
        candidate.address
    );
    let countries = Some(Arc::new(Countries::new(COUNTRIES.to_vec()).expect("a database")));
    let contexts = Contexts { keys: Arc::clone(keys), countries, ..Contexts::default() };
    let config = config(&[stable.address], &more);
    let mut balancer = Balancer::with_contexts(&config, Arc::new(contexts));
    divide(&mut balancer, Share::millionths(1));
    balancer
}

fn divide(balancer: &mut Balancer, share: Share) {
    let division = Division {
        rollout: RolloutName::new("next"),
        pool: PoolName::new("app"),
        candidate: PoolName::new("next"),
        share,
        salt: 42,
        mirrors: false,
    };
    let rollouts = balancer.snapshot.config.rollouts.clone();
    balancer.divide(rollouts, vec![division]);
}

/// Who answers a request with these fields.
#[track_caller]
fn met(client: &mut Peer, fields: &str) -> String {
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: uid=1\r\n{fields}\r\n"));
    String::from_utf8(client.message().1).expect("servers in tests name themselves")
}

/// A pass that counts from now on for so many seconds, or has not for as many.
fn pass(keys: &Keyring, cookie: &str, seconds: i64) -> String {
    let until = clock::unix_time().as_millis().saturating_add_signed(seconds * 1000);
    let pass = Pass { until: UnixTime::from_millis(until) };
    let mut text = String::new();
    keys.seal(&Purpose::of(Pass::KIND, cookie), &pass.to_bytes(), &mut text);
    text
}

const PASSED_ON: [(&str, &str); 3] = [
    ("a header", "X-Vip: 1\r\n"),
    ("an address of a network", "X-Forwarded-For: 10.1.2.3\r\n"),
    ("an address of a country", "X-Forwarded-For: 1.2.3.4\r\n"),
];

#[test]
fn l5_what_a_stranger_says_of_itself_puts_it_in_no_audience() {
    let keys = Arc::new(Keyring::default());
    let balancer = balancer("192.0.2.0/24", &keys);
    let mut client = balancer.client();
    for (what, fields) in PASSED_ON {
        assert_eq!(met(&mut client, fields), "stable", "{what}");
    }
    let stranger = Keyring::default();
    for (what, forged) in [
        ("no seal", "1".to_owned()),
        ("nothing", String::new()),
        ("a seal of somebody else", pass(&stranger, "staff", 60)),
        ("a pass for another audience", pass(&keys, "guests", 60)),
        ("a pass that is over", pass(&keys, "staff", -60)),
        ("a pass that is cut", pass(&keys, "staff", 60)[..40].to_owned()),
    ] {
        let fields = format!("Cookie: staff={forged}\r\n");
        assert_eq!(met(&mut client, &fields), "stable", "{what}");
    }
    let pass = pass(&keys, "staff", 60);
    assert_eq!(met(&mut client, &format!("Cookie: staff={pass}\r\n")), "candidate");
    let twice = format!("Cookie: staff=1; staff={pass}\r\n");
    assert_eq!(met(&mut client, &twice), "stable", "the first counts");
}

#[test]
fn what_a_trusted_proxy_says_is_believed() {
    let balancer = balancer("127.0.0.1", &Arc::default());
    let mut client = balancer.client();
    for (what, fields) in PASSED_ON {
        assert_eq!(met(&mut client, fields), "candidate", "{what}");
    }
    assert_eq!(met(&mut client, "X-Vip: 1\r\nX-Vip: 0\r\n"), "stable", "each value counts");
    assert_eq!(met(&mut client, "X-Forwarded-For: 203.0.113.1\r\n"), "stable");
}

#[test]
fn audiences_mean_something_between_the_first_share_and_the_last() {
    let mut balancer = balancer("127.0.0.1", &Arc::default());
    let (staff, bot) = ("X-Vip: 1\r\n", "X-Vip: 1\r\nUser-Agent: Googlebot/2.1\r\n");
    let mut client = balancer.client();
    for (millionths, [staff_meets, bot_meets]) in [
        (0, ["stable", "stable"]),
        (1, ["candidate", "stable"]),
        (999_999, ["candidate", "stable"]),
        (1_000_000, ["candidate", "candidate"]),
    ] {
        divide(&mut balancer, Share::millionths(millionths));
        assert_eq!(met(&mut client, staff), staff_meets, "staff at {millionths}");
        assert_eq!(met(&mut client, bot), bot_meets, "a bot at {millionths}");
    }
}

#[test]
fn who_is_placed_by_an_audience_is_not_compared() {
    let mut balancer = balancer("127.0.0.1", &Arc::default());
    divide(&mut balancer, Share::millionths(500_000));
    let mut client = balancer.client();
    for fields in ["X-Vip: 1\r\n", "User-Agent: Googlebot/2.1\r\n", ""] {
        met(&mut client, fields);
    }
    // Each is counted after its answer, in turn, for they came on one connection: with the last
    // done, the others are.
    let counted = || {
        let versions = balancer.registry.versions(&RolloutName::new("next"));
        versions.iter().map(|version| version.requests).sum::<u64>()
    };
    eventually("the last is counted", || counted() > 0);
    assert_eq!(counted(), 1);
}
