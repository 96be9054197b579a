//! The page of metrics: gathered, written, answered.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use tidegate_control::control::Control;
use tidegate_control::release::status::RolloutStatus;
use tidegate_control::scale::status::AutoscaleStatus;
use tidegate_control::status::listener::ListenerStatus;
use tidegate_core::model::rollout::Side;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Scrape;

use super::process::Process;
use super::writer::Writer;
use super::{
    autoscale, certificate, compression, mirror, node, notify, rollout, server, session, traffic,
};
use crate::api::error::ApiError;
use crate::router::Api;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What was lost for want of room, where control does not see it.
pub trait Losses: Send + Sync {
    /// Signals that the data plane dropped because control did not keep up.
    fn signals(&self) -> u64;

    /// Lines of the access log that were dropped because its writer did not keep up.
    fn access_log_lines(&self) -> u64;
}

/// `GET /metrics`.
pub(crate) async fn answer(State(api): State<Api>) -> Response {
    // With thousands of routes the page takes longer than others should wait for.
    let page = tokio::task::spawn_blocking(move || write(Facts::gather(&api))).await;
    match page {
        Ok(Ok(page)) => ([(CONTENT_TYPE, OPEN_METRICS)], page).into_response(),
        _ => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            ApiError::new(status, "internal", "the metrics cannot be written", "/metrics")
                .into_response()
        }
    }
}

/// Every number of one page.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) control: Control,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) scrape: Scrape,
    pub(super) listeners: Vec<ListenerStatus>,
    pub(super) autoscale: Vec<Arc<AutoscaleStatus>>,
    pub(super) rollouts: Vec<Arc<RolloutStatus>>,
    pub(super) process: Process,
    pub(super) signals_dropped: u64,
    pub(super) access_log_dropped: u64,
}

impl Facts {
    fn gather(api: &Api) -> Self {
        let snapshot = api.control().snapshot();
        Self {
            control: api.control().clone(),
            scrape: complete(api.control().scrape(), &snapshot),
            snapshot,
            listeners: api.control().listeners(),
            autoscale: api.control().autoscalers(),
            rollouts: api.control().rollouts(),
            process: Process::look(),
            signals_dropped: api.losses().signals(),
            access_log_dropped: api.losses().access_log_lines(),
        }
    }
}

/// Adds rows of zeros for what is configured and has not been used, so that a first failure shows
/// as a change and not as a row that was not there before. Routes are left out: there may be very
/// many.
fn complete(mut scrape: Scrape, snapshot: &Snapshot) -> Scrape {
    for listener in &snapshot.config.listeners {
        scrape.listeners.entry(listener.name.clone()).or_default();
    }
    for entry in &snapshot.pools {
        let name = &entry.pool.name;
        scrape.pools.entry(name.clone()).or_default();
        for member in &entry.members {
            scrape.servers.entry((name.clone(), member.server.name.clone())).or_default();
        }
    }
    for rollout in &snapshot.config.rollouts {
        for side in Side::ALL {
            scrape.versions.entry((rollout.name.clone(), side)).or_default();
        }
        if rollout.mirror.is_some() {
            scrape.mirrors.entry(rollout.name.clone()).or_default();
        }
    }
    scrape
}

impl Collector for Facts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer::new(encoder);
        traffic::write(&mut writer, self)?;
        compression::write(&mut writer, self)?;
        server::write(&mut writer, self)?;
        session::write(&mut writer, self)?;
        autoscale::write(&mut writer, self)?;
        rollout::write(&mut writer, self)?;
        mirror::write(&mut writer, self)?;
        certificate::write(&mut writer, self)?;
        notify::write(&mut writer, self)?;
        node::write(&mut writer, self)
    }
}

fn write(facts: Facts) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(facts));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}
