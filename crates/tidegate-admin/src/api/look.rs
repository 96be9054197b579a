//! The read model of the control plane, as JSON.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use tidegate_control::events::Page;
use tidegate_control::scale::status::AutoscaleStatus;
use tidegate_control::status::listener::ListenerStatus;
use tidegate_control::status::node::Status;
use tidegate_control::status::pool::PoolStatus;
use tidegate_control::status::route::RouteStatus;
use tidegate_control::status::server::ServerStatus;
use tidegate_core::model::ids::PoolName;

use super::error::ApiError;
use crate::router::Api;

/// `GET status`.
pub(crate) async fn status(State(api): State<Api>) -> Json<Status> {
    Json(api.control().status())
}

/// `GET listeners`.
pub(crate) async fn listeners(State(api): State<Api>) -> Json<Vec<ListenerStatus>> {
    Json(api.control().listeners())
}

/// `GET routes`.
pub(crate) async fn routes(State(api): State<Api>) -> Json<Vec<RouteStatus>> {
    Json(api.control().routes())
}

/// `GET pools`.
pub(crate) async fn pools(State(api): State<Api>) -> Json<Vec<PoolStatus>> {
    Json(api.control().pools())
}

/// A pool and its servers.
#[derive(Serialize)]
pub(crate) struct WholePool {
    #[serde(flatten)]
    pool: PoolStatus,
    members: Vec<ServerStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autoscale: Option<AutoscaleStatus>,
}

/// `GET pools/{pool}`.
pub(crate) async fn pool(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<WholePool>, ApiError> {
    let found = PoolName::new(&name);
    let (pool, members) = (api.control().pool(&found), api.control().servers(&found));
    match (pool, members) {
        (Some(pool), Some(members)) => {
            let autoscale = api.control().autoscale(&found).map(|status| (*status).clone());
            Ok(Json(WholePool { pool, members, autoscale }))
        }
        _ => Err(ApiError::missing("pool", &name)),
    }
}

/// `GET pools/{pool}/servers`.
pub(crate) async fn servers(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Vec<ServerStatus>>, ApiError> {
    let servers = api.control().servers(&PoolName::new(&name));
    servers.map(Json).ok_or_else(|| ApiError::missing("pool", &name))
}

/// The event that the reader knows.
#[derive(Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    since: u64,
}

/// `GET events?since=`.
pub(crate) async fn events(
    State(api): State<Api>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(Since { since }) =
        since.map_err(|error| ApiError::bad(error.body_text(), "since"))?;
    Ok(Json(api.control().events(since)))
}
