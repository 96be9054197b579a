//! Single servers: what people ask of them against what is configured.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Deserializer};
use tidegate_control::overrides::order::{Change, Order, OrderError, Override, Stand, WeightAsked};
use tidegate_control::status::server::ServerStatus;
use tidegate_core::config::text::duration;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::ratio::Weight;

use super::error::ApiError;
use crate::auth::tokens::Caller;
use crate::router::Api;

/// What is to change of a server: `state`, `weight` or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    state: Option<Stand>,
    within: Option<String>,
    /// `null` is the configured one; not there is as it is.
    #[serde(default, deserialize_with = "weight")]
    weight: Option<WeightAsked>,
}

/// `PATCH pools/{pool}/servers/{server}`: the server as it is now.
pub(crate) async fn patch(
    State(api): State<Api>,
    Path((pool, server)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Patch>, JsonRejection>,
) -> Result<Json<ServerStatus>, ApiError> {
    let Json(patch) = body.map_err(|error| ApiError::bad(error.body_text(), &server))?;
    let time = |text: &str| {
        let bad = || ApiError::bad("expected a duration, such as \"90m\" or \"4h\"", "within");
        duration::parse(text).ok_or_else(bad)
    };
    let within = patch.within.as_deref().map(time).transpose()?;
    let change = Change { stand: patch.state, within, weight: patch.weight };
    let order =
        Order::Server { pool: PoolName::new(&pool), server: ServerName::new(&server), change };
    ask(&api, order, &caller, &server).await?;
    let servers = api.control().servers(&PoolName::new(&pool)).unwrap_or_default();
    let found = servers.into_iter().find(|one| one.name == server);
    found.map(Json).ok_or_else(|| ApiError::missing("server", &server))
}

/// `GET overrides`.
pub(crate) async fn overrides(State(api): State<Api>) -> Json<Vec<Override>> {
    Json(api.control().overrides())
}

/// `DELETE overrides`: what was in force until now.
pub(crate) async fn clear(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Override>>, ApiError> {
    let before = api.control().overrides();
    ask(&api, Order::Clear, &caller, "overrides").await?;
    Ok(Json(before))
}

async fn ask(api: &Api, order: Order, caller: &Caller, at: &str) -> Result<(), ApiError> {
    let taken = api.control().override_servers(order, &caller.name).await;
    taken.map_err(|error| {
        let (status, code) = match error {
            OrderError::NoServer => (StatusCode::NOT_FOUND, "not-found"),
            OrderError::Instance => (StatusCode::CONFLICT, "instance"),
            OrderError::Senseless => (StatusCode::BAD_REQUEST, "bad-request"),
            OrderError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            OrderError::Kept(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not-kept"),
        };
        ApiError::new(status, code, error.to_string(), at)
    })
}

fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WeightAsked>, D::Error> {
    let Some(weight) = Option::<u16>::deserialize(deserializer)? else {
        return Ok(Some(WeightAsked::Configured));
    };
    let too_large = || serde::de::Error::custom("expected a weight of 0 to 1000, or null");
    Weight::new(weight).map(|weight| Some(WeightAsked::Of(weight))).ok_or_else(too_large)
}
