//! Stands before every request to the API.
//!
//! First the request must come from where it says (`origin`). Then, unless it only looks, it must
//! show a token whose role suffices; one that is shown must be valid even where none is needed. A
//! request whose method is not a reading one needs the highest role, unless it is on a short list:
//! what is forgotten here is refused, not open.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tidegate_core::model::node::Role;

use super::origin;
use super::tokens::Caller;
use crate::api::error::ApiError;
use crate::router::Api;

/// Requests that look, though their method could do more: what they ask does not fit into a URL.
const LOOKING: [&str; 2] = ["/api/v1/config/check", "/api/v1/explain"];

/// Lets a request pass, with its [`Caller`] if it has one, or answers it.
pub(crate) async fn check(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match admit(&api, &request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

fn admit(api: &Api, request: &Request) -> Result<Option<Caller>, ApiError> {
    let path = request.uri().path();
    let at = |status, code, message: &str| ApiError::new(status, code, message, path);
    origin::check(request.headers(), api.address())
        .map_err(|doubt| at(StatusCode::FORBIDDEN, "foreign-request", doubt.message()))?;
    let unknown = |message| at(StatusCode::UNAUTHORIZED, "unauthorized", message);
    let caller = match bearer(request.headers()) {
        None => None,
        Some(token) => Some(api.caller(token).ok_or_else(|| unknown("the token is not valid"))?),
    };
    let Some(needed) = needed(request.method(), path) else { return Ok(caller) };
    let caller = caller.ok_or_else(|| unknown("a change needs a token"))?;
    if caller.role < needed {
        let message = format!("the token of {} does not allow this", caller.name);
        return Err(at(StatusCode::FORBIDDEN, "forbidden", &message));
    }
    Ok(Some(caller))
}

/// The role that a request needs; `None`: anyone who reaches this machine's loopback may look.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let looks = method == Method::GET
        || method == Method::HEAD
        || (method == Method::POST && LOOKING.contains(&path));
    let of_pool = path.strip_prefix("/api/v1/pools/").and_then(|path| path.split_once('/'));
    let operates = path == "/api/v1/overrides"
        || path.starts_with("/api/v1/freeze/")
        || path.starts_with("/api/v1/rollouts/")
        || of_pool.is_some_and(|(_, rest)| rest == "scale" || rest.starts_with("servers/"));
    match (looks, operates) {
        (true, _) => None,
        (false, true) => Some(Role::Operate),
        (false, false) => Some(Role::Admin),
    }
}

/// The token that a request shows (RFC 6750, section 2.1). Anything else in its place is an empty
/// one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?;
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    Some(token.unwrap_or_default())
}
