//! Arbitrary routes and requests, over small alphabets so that routes collide, overlap and fail
//! late.
//!
//! The index over all routes is held against indexes over one and two: the route that is found
//! takes the request when it is alone, wins against each other one that does, and is found whatever
//! the order of the routes. A request that some route alone takes finds one. The explanation names
//! the same.

use std::net::IpAddr;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use ipnet::IpNet;
use regex::Regex;
use tidegate_core::config::load::{Text, load};
use tidegate_core::http::head::Head;
use tidegate_core::model::ids::{ListenerIndex, ListenerName, RouteName};
use tidegate_core::model::route::{HostPattern, PathPattern, Route, RouteMatch, ValuePattern};
use tidegate_core::route::body::BodyView;
use tidegate_core::route::table::{Found, RouteRequest, RouteTable};

const LISTENERS: [&str; 2] = ["web", "api"];
const HOSTS: [&str; 8] = ["x", "a.x", "b.x", "b.a.x", "c.b.a.x", "aa.x", ".x", "y"];
const SUFFIXES: [&str; 4] = [".x", ".a.x", ".b.a.x", ".y"];
const PATHS: [&str; 10] =
    ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/b", "/a//b", "/a%2Fb"];
const PREFIXES: [&str; 5] = ["", "/a", "/a/b", "/ab", "/a/b/c"];
const METHODS: [&str; 3] = ["GET", "POST", "get"];
const NAMES: [&str; 2] = ["h", "k"];
const VALUES: [&str; 5] = ["1", "2", "", "12", "\u{e9}"];
const CLIENTS: [&str; 4] = ["10.1.0.1", "10.2.0.1", "192.0.2.1", "2001:db8::1"];
const NETWORKS: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0"];
const ROUTES_MAX: usize = 8;

static REGEXES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    ["/a.*", ".*b", "/[ab]", "[12]"]
        .map(|text| Regex::new(&format!("^(?:{text})$")).expect("valid"))
});

/// A route to begin with: what is varied is what it matches.
static ROUTE: LazyLock<Route> = LazyLock::new(|| {
    let text = "version = 1\n[listener.web]\naddress = \"127.0.0.1:1\"\n\
        [route.all]\npool = \"app\"\n[pool.app]\nservers = [\"127.0.0.1:4\"]\n";
    let loaded = load(std::path::Path::new("fuzz.toml"), &mut Text(text));
    loaded.config.expect("valid").routes.remove(0)
});

#[derive(Arbitrary, Debug)]
struct Case {
    routes: Vec<(i8, Vec<Rule>)>,
    requests: Vec<Request>,
    /// By how many places the routes are turned.
    turn: u8,
}

/// Bytes pick from the alphabets, modulo their length.
#[derive(Arbitrary, Debug)]
struct Rule {
    /// One bit a listener.
    listeners: u8,
    hosts: Vec<(bool, u8)>,
    paths: Vec<(u8, u8)>,
    /// One bit a method, one a network.
    methods: u8,
    clients: u8,
    headers: Vec<(bool, Value)>,
    cookies: Vec<(bool, Value)>,
    query: Vec<(bool, Value)>,
    not: Option<Box<Self>>,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Exact(u8),
    Regex(u8),
    Present,
    Absent,
}

#[derive(Arbitrary, Debug)]
struct Request {
    listener: bool,
    client: u8,
    method: u8,
    host: u8,
    path: u8,
    headers: Vec<(bool, u8)>,
    cookies: Vec<(bool, u8)>,
    query: Vec<(bool, u8)>,
}

/// Runs the check.
pub fn run(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let routes: Vec<Route> = case
        .routes
        .iter()
        .take(ROUTES_MAX)
        .enumerate()
        .map(|(at, route)| route_of(at, route))
        .collect();
    let mut turned = routes.clone();
    turned.rotate_left(usize::from(case.turn) % routes.len().max(1));
    let requests =
        case.requests.iter().take(4).filter_map(|request| Some((request, request.head()?)));
    for (request, head) in requests {
        check(&routes, &turned, &request.place(&head));
    }
}

fn check(routes: &[Route], turned: &[Route], request: &RouteRequest<'_>) {
    let found = find(routes, request);
    assert_eq!(found, find(turned, request), "the order of routes says nothing");
    let takers: Vec<&Route> = routes
        .iter()
        .filter(|route| find(std::slice::from_ref(*route), request).is_some())
        .collect();
    let Some(winner) = found else {
        assert!(takers.is_empty(), "a route that takes the request is found");
        return;
    };
    let winner = takers.iter().find(|route| route.name == winner).expect("it takes it alone too");
    for other in takers.iter().filter(|route| route.name != winner.name) {
        let pair = [(*other).clone(), (*winner).clone()];
        assert_eq!(find(&pair, request).as_ref(), Some(&winner.name), "it wins against each");
    }
}

