//! What other machines ask: whether the balancer lives, and whether to send it traffic.

use axum::extract::State;
use axum::http::StatusCode;
use tidegate_control::control::Readiness;

use crate::router::Api;

/// `/healthz`: it lives if it answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: 503 before it serves and once it is about to stop.
pub(crate) async fn ready(State(api): State<Api>) -> (StatusCode, &'static str) {
    match api.control().readiness() {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        Readiness::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}
