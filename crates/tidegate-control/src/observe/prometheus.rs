//! Asks a Prometheus server for one number.

use std::fmt::Write as _;
use std::io;

use serde::Deserialize;
use thiserror::Error;
use tidegate_core::time::Duration;
use tidegate_net::http;

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const ANSWER_MAX: usize = 1 << 20;

/// Why there is no number.
#[derive(Debug, Error)]
pub(crate) enum QueryError {
    /// The server did not answer.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
    /// It did not answer in time.
    #[error("no answer within {PATIENCE:?}")]
    Timeout,
    /// It refused the query.
    #[error("status {status}: {why}")]
    Refused {
        /// The status code.
        status: u16,
        /// What it said.
        why: String,
    },
    /// What it said is not one finite number.
    #[error("{0}")]
    NoNumber(&'static str),
}

/// What is asked of whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// The base URL of the server.
    pub(crate) server: &'a str,
    /// The query.
    pub(crate) query: &'a str,
}

/// The value of an instant query, which has to be one number.
pub(crate) async fn query(question: Question<'_>) -> Result<f64, QueryError> {
    let Question { server, query } = question;
    let place = server.strip_prefix("http://").unwrap_or(server);
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let path = path.trim_end_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    let target = format!("{slash}{path}/api/v1/query?query={}", escaped(query));
    let answer = tokio::time::timeout(PATIENCE, http::get(host, &target, ANSWER_MAX)).await;
    let (status, body) = answer.map_err(|_| QueryError::Timeout)??;
    read(status, &body)
}

/// Everything but unreserved characters (RFC 3986, section 2.3) in its percent-encoded form.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// What the HTTP API of Prometheus answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Series>),
    Scalar((f64, String)),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Series {
    value: (f64, String),
}

fn read(status: u16, body: &[u8]) -> Result<f64, QueryError> {
    let answer: Result<Answer, _> = serde_json::from_slice(body);
    if status != 200 {
        let why = answer.map(|answer| answer.error).unwrap_or_default();
        return Err(QueryError::Refused { status, why });
    }
    let answer =
        answer.map_err(|_| QueryError::NoNumber("the answer is not that of Prometheus"))?;
    let text = match answer.data {
        Some(Data::Vector(series)) => match <[Series; 1]>::try_from(series) {
            Ok([one]) => one.value.1,
            Err(series) if series.is_empty() => {
                return Err(QueryError::NoNumber("the query has no value"));
            }
            Err(_) => return Err(QueryError::NoNumber("the query has several values")),
        },
        Some(Data::Scalar((_, text))) => text,
        Some(Data::Other) | None => {
            return Err(QueryError::NoNumber("the query is of no instant vector or scalar"));
        }
    };
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or(QueryError::NoNumber("the value is not a finite number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: Result<f64, &str>) {
        let got = read(status, body.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(got, expected.map_err(str::to_owned), "{body}");
    }

    #[test]
    fn one_number_or_a_reason() {
        let vector = |series: &str| {
            format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#
            )
        };
        let one = r#"{"metric":{"job":"shop"},"value":[1700000000.1,"42.5"]}"#;
        check(200, &vector(one), Ok(42.5));
        check(200, &vector(""), Err("the query has no value"));
        check(200, &vector(&format!("{one},{one}")), Err("the query has several values"));
        let nan = r#"{"metric":{},"value":[1,"NaN"]}"#;
        check(200, &vector(nan), Err("the value is not a finite number"));
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#;
        check(200, scalar, Ok(7.0));
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        check(400, error, Err("status 400: parse error"));
        check(502, "<html>", Err("status 502: "));
        check(200, "[]", Err("the answer is not that of Prometheus"));
    }

    #[test]
    fn a_query_is_escaped_whole() {
        let query = "sum(rate(orders{shop=\"é\"}[1m]))";
        let expected = "sum%28rate%28orders%7Bshop%3D%22%C3%A9%22%7D%5B1m%5D%29%29";
        assert_eq!(escaped(query), expected);
    }
}