fn find(routes: &[Route], request: &RouteRequest<'_>) -> Option<RouteName> {
    let table = RouteTable::build(&LISTENERS.map(ListenerName::new), routes);
    let found = match table.find(request) {
        Found::Route(route) => Some(route),
        Found::Nothing => None,
        Found::NeedsBody(_) => panic!("no route asks for a body"),
    };
    let steps = table.explain(request, BodyView::Unread);
    assert_eq!(steps.iter().find_map(|step| step.taken()), found, "the explanation is true");
    found.map(|index| routes[index.position()].name.clone())
}

fn pick<T: Copy>(alphabet: &[T], byte: u8) -> T {
    alphabet[usize::from(byte) % alphabet.len()]
}

/// The words whose bit is set.
fn pick_some<'a>(alphabet: &'a [&'a str], bits: u8) -> impl Iterator<Item = &'a str> {
    alphabet.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, word)| *word)
}

fn route_of(at: usize, (priority, rules): &(i8, Vec<Rule>)) -> Route {
    // Names that do not sort as they stand, so that a tie broken by place would show.
    let name = RouteName::new(&format!("r{}", at * 5 % ROUTES_MAX));
    let mut matches: Vec<RouteMatch> = rules.iter().take(3).map(|rule| rule.condition(0)).collect();
    if matches.is_empty() {
        matches.push(RouteMatch::default());
    }
    Route { name, matches, priority: i32::from(priority % 3), ..ROUTE.clone() }
}

impl Rule {
    /// What it says, with at most three levels of `not`.
    fn condition(&self, depth: usize) -> RouteMatch {
        let network = |text: &str| text.parse::<IpNet>().expect("a network");
        RouteMatch {
            listeners: pick_some(&LISTENERS, self.listeners).map(ListenerName::new).collect(),
            hosts: self.hosts.iter().take(3).map(|host| host_pattern(*host)).collect(),
            paths: self.paths.iter().take(3).map(|path| path_pattern(*path)).collect(),
            methods: pick_some(&METHODS, self.methods).map(str::to_owned).collect(),
            headers: conditions(&self.headers),
            cookies: conditions(&self.cookies),
            query: conditions(&self.query),
            clients: pick_some(&NETWORKS, self.clients).map(network).collect(),
            body: Vec::new(),
            body_prefix: 0,
            not: self
                .not
                .as_ref()
                .filter(|_| depth < 3)
                .map(|not| Box::new(not.condition(depth + 1))),
        }
    }
}

fn host_pattern((wildcard, word): (bool, u8)) -> HostPattern {
    if wildcard {
        HostPattern::Wildcard(pick(&SUFFIXES, word).to_owned())
    } else {
        HostPattern::Exact(pick(&HOSTS, word).to_owned())
    }
}

fn path_pattern((kind, word): (u8, u8)) -> PathPattern {
    match kind % 3 {
        0 => PathPattern::Exact(pick(&PATHS[..6], word).to_owned()),
        1 => PathPattern::Prefix(pick(&PREFIXES, word).to_owned()),
        _ => PathPattern::Regex(REGEXES[usize::from(word) % REGEXES.len()].clone()),
    }
}

fn conditions(conditions: &[(bool, Value)]) -> Vec<(String, ValuePattern)> {
    let named = conditions.iter().take(2).map(|(name, value)| {
        let pattern = match value {
            Value::Exact(word) => ValuePattern::Exact(pick(&VALUES, *word).to_owned()),
            Value::Regex(at) => {
                ValuePattern::Regex(REGEXES[usize::from(*at) % REGEXES.len()].clone())
            }
            Value::Present => ValuePattern::Present,
            Value::Absent => ValuePattern::Absent,
        };
        (NAMES[usize::from(*name)].to_owned(), pattern)
    });
    named.collect()
}

impl Request {
    fn head(&self) -> Option<Head> {
        let pairs = |pairs: &[(bool, u8)]| -> Vec<(&'static str, &'static str)> {
            let pair =
                |(name, value): &(bool, u8)| (NAMES[usize::from(*name)], pick(&VALUES, *value));
            pairs.iter().take(4).map(pair).collect()
        };
        let join = |words: &[(bool, u8)], separator: &str| {
            let words: Vec<String> =
                pairs(words).iter().map(|(name, value)| format!("{name}={value}")).collect();
            words.join(separator)
        };
        let target = format!("{}?{}", pick(&PATHS, self.path), join(&self.query, "&"));
        let cookies = join(&self.cookies, "; ");
        let mut fields = pairs(&self.headers);
        fields.push(("Cookie", &cookies));
        Head::compose(pick(&METHODS, self.method), pick(&HOSTS, self.host), &target, &fields).ok()
    }

    fn place<'a>(&self, head: &'a Head) -> RouteRequest<'a> {
        let client: IpAddr = pick(&CLIENTS, self.client).parse().expect("an address");
        RouteRequest { listener: ListenerIndex::new(usize::from(self.listener)), head, client }
    }
}
