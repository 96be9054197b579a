//! Rollouts: how they go, and steering them by hand.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use tidegate_control::release::status::RolloutStatus;
use tidegate_control::release::steering::{Order, OrderError};
use tidegate_core::model::ids::RolloutName;
use tidegate_core::rollout::command::{Command, Reach, Urgency};

use super::error::ApiError;
use super::scale::{FREEZE_LASTS, Freeze, Taken, lasts};
use crate::auth::tokens::Caller;
use crate::router::Api;

/// `GET rollouts`.
pub(crate) async fn list(State(api): State<Api>) -> Json<Vec<RolloutStatus>> {
    let all = api.control().rollouts();
    Json(all.iter().map(|status| (**status).clone()).collect())
}

/// `GET rollouts/{name}`.
pub(crate) async fn show(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<RolloutStatus>, ApiError> {
    let found = api.control().rollout(&RolloutName::new(&name));
    found.map(|status| Json((*status).clone())).ok_or_else(|| ApiError::missing("rollout", &name))
}

/// How far `promote` goes, and whether `rollback` may overload stable.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manner {
    /// To all users.
    #[serde(default)]
    full: bool,
    /// At once, whatever stable can take.
    #[serde(default)]
    now: bool,
}

/// `POST rollouts/{name}/{command}`.
pub(crate) async fn command(
    State(api): State<Api>,
    Path((name, word)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    body: Result<Option<Json<Manner>>, JsonRejection>,
) -> Result<Json<Taken>, ApiError> {
    let manner = body.map_err(|error| ApiError::bad(error.body_text(), &name))?;
    let Json(manner) = manner.unwrap_or_default();
    let command = read(&word, &manner).ok_or_else(|| ApiError::bad(EXPECTED, &word))?;
    let order = Order::Command(RolloutName::new(&name), command);
    steer(&api, order, &caller, &name).await
}

const EXPECTED: &str = "expected start, promote (with `full`), pause, resume, abort or rollback \
                        (with `now`)";

fn read(word: &str, manner: &Manner) -> Option<Command> {
    let plain = !manner.full && !manner.now;
    match word {
        "promote" if !manner.now => {
            Some(Command::Promote(if manner.full { Reach::All } else { Reach::Next }))
        }
        "rollback" if !manner.full => {
            Some(Command::Rollback(if manner.now { Urgency::AtOnce } else { Urgency::WhenAble }))
        }
        "start" if plain => Some(Command::Start),
        "pause" if plain => Some(Command::Pause),
        "resume" if plain => Some(Command::Resume),
        "abort" if plain => Some(Command::Abort),
        _ => None,
    }
}

/// `POST freeze/rollouts`.
pub(crate) async fn freeze(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Freeze>, JsonRejection>,
) -> Result<Json<Taken>, ApiError> {
    let Json(freeze) = body.map_err(|error| ApiError::bad(error.body_text(), "freeze"))?;
    let lasts = lasts(freeze.lasts.as_deref(), FREEZE_LASTS)?;
    steer(&api, Order::Freeze { lasts }, &caller, "freeze").await
}

/// `DELETE freeze/rollouts`.
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
    let taken = api.control().release(order, &caller.name).await;
    taken.map(|()| Json(Taken::default())).map_err(|error| {
        let (status, code) = match error {
            OrderError::NoRollout => (StatusCode::NOT_FOUND, "not-found"),
            OrderError::Refused(_)
            | OrderError::Taken { .. }
            | OrderError::Unsaid { .. }
            | OrderError::Nowhere(_) => (StatusCode::CONFLICT, "refused"),
            OrderError::Lasts => (StatusCode::BAD_REQUEST, "bad-request"),
            OrderError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            OrderError::Kept(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not-kept"),
        };
        ApiError::new(status, code, error.to_string(), at)
    })
}
