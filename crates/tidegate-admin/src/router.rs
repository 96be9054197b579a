//! What can be asked, and by whom it is answered.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use tidegate_control::control::Control;
use tidegate_core::time::Duration;

use crate::api::error::{self, ApiError};
use crate::api::{config, explain, look, probe, release, scale, server};
use crate::auth::guard;
use crate::auth::tokens::{Caller, Keyring};
use crate::metrics::{self, Losses};
use crate::server::Address;

/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 1 << 20;
/// For a whole request, a reload included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What every answer is made from.
#[derive(Clone)]
pub(crate) struct Api(Arc<Parts>);

struct Parts {
    control: Control,
    losses: Arc<dyn Losses>,
    keyring: Keyring,
    address: Option<Address>,
}

impl Api {
    pub(crate) fn new(
        control: Control,
        losses: Arc<dyn Losses>,
        keyring: Keyring,
        address: Option<Address>,
    ) -> Self {
        Self(Arc::new(Parts { control, losses, keyring, address }))
    }

    /// The control plane.
    pub(crate) fn control(&self) -> &Control {
        &self.0.control
    }

    /// What was lost where control does not see it.
    pub(crate) fn losses(&self) -> &dyn Losses {
        &*self.0.losses
    }

    /// Where the API listens.
    pub(crate) fn address(&self) -> Option<&Address> {
        self.0.address.as_ref()
    }

    /// Who shows this token, if it is valid.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        self.0.keyring.caller(token, &self.0.control.snapshot().config.admin.tokens)
    }
}

/// The API, the metrics and the health of the balancer, behind the guard.
pub(crate) fn whole(api: Api) -> Router {
    let v1 = Router::new()
        .route("/status", get(look::status))
        .route("/listeners", get(look::listeners))
        .route("/routes", get(look::routes))
        .route("/pools", get(look::pools))
        .route("/pools/{pool}", get(look::pool))
        .route("/pools/{pool}/servers", get(look::servers))
        .route("/pools/{pool}/servers/{server}", patch(server::patch))
        .route("/overrides", get(server::overrides).delete(server::clear))
        .route("/pools/{pool}/autoscale", get(scale::show))
        .route("/pools/{pool}/scale", post(scale::scale))
        .route("/freeze/autoscale", post(scale::freeze).delete(scale::thaw))
        .route("/freeze/rollouts", post(release::freeze).delete(release::thaw))
        .route("/rollouts", get(release::list))
        .route("/rollouts/{name}", get(release::show))
        .route("/rollouts/{name}/{command}", post(release::command))
        .route("/events", get(look::events))
        .route("/config", get(config::show))
        .route("/config/check", post(config::check))
        .route("/config/reload", post(config::reload))
        .route("/explain", get(explain::by_query).post(explain::by_body));
    let guard = middleware::from_fn_with_state(api.clone(), guard::check);
    finish(Router::new().nest("/api/v1", v1).merge(health()), api, |router| router.layer(guard))
}

/// The metrics and the health of the balancer alone, for anyone.
pub(crate) fn scrapes(api: Api) -> Router {
    finish(health(), api, |router| router)
}

fn health() -> Router<Api> {
    Router::new()
        .route("/metrics", get(metrics::answer))
        .route("/healthz", get(probe::alive))
        .route("/readyz", get(probe::ready))
}

/// What goes around every router; `inner` goes around its answers to unknown paths as well.
fn finish(router: Router<Api>, api: Api, inner: impl FnOnce(Router<Api>) -> Router<Api>) -> Router {
    let router = router
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    inner(router)
        .layer(middleware::from_fn(bounded))
        .layer(middleware::map_response(sealed))
        .with_state(api)
}

/// Answers for a request that takes too long.
async fn bounded(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = "the request took too long";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message, &path)
                .into_response()
        }
    }
}

/// Nothing that is said here is to be kept, or taken for something else.
async fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
