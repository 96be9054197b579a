//! `tidegate explain`: why a request would go where it would go, without sending it.
//!
//! With a file it is answered here, as if the file had just been started; without one the running
//! balancer is asked, which also knows how its servers do.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use tidegate_control::explain::{self, Explanation, Question};
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::body::BODY_PREFIX_MAX;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_net::clock;

use super::remote::Look;
use crate::{admin, output, serve};

/// Tell why a request would go where
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Answer from this configuration instead of asking a running balancer
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The method of the request
    method: String,
    /// Its URL, or its path alone
    url: String,
    /// A header field of it; give one for each
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    headers: Vec<(String, String)>,
    /// The client's address
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    from: IpAddr,
    /// A file that holds its body, which is JSON unless a header says otherwise
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

/// Bytes of a body that are looked at: one more than any route would.
const BODY_BYTES_MAX: u64 = BODY_PREFIX_MAX as u64 + 1;

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode> {
        let explained = match &self.config {
            Some(file) => self.by_file(file.clone())?,
            None => Some(self.by_balancer()?),
        };
        let Some(explanation) = explained else { return Ok(ExitCode::FAILURE) };
        if self.look.json {
            output::json(&explanation)?;
        } else {
            output::line(&explanation.to_string())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn by_file(&self, file: PathBuf) -> Result<Option<Explanation>> {
        let accepted = match Origin::File(file).load() {
            Ok(accepted) => accepted,
            Err(refused) => {
                serve::list(&refused.diagnostics);
                return Ok(None);
            }
        };
        let (config, now) = (Arc::clone(&accepted.config), clock::now());
        let snapshot = Snapshot::build(
            config,
            &Circumstances::default(),
            None,
            &mut ServerIds::default(),
            now,
        );
        let question = Question {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            from: self.from,
            listener: None,
            body: self.body()?,
        };
        Ok(Some(explain::explain(&snapshot, &accepted.tls, &question)?))
    }

    fn by_balancer(&self) -> Result<Explanation> {
        let Self { method, url, headers, from, .. } = self;
        let body = self.body()?;
        let question = json!({
            "method": method, "url": url, "headers": headers, "from": from, "body": body,
        });
        let answer = admin::explain(&self.look.remote.admin, &question)?;
        if answer.status != 200 {
            bail!(answer.complaint());
        }
        serde_json::from_str(&answer.body)
            .context("the balancer answers in another version's words")
    }

    fn body(&self) -> Result<Option<String>> {
        let Some(path) = &self.body else { return Ok(None) };
        let name = path.display();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let mut bytes = Vec::new();
        let read = file.take(BODY_BYTES_MAX).read_to_end(&mut bytes);
        read.with_context(|| format!("cannot read {name}"))?;
        // What is cut off is too long to be looked at, whatever it holds.
        if bytes.len() as u64 == BODY_BYTES_MAX {
            return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
        }
        let text = String::from_utf8(bytes);
        text.map(Some).with_context(|| format!("{name} is not UTF-8, and so no JSON"))
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err("expected NAME: VALUE".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}
