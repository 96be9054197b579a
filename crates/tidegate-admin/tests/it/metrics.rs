//! The page of metrics: that it is one, and what is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tidegate_core::model::grpc::Status;
use tidegate_core::model::ids::{ListenerName, PoolName, RouteName, ServerName};
use tidegate_core::telemetry::pool::Outcome;
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_core::telemetry::route::Finished;

use crate::support::stage::{CONFIG, Stage};

/// A page, read strictly: families with their types, and series with their values.
#[derive(Default)]
struct Page {
    families: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

impl Page {
    #[track_caller]
    fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("a page ends with its mark");
        let mut page = Self::default();
        let mut helped = BTreeSet::new();
        for line in body.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, _] => assert!(helped.insert(name.to_owned()), "{line}"),
                ["#", "UNIT", name, unit] => assert!(name.ends_with(unit), "{line}"),
                ["#", "TYPE", name, kind] => {
                    let known = page.families.insert(name.to_owned(), kind.to_owned());
                    assert_eq!(known, None, "one family, one place: {line}");
                }
                _ => page.read_series(line),
            }
        }
        let families: BTreeSet<String> = page.families.keys().cloned().collect();
        assert_eq!(families, helped, "every family says what it is");
        page
    }

    #[track_caller]
    fn read_series(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a series has a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        let name = series.split('{').next().expect("a name");
        let belongs = self.families.iter().any(|(family, kind)| {
            let suffix = name.strip_prefix(family.as_str());
            match kind.as_str() {
                "counter" => suffix == Some("_total"),
                "gauge" => suffix == Some(""),
                "info" => suffix == Some("_info"),
                _ => matches!(suffix, Some("_bucket" | "_sum" | "_count")),
            }
        });
        assert!(belongs, "a series of no family: {line}");
        assert!(name.starts_with("tidegate_"), "{line}");
        let labels = series[name.len()..].trim_start_matches('{').trim_end_matches('}');
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            assert!(label.split_once("=\"").is_some(), "no label: {line}");
        }
        let known = self.series.insert(series.to_owned(), value);
        assert_eq!(known, None, "one series, one value: {line}");
    }

    #[track_caller]
    fn assert_value(&self, series: &str, expected: f64) {
        let found = self.series.get(series).copied();
        assert_eq!(found, Some(expected), "{series} among {:#?}", self.series.keys());
    }
}

/// Counts something of everything, as two workers would.
fn count(stage: &Stage) {
    for _ in 0..2 {
        let cells = stage.balancer.registry.worker();
        let listener = cells.listener(&ListenerName::new("web"));
        listener.accepted.add(5);
        listener.active.add(2);
        let finished = Finished {
            status: Some(200),
            grpc: Some(Status::Unavailable),
            duration: Duration::from_millis(3),
            bytes_in: 10,
            bytes_out: 100,
        };
        cells.route(&RouteName::new("all")).record(&finished);
        let pool = cells.pool(&PoolName::new("shop"));
        pool.record(Outcome::Success);
        pool.retries.increment();
        let server = cells.server(&PoolName::new("shop"), &ServerName::new("big"));
        server.requests.increment();
        server.duration.observe(Duration::from_millis(3));
        cells.refuse(Refusal::BadHost);
    }
}

