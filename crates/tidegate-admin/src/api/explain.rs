//! Why a request would go where.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use tidegate_control::explain::{self, Explanation, Question};

use super::error::ApiError;
use crate::router::Api;

const AT: &str = "/api/v1/explain";

/// `POST explain`: the question is the body, as JSON `{method, url, headers, from, listener,
/// body}`, of which only `url` must be there; `headers` is a list of pairs, `body` a text.
pub(crate) async fn by_body(
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Explanation>, ApiError> {
    let body = body.map_err(|rejection| ApiError::body(&rejection, AT))?;
    let question = serde_json::from_slice(&body);
    answer(&api, &question.map_err(|error| ApiError::bad(error.to_string(), AT))?)
}

/// `GET explain?url=…&method=…&from=…&listener=…`, for questions without headers.
pub(crate) async fn by_query(
    State(api): State<Api>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Explanation>, ApiError> {
    let Query(question) = question.map_err(|error| ApiError::bad(error.body_text(), AT))?;
    answer(&api, &question)
}

fn answer(api: &Api, question: &Question) -> Result<Json<Explanation>, ApiError> {
    let control = api.control();
    let explanation = explain::explain(&control.snapshot(), &control.tls(), question);
    explanation.map(Json).map_err(|error| ApiError::bad(error.to_string(), AT))
}
