//! What texts mean: defaults, the file behind `tidegate proxy`, and differences.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_core::config::diff::{Change, diff};
use tidegate_core::config::load::{Text, load};
use tidegate_core::config::proxy::{Arguments, proxy_config};
use tidegate_core::model::autoscale::{
    Autoscale, Bounds, Capacity, DownStep, Ladder, Policy, Targets,
};
use tidegate_core::model::listener::HttpsPort;
use tidegate_core::model::node::{AccessLog, AdminAddress, Workers};
use tidegate_core::model::notify::Topic;
use tidegate_core::model::pool::{Balance, Probe, ProxyVersion, WhenAllDown};
use tidegate_core::model::provider::{OnExit, Provider};
use tidegate_core::model::ratio::Limit;
use tidegate_core::model::route::{HostPattern, PathPattern};
use tidegate_core::model::secret::SecretReference;
use tidegate_core::model::tls::{ClientCertificatePolicy, TlsVersion};

use crate::disk::{Disk, config, load_text, say};

const MINIMAL: &str = "
[listener.web]
address = \"127.0.0.1:8080\"
[route.all]
pool = \"app\"
[pool.app]
servers = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]
";

#[test]
fn what_is_not_written_has_the_documented_default() {
    let config = config(MINIMAL);
    assert_eq!(config.runtime.workers, Workers::Auto);
    assert_eq!(config.runtime.state, None);
    assert_eq!(config.runtime.shutdown_grace, Duration::from_secs(30));
    assert_eq!(config.admin.address, AdminAddress::Tcp(([127, 0, 0, 1], 9900).into()));
    assert_eq!(config.metrics, None);
    assert_eq!(config.log.access, AccessLog::Off);
    let limits = &config.listeners[0].limits;
    assert_eq!(limits.body_bytes, Limit::At(16 << 20));
    assert_eq!(limits.body_progress.bytes_per_window(), 256 * 30);
    assert_eq!(limits.connections, Limit::Unlimited);
    let route = &config.routes[0];
    assert_eq!((route.matches.len(), route.priority, route.body_bytes), (1, 0, None));
    assert_eq!(route.upgrade, ["websocket"]);
    assert!(route.retry.on_reset && !route.retry.on_timeout && route.retry.on_status.is_empty());
    let pool = &config.pools[0];
    assert_eq!((&pool.balance, pool.when_all_down), (&Balance::PowerOfTwo, WhenAllDown::FailOpen));
    assert_eq!(pool.health, None);
    assert_eq!(pool.servers[1].name.as_str(), "127.0.0.1:9002");
    assert_eq!(pool.passive.failures.status, [502, 503, 504]);
}

#[test]
fn proxy_headers_are_read_and_sent_where_it_says_so() {
    let plain = config(MINIMAL);
    assert_eq!((plain.listeners[0].proxy_protocol, plain.pools[0].send_proxy), (false, None));
    for (word, version) in [("v1", ProxyVersion::V1), ("v2", ProxyVersion::V2)] {
        let more = "[default.listener]\ntrusted_proxies = \"192.0.2.1\"\nproxy_protocol = true\n";
        let config = config(&format!("{MINIMAL}send_proxy = \"{word}\"\n{more}"));
        assert!(config.listeners[0].proxy_protocol);
        assert_eq!(config.pools[0].send_proxy, Some(version));
    }
    // A connection of HTTP/2 is shared by all clients; what is inherited has no effect there.
    let inherited = "protocol = \"h2\"\n[default.pool]\nsend_proxy = \"v2\"\n";
    assert_eq!(config(&format!("{MINIMAL}{inherited}")).pools[0].send_proxy, None);
}

#[test]
fn fail_after_follows_a_shorter_timeout() {
    let check = |health: &str| {
        let text = format!("{MINIMAL}[pool.app.health]\n{health}");
        config(&text).pools[0].health.clone().expect("the table turns it on").fail_after
    };
    assert_eq!(check(""), Duration::from_secs(2));
    assert_eq!(check("timeout = \"1s\""), Duration::from_secs(1));
    assert_eq!(check("timeout = \"9s\""), Duration::from_secs(2));
    assert_eq!(check("fail_after = \"3s\""), Duration::from_secs(3));
}

