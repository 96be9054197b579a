//! The autoscaler: what it does, and steering it by hand.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidegate_control::scale::status::AutoscaleStatus;
use tidegate_control::scale::steering::{Order, OrderError};
use tidegate_core::config::text::duration;
use tidegate_core::model::ids::PoolName;
use tidegate_core::scale::observed::HandWants;
use tidegate_core::time::Duration;

use super::error::ApiError;
use crate::auth::tokens::Caller;
use crate::router::Api;

/// How long a number by hand lasts, unless it says.
const SCALE_LASTS: Duration = Duration::from_secs(4 * 3600);
/// How long a freeze lasts, unless it says.
pub(super) const FREEZE_LASTS: Duration = Duration::from_secs(3600);

/// `GET pools/{pool}/autoscale`.
pub(crate) async fn show(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<AutoscaleStatus>, ApiError> {
    let found = api.control().autoscale(&PoolName::new(&name));
    found
        .map(|status| Json((*status).clone()))
        .ok_or_else(|| ApiError::missing("pool with autoscale", &name))
}

/// How many servers a pool is to have: `servers`, `min` or `auto`, one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    servers: Option<u32>,
    min: Option<u32>,
    #[serde(default)]
    auto: bool,
    #[serde(rename = "for")]
    lasts: Option<String>,
}

/// What was taken.
#[derive(Serialize)]
pub(crate) struct Taken {
    taken: bool,
}

impl Default for Taken {
    fn default() -> Self {
        Self { taken: true }
    }
}

/// `POST pools/{pool}/scale`.
pub(crate) async fn scale(
    State(api): State<Api>,
    Path(name): Path<String>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Scale>, JsonRejection>,
) -> Result<Json<Taken>, ApiError> {
    let Json(scale) = body.map_err(|error| ApiError::bad(error.body_text(), &name))?;
    let pool = PoolName::new(&name);
    let lasts = lasts(scale.lasts.as_deref(), SCALE_LASTS)?;
    let order = match (scale.servers, scale.min, scale.auto) {
        (Some(servers), None, false) => {
            Order::Scale { pool, wants: HandWants::Exactly(servers), lasts }
        }
        (None, Some(servers), false) => {
            Order::Scale { pool, wants: HandWants::AtLeast(servers), lasts }
        }
        (None, None, true) => Order::Auto { pool },
        _ => return Err(ApiError::bad("expected one of `servers`, `min` and `auto`", &name)),
    };
    steer(&api, order, &caller, &name).await
}

/// For how long nothing changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Freeze {
    #[serde(rename = "for")]
    pub(super) lasts: Option<String>,
}

/// `POST freeze/autoscale`.
pub(crate) async fn freeze(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Freeze>, JsonRejection>,
) -> Result<Json<Taken>, ApiError> {
    let Json(freeze) = body.map_err(|error| ApiError::bad(error.body_text(), "freeze"))?;
    let lasts = lasts(freeze.lasts.as_deref(), FREEZE_LASTS)?;
    steer(&api, Order::Freeze { lasts }, &caller, "freeze").await
}

/// `DELETE freeze/autoscale`.
pub(crate) async fn thaw(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Taken>, ApiError> {
    steer(&api, Order::Thaw, &caller, "freeze").await
}

async fn steer(
    api: &Api,
    order: Order,
    caller: &Caller,
    at: &str,
) -> Result<Json<Taken>, ApiError> {
    let taken = api.control().steer(order, &caller.name).await;
    taken.map(|()| Json(Taken::default())).map_err(|error| {
        let (status, code) = match error {
            OrderError::NoPool | OrderError::NotScaled(_) => (StatusCode::NOT_FOUND, "not-found"),
            OrderError::Lasts => (StatusCode::BAD_REQUEST, "bad-request"),
            OrderError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            OrderError::Kept(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not-kept"),
        };
        ApiError::new(status, code, error.to_string(), at)
    })
}

pub(super) fn lasts(text: Option<&str>, usual: Duration) -> Result<Duration, ApiError> {
    let Some(text) = text else { return Ok(usual) };
    let bad = || ApiError::bad("expected a duration, such as \"90m\" or \"4h\"", "for");
    duration::parse(text).ok_or_else(bad)
}