#[tokio::test]
async fn every_line_is_read_and_every_series_is_alone() {
    let stage = Stage::new(CONFIG).await;
    count(&stage);
    let reply = stage.get("/metrics").await;
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(reply.head.contains(kind), "{}", reply.head);
    let page = Page::read(&reply.body);
    for name in [
        "tidegate_listener_connections",
        "tidegate_route_requests",
        "tidegate_route_duration_seconds",
        "tidegate_pool_requests",
        "tidegate_pool_retries",
        "tidegate_server_up",
        "tidegate_server_requests_in_flight",
        "tidegate_server_duration_seconds",
        "tidegate_server_ejections",
        "tidegate_config_last_apply_success",
        "tidegate_config_revision",
        "tidegate_refused",
        "tidegate_build",
    ] {
        assert!(page.families.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_numbers_are_those_that_were_counted() {
    let stage = Stage::new(CONFIG).await;
    count(&stage);
    let state = stage.balancer.control.snapshot().pools[0].members[1].state.clone();
    (0..3).for_each(|_| state.begin());
    let page = Page::read(&stage.get("/metrics").await.body);
    for (series, expected) in [
        ("tidegate_listener_connections{listener=\"web\"}", 4.0),
        ("tidegate_listener_accepted_total{listener=\"web\"}", 10.0),
        ("tidegate_route_requests_total{route=\"all\",code=\"200\"}", 2.0),
        ("tidegate_route_grpc_responses_total{route=\"all\",status=\"unavailable\"}", 2.0),
        ("tidegate_route_duration_seconds_count{route=\"all\"}", 2.0),
        ("tidegate_route_duration_seconds_sum{route=\"all\"}", 0.006),
        ("tidegate_route_sent_bytes_total{route=\"all\"}", 200.0),
        ("tidegate_pool_requests_total{pool=\"shop\",outcome=\"success\"}", 2.0),
        ("tidegate_pool_requests_total{pool=\"shop\",outcome=\"failed\"}", 0.0),
        ("tidegate_pool_retries_total{pool=\"shop\"}", 2.0),
        ("tidegate_server_up{pool=\"shop\",server=\"big\"}", 1.0),
        ("tidegate_server_up{pool=\"shop\",server=\"127.0.0.1:1\"}", 1.0),
        ("tidegate_server_weight{pool=\"shop\",server=\"big\"}", 3.0),
        ("tidegate_server_requests_in_flight{pool=\"shop\",server=\"big\"}", 3.0),
        ("tidegate_server_requests_total{pool=\"shop\",server=\"big\"}", 2.0),
        ("tidegate_refused_total{reason=\"bad_host\"}", 2.0),
        ("tidegate_refused_total{reason=\"loop\"}", 0.0),
        ("tidegate_config_last_apply_success", 1.0),
        ("tidegate_config_revision", 1.0),
        ("tidegate_config_reloads_total{result=\"applied\"}", 0.0),
        ("tidegate_process_signals_dropped_total", 71.0),
        ("tidegate_process_access_log_dropped_total", 72.0),
        ("tidegate_process_labels_folded_total", 0.0),
    ] {
        page.assert_value(series, expected);
    }
    let build = format!("tidegate_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    page.assert_value(&build, 1.0);
    assert!(page.series["tidegate_process_resident_memory_bytes"] > 65_536.0);
    assert!(page.series["tidegate_process_open_fds"] >= 3.0);
    assert!(page.series["tidegate_process_start_time_seconds"] > 1.6e9);
}

#[tokio::test]
async fn buckets_add_up_and_end_with_all() {
    let stage = Stage::new(CONFIG).await;
    count(&stage);
    let page = Page::read(&stage.get("/metrics").await.body);
    let bucket = |le: &str| {
        let labels = format!("le=\"{le}\",pool=\"shop\",server=\"big\"");
        let series = format!("tidegate_server_duration_seconds_bucket{{{labels}}}");
        page.series.get(&series).copied()
    };
    assert_eq!(bucket("0.002"), Some(0.0));
    assert_eq!(bucket("0.005"), Some(2.0));
    assert_eq!(bucket("60.0"), Some(2.0));
    assert_eq!(bucket("+Inf"), Some(2.0));
}

#[tokio::test]
async fn what_is_configured_has_rows_before_it_is_used() {
    let stage = Stage::new(CONFIG).await;
    let page = Page::read(&stage.get("/metrics").await.body);
    page.assert_value("tidegate_listener_connections{listener=\"web\"}", 0.0);
    page.assert_value("tidegate_pool_retries_total{pool=\"shop\"}", 0.0);
    page.assert_value("tidegate_server_ejections_total{pool=\"shop\",server=\"big\"}", 0.0);
}

#[tokio::test]
async fn what_a_reload_takes_away_is_folded() {
    let stage = Stage::new(CONFIG).await;
    count(&stage);
    stage.balancer.directory.write("tidegate.toml", &CONFIG.replace("big", "small"));
    assert_eq!(stage.post("/api/v1/config/reload", "").await.status, 200);
    let page = Page::read(&stage.get("/metrics").await.body);
    page.assert_value("tidegate_server_up{pool=\"shop\",server=\"small\"}", 1.0);
    page.assert_value("tidegate_server_requests_total{pool=\"other\",server=\"other\"}", 2.0);
    page.assert_value("tidegate_process_labels_folded_total", 2.0);
    assert!(!page.series.keys().any(|series| series.contains("\"big\"")), "it is gone");
}
