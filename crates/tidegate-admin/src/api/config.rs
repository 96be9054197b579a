//! The configuration: shown, tried, reloaded.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidegate_control::control::{Applied, Reload};
use tidegate_control::observe::config_file::Origin;
use tidegate_control::release::facts::Word;
use tidegate_core::config::diagnostic::{self, Diagnostic};

use super::error::ApiError;
use crate::auth::tokens::Caller;
use crate::router::Api;

/// What diagnostics call a text that came with a request.
const BODY: &str = "body";

/// `GET config`: the configuration that serves, as TOML with every default. Secrets are references
/// in it, as they are in the file.
pub(crate) async fn show(State(api): State<Api>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/toml")], api.control().resolved().to_string())
}

/// `POST config/check`: what would be wrong with the text of a configuration. Changes nothing, and
/// opens none of the files that it names: who may ask is not therefore one who may look around.
pub(crate) async fn check(
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let at = "/api/v1/config/check";
    let body = body.map_err(|rejection| ApiError::body(&rejection, at))?;
    let text = String::from_utf8(body.into());
    let text = text.map_err(|_| ApiError::bad("the body is not UTF-8 text", at))?;
    let origin = Origin::Text { name: BODY.to_owned(), text };
    let diagnostics = match origin.read() {
        Ok(sound) => sound.warnings,
        Err(refused) => refused.diagnostics,
    };
    Ok(Json(diagnostic::to_json(&diagnostics)))
}

/// A reload that took effect.
#[derive(Serialize)]
pub(crate) struct Reloaded {
    revision: u64,
    changes: Vec<ChangeStatus>,
    warnings: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct ChangeStatus {
    /// What changed, in words.
    change: String,
    /// Keys in it that take effect at the next start.
    needs_restart: Vec<&'static str>,
}

/// Whose word counts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accept {
    /// The file's, where it contradicts what has happened.
    #[serde(default)]
    accept: bool,
}

/// `POST config/reload?accept=`: reads the configuration again and applies it, or says why not.
pub(crate) async fn reload(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<Accept>, QueryRejection>,
) -> Result<Json<Reloaded>, ApiError> {
    let Query(Accept { accept }) =
        query.map_err(|error| ApiError::bad(error.body_text(), "/api/v1/config/reload"))?;
    let word = if accept { Word::OfFile } else { Word::OfFacts };
    match api.control().reload_by(word, &format!("{} through the API", caller.name)).await {
        Reload::Applied(applied) => Ok(Json(Reloaded::new(applied))),
        Reload::Refused(diagnostics) => {
            Err(ApiError::refused(diagnostics, "/api/v1/config/reload"))
        }
    }
}

impl Reloaded {
    fn new(applied: Applied) -> Self {
        let Applied { revision, changes, warnings } = applied;
        let changes = changes.iter().map(|change| ChangeStatus {
            change: change.to_string(),
            needs_restart: change.needs_restart().collect(),
        });
        Self { revision, changes: changes.collect(), warnings }
    }
}
