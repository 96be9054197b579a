//! Errors: a status, and a body of one shape: `{"error": {"code", "message", "at"}}`.

use axum::Json;
use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidegate_core::config::diagnostic::Diagnostic;

/// Why there is no answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    error: Body,
    /// Every mistake of a configuration that is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Debug, Serialize)]
struct Body {
    /// One word for programs.
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// What it is about: the path of the request, or a name in it.
    at: String,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        at: &str,
    ) -> Self {
        let error = Body { code, message: message.into(), at: at.to_owned() };
        Self { status, error, diagnostics: Vec::new() }
    }

    /// Something that does not exist.
    pub(crate) fn missing(what: &str, at: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what}"), at)
    }

    /// A request that says nothing sensible.
    pub(crate) fn bad(message: impl Into<String>, at: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message, at)
    }

    /// A body that did not come whole.
    pub(crate) fn body(rejection: &BytesRejection, at: &str) -> Self {
        let status = rejection.status();
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "too-large",
            _ => "bad-request",
        };
        Self::new(status, code, rejection.body_text(), at)
    }

    /// A configuration that is refused.
    pub(crate) fn refused(diagnostics: Vec<Diagnostic>, at: &str) -> Self {
        let count = diagnostics.len();
        let message = format!("the configuration is refused: {count} diagnostics");
        Self { diagnostics, ..Self::new(StatusCode::CONFLICT, "config-refused", message, at) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// For paths that are not known.
pub(crate) async fn not_found(request: Request) -> ApiError {
    ApiError::missing("path", request.uri().path())
}

/// For methods that a path does not know.
pub(crate) async fn method_not_allowed(request: Request) -> ApiError {
    let message = format!("{} is not possible here", request.method());
    let status = StatusCode::METHOD_NOT_ALLOWED;
    ApiError::new(status, "method-not-allowed", message, request.uri().path())
}