#[test]
fn a_hash_is_seeded_by_the_name_of_its_pool() {
    let seed = |name: &str| {
        let text = MINIMAL.replace("app", name) + "balance = \"source-ip-hash\"";
        match config(&text).pools[0].balance {
            Balance::SourceIpHash(policy) => policy.seed,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(seed("app"), seed("app"));
    assert_ne!(seed("app"), seed("api"));
    // All balancers of a fleet, of any version, place keys alike.
    assert_eq!(seed("app"), 7_872_135_028_215_383_601);
}

#[test]
fn defaults_merge_by_key_and_give_way_to_what_an_object_says() {
    let config = config(&format!(
        "{MINIMAL}balance = \"random\"
[default.pool]
balance = \"round-robin\"
slow_start = \"1s\"
passive = {{ eject_for = \"1s\", failures = [\"connect\"] }}
[pool.app.passive]
eject_for = \"2s\"
"
    ));
    let pool = &config.pools[0];
    assert_eq!((&pool.balance, pool.slow_start), (&Balance::Random, Duration::from_secs(1)));
    assert_eq!(pool.passive.eject_for, Duration::from_secs(2));
    assert!(pool.passive.failures.connect && !pool.passive.failures.reset);
}

#[test]
fn conditions_are_brought_to_the_form_that_routing_compares() {
    let text = MINIMAL.to_owned()
        + "[route.all.match]
host = [\"WWW.example.com\", \"*.Example.com\"]
path_prefix = [\"/api/\", \"/\"]
path_regex = \"/a|/b\"
header = { X-Tier = true }";
    let config = config(&text);
    let conditions = &config.routes[0].matches[0];
    let hosts = ["www.example.com".to_owned(), ".example.com".to_owned()];
    assert_eq!(conditions.hosts[0], HostPattern::Exact(hosts[0].clone()));
    assert_eq!(conditions.hosts[1], HostPattern::Wildcard(hosts[1].clone()));
    assert_eq!(conditions.headers[0].0, "x-tier");
    let [PathPattern::Prefix(api), PathPattern::Prefix(root), PathPattern::Regex(regex)] =
        conditions.paths.as_slice()
    else {
        panic!("{:?}", conditions.paths)
    };
    assert_eq!((api.as_str(), root.as_str()), ("/api", ""));
    assert!(regex.is_match("/b") && !regex.is_match("/ab"));
}

#[test]
fn relative_paths_start_at_the_main_file() {
    let mut disk = Disk::data("");
    let config = disk.load("good/full.toml").config.expect("good");
    assert_eq!(config.runtime.state, Some(PathBuf::from("good/state")));
    assert_eq!(config.log.access, AccessLog::File("good/./access.log".into()));
    assert_eq!(config.admin.tokens[1].token, SecretReference::File("good/secrets/bob".into()));
    assert_eq!(config.admin.address, AdminAddress::Unix("/run/tidegate/admin.sock".into()));
    let config = disk.load("good/include.toml").config.expect("good");
    assert_eq!(config.log.access, AccessLog::File("good/logs/access.log".into()));
}

#[test]
fn a_file_keeps_the_place_where_it_is_named() {
    let text = "[listener.web]
address = \"127.0.0.1:8443\"
[default.listener.tls]
client_ca = \"ca.pem\"
[[listener.web.tls.certificates]]
certificate = \"shop.pem\"
key = \"env:KEY\"
";
    let config =
        config(&format!("{text}[route.all]\npool = \"app\"\n[pool.app]\nservers = \"[::1]:1\""));
    let tls = config.listeners[0].tls.as_ref().expect("it is there");
    let key = &tls.certificates[0].key;
    assert_eq!(key.value, SecretReference::Environment("KEY".to_owned()));
    assert_eq!((&*key.place.file, key.place.line, key.place.column), ("tidegate.toml", 7, 7));
    assert_eq!(&*key.place.key, "listener.web.tls.certificates.key");
    let clients = tls.clients.as_ref().expect("inherited");
    assert_eq!((clients.policy, clients.ca.place.line), (ClientCertificatePolicy::Required, 4));
    assert_eq!(tls.min_version, TlsVersion::Tls12);
}

#[test]
fn a_webhook_is_told_of_what_wakes_people_unless_it_says() {
    let told = |keys: &str| {
        let config = config(&format!("{MINIMAL}[[notify]]\nwebhook = \"env:OPS\"\n{keys}"));
        let [one] = config.notify.as_slice() else { panic!("{:?}", config.notify) };
        assert_eq!(one.webhook.value, SecretReference::Environment("OPS".to_owned()));
        (one.on.clone(), one.timeout)
    };
    let usual = [Topic::Rollout, Topic::AutoscaleLimited, Topic::PoolDown, Topic::Certificate];
    assert_eq!(told(""), (usual.to_vec(), Duration::from_secs(10)));
    let server = vec![Topic::ServerDown];
    assert_eq!(told("on = \"server-down\"\ntimeout = \"1s\""), (server, Duration::from_secs(1)));
    check_diff(
        MINIMAL,
        &format!("{MINIMAL}[notify]\nwebhook = \"file:u\""),
        &["process changed: notify"],
    );
}

#[test]
fn a_redirect_goes_to_the_port_where_https_is() {
    let port = |listeners: &str| {
        let text =
            format!("[listener.plain]\naddress = \"[::]:80\"\nredirect = \"https\"\n{listeners}");
        config(&text).listeners.iter().find_map(|listener| listener.redirect)
    };
    let tls = |name: &str, address: &str| {
        format!(
            "[listener.{name}]\naddress = {address}\n[listener.{name}.tls.certificates]\n\
             certificate = \"a.pem\"\nkey = \"a.key\"\n"
        )
    };
    let one = tls("one", "[\"1.1.1.1:8443\", \"[::1]:8443\"]");
    assert_eq!(port(&one), Some(HttpsPort(8443)));
    for nowhere_clear in [
        String::new(),
        tls("one", "\"127.0.0.1:0\""),
        tls("one", "[\"127.0.0.1:8443\", \"127.0.0.1:9443\"]"),
        one + &tls("two", "\"127.0.0.1:9443\""),
    ] {
        assert_eq!(port(&nowhere_clear), Some(HttpsPort::DEFAULT), "{nowhere_clear}");
    }
}

#[test]
fn where_a_file_is_named_makes_no_difference() {
    let text = "[listener.web.tls.certificates]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
    check_diff(&format!("{MINIMAL}{text}"), &format!("{MINIMAL}\n\n{text}"), &[]);
    let other = text.replace("a.key", "b.key");
    let changes = ["listener web changed: tls"];
    check_diff(&format!("{MINIMAL}{text}"), &format!("{MINIMAL}{other}"), &changes);
    check_diff(
        MINIMAL,
        &format!("{MINIMAL}tls = {{}}\n[default.listener]\nredirect = \"https\""),
        &["listener web changed: redirect", "pool app changed: tls"],
    );
}

#[test]
fn a_key_that_changed_is_told_by_its_name() {
    for (text, changed) in [
        ("protocol = \"h2\"", "pool app changed: protocol"),
        ("send_proxy = \"v2\"", "pool app changed: send_proxy"),
        (
            "[default.listener]\nproxy_protocol = true\n\
          trusted_proxies = [\"10.0.0.0/8\"]",
            "listener web changed: trusted_proxies, proxy_protocol",
        ),
        ("[route.all.response]\ncompress = [\"gzip\"]", "route all changed: response.compress"),
    ] {
        check_diff(MINIMAL, &format!("{MINIMAL}{text}\n"), &[changed]);
    }
}

#[test]
fn the_files_that_were_read_are_told_with_the_main_one_first() {
    let files = Disk::data("good").load("include.toml").files;
    let files: Vec<_> = files.iter().map(|file| file.to_str().expect("UTF-8")).collect();
    assert_eq!(files, ["include.toml", "conf.d/10-log.toml", "conf.d/20-shop.toml"]);
}

#[test]
fn a_missing_main_file_is_a_mistake_among_others() {
    let loaded = Disk::data("good").load("absent.toml");
    assert!(loaded.config.is_none());
    assert!(say(&loaded.diagnostics).starts_with("absent.toml:1:1: no such file"));
}

#[test]
fn arguments_stand_for_a_file() {
    let to = ["127.0.0.1:9001".to_owned(), "[::1]:9002".to_owned()];
    let config = config(&proxy_config(&Arguments {
        listen: "127.0.0.1:8080",
        to: &to,
        balance: Some("peak-ewma"),
        health: Some("/up"),
        certificate: Some(("shop.pem", "shop \"1\".key")),
    }));
    let address: SocketAddr = ([127, 0, 0, 1], 8080).into();
    assert_eq!(config.listeners[0].addresses, [address]);
    assert_eq!(config.pools[0].servers.len(), 2);
    assert_eq!(config.pools[0].balance, Balance::PeakEwma);
    let probe = config.pools[0].health.as_ref().map(|health| &health.probe);
    assert!(matches!(probe, Some(Probe::Http(http)) if http.path == "/up"));
    let tls = config.listeners[0].tls.as_ref().expect("a certificate was given");
    let key = &tls.certificates[0].key.value;
    assert_eq!(*key, SecretReference::File("shop \"1\".key".into()));
}

#[test]
fn a_grpc_check_asks_about_a_service_or_the_server_as_a_whole() {
    let text = |more: &str| format!("{MINIMAL}health = {{ type = \"grpc\"{more} }}\n");
    for (more, service) in [("", ""), (", service = \"shop.Cart\"", "shop.Cart")] {
        let config = config(&text(more));
        let probe = config.pools[0].health.as_ref().map(|health| health.probe.clone());
        assert_eq!(probe, Some(Probe::Grpc { service: service.to_owned() }));
    }
    let said = say(&load_text(&text(", path = \"/up\"")).diagnostics);
    assert!(said.contains("`pool.app.health.path` has no effect"), "{said}");
}

#[test]
fn arguments_are_quoted_and_checked_like_a_file() {
    let hostile = "\"]\n[admin]\naddress = \"off".to_owned();
    let text = proxy_config(&Arguments {
        listen: "8080",
        to: &[hostile],
        balance: Some("p3c"),
        health: None,
        certificate: None,
    });
    let said = say(&load_text(&text).diagnostics);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.contains("did you mean `0.0.0.0:8080`?") && said.contains("`p2c`"), "{said}");
}

#[track_caller]
fn check_diff(old: &str, new: &str, expected: &[&str]) {
    let changes = diff(&config(old), &config(new));
    let told: Vec<_> = changes.iter().map(Change::to_string).collect();
    assert_eq!(told, expected);
}

#[test]
fn what_did_not_change_is_not_told() {
    check_diff(MINIMAL, MINIMAL, &[]);
    let full = Disk::data("good").load("full.toml").config.expect("good");
    assert_eq!(diff(&full, &full.clone()), []);
}

const SCALED: &str = "
[listener.web]
address = \"127.0.0.1:8080\"
[route.all]
pool = \"app\"
[pool.app]
health = {}
[pool.app.autoscale]
min = 2
max = 4
";
const PROCESS: &str = "provider = \"process\"\nprocess.ports = \"9100-9199\"\n\
                       process.command = [\"./a\", \"{port}\"]\n";
const EXEC: &str = "provider = \"exec\"\n\
                    exec = { list = \"./a\", start = [\"a\", \"./b\"], stop = \"/a\" }\n";

fn scaled(text: &str) -> Autoscale {
    let pool = config(&format!("{SCALED}{text}")).pools.remove(0);
    assert!(pool.servers.is_empty());
    *pool.autoscale.expect("it is there")
}

#[test]
fn an_autoscaler_has_the_documented_defaults() {
    let scaled = scaled(PROCESS);
    assert_eq!((scaled.bounds, scaled.policy), (Bounds { min: 2, max: 4 }, Policy::Slo));
    assert_eq!((scaled.slo.latency, scaled.slo.ratio.value()), (Duration::from_millis(500), 0.99));
    assert_eq!((scaled.startup, scaled.capacity), (Duration::from_secs(30), Capacity::Learn));
    assert_eq!((scaled.replace_after, scaled.dry_run), (Duration::from_secs(120), false));
    let guard = scaled.guard;
    assert_eq!((guard.max_step, guard.down_step), (2.0, DownStep::Auto));
    assert_eq!(guard.down_cooldown, Duration::from_secs(300));
    assert_eq!(guard.down_every, Duration::from_secs(60));
    assert_eq!((scaled.warm.size, scaled.levels.cpu), (0, None));
    assert_eq!(scaled.forecast.ahead, Some(Duration::from_secs(1800)));
    assert_eq!((scaled.targets, scaled.budget), (Targets::default(), None));
    let Provider::Process(process) = scaled.provider else { panic!("a process") };
    assert_eq!((process.ports, process.directory), ((9100, 9199), None));
    assert_eq!((process.stop_timeout, process.on_exit), (Duration::from_secs(10), OnExit::Keep));
}

#[test]
fn the_policy_of_levels_has_ladders_and_is_slower_to_shrink() {
    let scaled = scaled(&format!("policy = \"levels\"\n{PROCESS}"));
    assert_eq!(scaled.guard.down_cooldown, Duration::from_secs(600));
    assert_eq!(scaled.guard.down_step, DownStep::Count(1));
    let ladder = |warn, scale, emergency, target, down| {
        Some(Ladder { warn, scale, emergency, target, down })
    };
    let levels = scaled.levels;
    assert_eq!(levels.cpu, ladder(Some(0.6), 0.7, Some(0.8), None, 0.3));
    assert_eq!(levels.memory, ladder(None, 0.75, None, None, 0.4));
    assert_eq!(levels.requests, ladder(None, 1000.0, None, Some(800.0), 400.0));
    assert_eq!(levels.connections, ladder(None, 5000.0, None, None, 1000.0));
    assert_eq!((levels.periods, levels.period), (3, Duration::from_secs(15)));
    assert_eq!(levels.up_cooldown, Duration::from_secs(300));
}

#[test]
fn rungs_that_are_not_written_follow_the_one_that_is() {
    let ladder = |cpu: &str| {
        scaled(&format!("policy = \"levels\"\nlevels.cpu = {cpu}\n{PROCESS}")).levels.cpu
    };
    let rungs = |cpu: &str| ladder(cpu).map(|cpu| (cpu.warn, cpu.emergency));
    assert_eq!(rungs("{ scale = 0.9 }"), Some((Some(0.6), Some(0.9))));
    assert_eq!(rungs("{ scale = 0.5 }"), Some((Some(0.5), Some(0.8))));
    assert_eq!(rungs("{ warn = \"off\", emergency = \"off\" }"), Some((None, None)));
    assert_eq!(ladder("\"off\""), None);
}

#[test]
fn a_sale_is_at_one_moment_however_it_is_written() {
    let sale = |keys: &str| {
        let text = format!("schedule = {{ name = \"a\", factor = 2, {keys} }}\n{PROCESS}");
        let sale = scaled(&text).schedule.remove(0);
        let zone = sale.repeat.map(|repeat| repeat.zone.name().to_owned());
        ((sale.from.as_secs(), sale.to.as_secs()), zone)
    };
    let times = (1_795_708_800, 1_795_716_000);
    for (keys, zone) in [
        ("from = 2026-11-27T00:00:00+08:00, to = \"2026-11-26T18:00:00Z\"", None),
        (
            "from = 2026-11-27T00:00:00, to = \"2026-11-27 02:00\", timezone = \"Asia/Shanghai\"",
            None,
        ),
        ("from = 2026-11-26T16:00:00Z, to = 2026-11-26T18:00:00Z, repeat = \"daily\"", Some("UTC")),
    ] {
        assert_eq!(sale(keys), (times, zone.map(str::to_owned)), "{keys}");
    }
}

#[test]
fn programs_start_from_the_directory_of_the_main_file() {
    let at = |text: &str| {
        let text = format!("{SCALED}forecast.history = \"past.csv\"\n{text}");
        let loaded = load(Path::new("/etc/tidegate/shop.toml"), &mut Text(&text));
        *loaded.config.expect("clean").pools.remove(0).autoscale.expect("it is there")
    };
    let scaled = at(&format!("process.logs = \"logs\"\n{PROCESS}"));
    assert_eq!(scaled.forecast.history, Some(PathBuf::from("/etc/tidegate/past.csv")));
    let Provider::Process(process) = scaled.provider else { panic!("a process") };
    assert_eq!(process.command[0], "./a");
    assert_eq!(process.directory, Some(PathBuf::from("/etc/tidegate")));
    assert_eq!(process.logs, Some(PathBuf::from("/etc/tidegate/logs")));
    let Provider::Exec(exec) = at(EXEC).provider else { panic!("commands") };
    assert_eq!((&*exec.list[0], &*exec.stop[0]), ("/etc/tidegate/./a", "/a"));
    assert_eq!(exec.start, ["a", "./b"], "a program that is looked for, and an argument");
}

#[test]
fn a_change_of_the_autoscaler_alone_needs_no_restart() {
    let old = format!("{SCALED}{PROCESS}");
    let new = format!("{SCALED}{PROCESS}process.cpus = 1\nguard.max_step = 3\npolicy = \"target\"");
    let new = new.replace("max = 4", "max = 8");
    let changes = diff(&config(&old), &config(&new));
    assert!(changes.iter().all(|change| change.needs_restart().next().is_none()));
    let keys = "autoscale.max, autoscale.policy, autoscale.guard, autoscale.process";
    check_diff(&old, &new, &[&format!("pool app changed: {keys}")]);
    check_diff(&old, &format!("{SCALED}{EXEC}"), &["pool app changed: autoscale.provider"]);
    let listed = "[pool.app]\nhealth = {}\nservers = \"127.0.0.1:9001\"\n";
    let listed = format!("{}{listed}", SCALED.split("[pool").next().expect("a start"));
    check_diff(&old, &listed, &["pool app changed: autoscale", "server app/127.0.0.1:9001 added"]);
}

#[test]
fn each_difference_is_told_by_name_and_key() {
    let new = MINIMAL
        .replace("9002", "9003")
        .replace("127.0.0.1:8080", "127.0.0.1:8081")
        .replace("\"127.0.0.1:9001\"", "{ address = \"127.0.0.1:9001\", weight = 2 }")
        + "balance = \"random\"
[route.all.match]
path_regex = \"/x\"
[route.more]
pool = \"app\"
[log]
level = \"debug\"";
    let changes = [
        "process changed: log.level",
        "listener web changed: address",
        "route all changed: match",
        "route more added",
        "pool app changed: balance",
        "server app/127.0.0.1:9001 changed: weight",
        "server app/127.0.0.1:9002 removed",
        "server app/127.0.0.1:9003 added",
    ];
    check_diff(MINIMAL, &new, &changes);
    check_diff(
        MINIMAL,
        &MINIMAL.replace("app", "api"),
        &["route all changed: pool", "pool api added", "pool app removed"],
    );
}

#[test]
fn keys_that_a_running_process_cannot_follow_are_named() {
    let new = format!("{MINIMAL}[runtime]\nworkers = 2\nwatch = true\n[admin]\naddress = \"off\"");
    let changes = diff(&config(MINIMAL), &config(&new));
    let keys: Vec<_> = changes.iter().flat_map(Change::needs_restart).collect();
    assert_eq!(keys, ["runtime.workers", "admin.address"]);
}
