//! The search that splits and sweeps is held against one that compares each pair.

use proptest::prelude::*;

use super::{Claim, Pair, PathKey, compare, search, tie};
use crate::model::ids::{PoolName, RouteName};
use crate::model::ratio::Limit;
use crate::model::route::{
    EncodedSlash, PathPolicy, RetryPolicy, Route, RouteMatch, RouteTimeouts, Target, ValuePattern,
};
use crate::time::Duration;

fn route(number: usize, conditions: RouteMatch) -> Route {
    let wait = Duration::from_secs(1);
    Route {
        name: RouteName::new(&format!("r{number}")),
        target: Target::Pool(PoolName::new("app")),
        matches: vec![conditions],
        priority: 0,
        path: PathPolicy { encoded_slash: EncodedSlash::Refuse, merge_slashes: true },
        timeouts: RouteTimeouts {
            response: wait,
            idle: wait,
            tunnel: wait,
            total: Limit::Unlimited,
        },
        body_bytes: None,
        upgrade: Vec::new(),
        retry: RetryPolicy {
            retries: 0,
            on_reset: false,
            on_timeout: false,
            on_status: Vec::new(),
        },
        request: None,
        response: None,
        compression: None,
    }
}

/// Mostly exact values of one name, so that there are groups without a tie as well.
fn values() -> impl Strategy<Value = Vec<(String, ValuePattern)>> {
    let value = prop_oneof![
        500 => (0u32..5000).prop_map(|value| ValuePattern::Exact(value.to_string())),
        1 => Just(ValuePattern::Present),
        1 => Just(ValuePattern::Absent),
    ];
    prop::collection::vec((Just("a".to_owned()), value), 0..2)
}

fn conditions() -> impl Strategy<Value = RouteMatch> {
    let network =
        (0u32..64, prop_oneof![Just(24u8), Just(26), Just(32)]).prop_map(|(host, bits)| {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 + host * 61);
            let network = ipnet::Ipv4Net::new(address, bits).expect("at most 32 bits");
            ipnet::IpNet::from(network.trunc())
        });
    let headers = values().prop_filter("a condition each", |values| !values.is_empty());
    (headers, values(), prop::collection::vec(network, 0..2)).prop_map(
        |(headers, cookies, clients)| RouteMatch {
            headers,
            cookies,
            clients,
            ..RouteMatch::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn splitting_and_sweeping_find_a_tie_where_comparing_pairs_does(
        all in prop::collection::vec(conditions(), 0..150),
    ) {
        let routes: Vec<Route> =
            all.into_iter().enumerate().map(|(number, rule)| route(number, rule)).collect();
        let key = (None, None, PathKey::Any, false, 0);
        let claims: Vec<Claim<'_>> = routes
            .iter()
            .map(|route| Claim { key, route, conditions: &route.matches[0] })
            .collect();
        let group: Vec<&Claim<'_>> = claims.iter().collect();
        let (mut pairwise, mut found): (Vec<Pair<'_>>, Vec<Pair<'_>>) = Default::default();
        compare(&group, &mut pairwise);
        search(&group, &mut Vec::new(), &mut found);
        prop_assert_eq!(pairwise.is_empty(), found.is_empty());
        for (a, b) in found {
            let claim = |route: &Route| claims.iter().find(|c| c.route.name == route.name);
            let (Some(a), Some(b)) = (claim(a), claim(b)) else { panic!("a pair of the group") };
            prop_assert!(tie(a, b) && tie(b, a));
        }
    }

    #[test]
    fn whether_two_tie_does_not_depend_on_their_order(a in conditions(), b in conditions()) {
        let (a, b) = (route(0, a), route(1, b));
        let key = (None, None, PathKey::Any, false, 0);
        let a = Claim { key, route: &a, conditions: &a.matches[0] };
        let b = Claim { key, route: &b, conditions: &b.matches[0] };
        prop_assert_eq!(tie(&a, &b), tie(&b, &a));
    }
}
