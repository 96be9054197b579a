//! Webhooks as they are configured, with what their references stand for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;
use tidegate_core::config::diagnostic::{Diagnostic, Severity};
use tidegate_core::model::node::Config;
use tidegate_core::model::notify::{Notify, Topic};
use tidegate_core::model::tls::TlsVersion;
use tidegate_core::model::written::{Place, Written};
use tidegate_core::time::Duration;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::{Client, ClientSetup};
use tidegate_net::tls::roots::Roots;

use crate::act::web::sentence;
use crate::observe::sources::Sources;
use crate::tls::files::Files;

/// A webhook.
#[derive(Clone)]
pub(crate) struct Webhook {
    /// Where its URL is kept: what it is called.
    pub(super) name: String,
    pub(super) url: Uri,
    pub(super) on: Vec<Topic>,
    pub(super) timeout: Duration,
    roots: Roots,
    /// How it is spoken to; `None`: in the clear.
    pub(super) tls: Option<Arc<Client>>,
}

/// The URL is a secret but for its host.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).field("host", &self.host()).finish()
    }
}

/// Whether a courier of the one may go on for the other.
impl PartialEq for Webhook {
    fn eq(&self, other: &Self) -> bool {
        let is_as = (&self.name, &self.url, self.timeout, &self.roots);
        is_as == (&other.name, &other.url, other.timeout, &other.roots)
    }
}

impl Webhook {
    /// Whom it is sent to.
    pub(super) fn host(&self) -> &str {
        self.url.authority().map_or("", |authority| authority.as_str())
    }
}

/// Reads what the webhooks of `config` are made of, with notes in `sources` of what was read.
/// Blocks on the disk.
///
/// # Errors
/// Every mistake.
pub(crate) fn resolve(
    config: &Config,
    sources: &mut Sources,
) -> Result<Arc<[Webhook]>, Vec<Diagnostic>> {
    let mut files = Files::default();
    let mut mistakes = Vec::new();
    let webhooks = config.notify.iter().filter_map(|asked| {
        let url = url(asked, &mut files).map_err(|mistake| mistakes.push(*mistake));
        let roots = roots(asked, &mut files).map_err(|mistake| mistakes.push(*mistake));
        webhook(asked, url.ok()?, roots.ok()?).map_err(|mistake| mistakes.push(*mistake)).ok()
    });
    let webhooks = webhooks.collect();
    sources.join(files.sources);
    if mistakes.is_empty() { Ok(webhooks) } else { Err(mistakes) }
}

fn webhook(asked: &Notify, url: Uri, roots: Roots) -> Result<Webhook, Box<Diagnostic>> {
    let setup = || ClientSetup {
        roots: roots.clone(),
        identity: None,
        alpn: vec![Alpn::Http11],
        min_version: TlsVersion::Tls12,
        server_name: None,
    };
    let place = asked.ca.as_ref().map_or(&asked.webhook.place, |ca| &ca.place);
    let tls = (url.scheme() == Some(&Scheme::HTTPS)).then(|| Client::new(setup())).transpose();
    let tls = tls.map_err(|error| mistake(place, sentence(&error)))?;
    let (name, on) = (asked.webhook.value.to_string(), asked.on.clone());
    Ok(Webhook { name, url, on, timeout: asked.timeout, roots, tls: tls.map(Arc::new) })
}

/// What a reference stands for; no message repeats it.
fn url(asked: &Notify, files: &mut Files) -> Result<Uri, Box<Diagnostic>> {
    let Written { value: reference, place } = &asked.webhook;
    let content = files.resolve(reference).map_err(|why| mistake(place, why))?;
    let url = std::str::from_utf8(&content).ok().and_then(|text| parse(text.trim_end()));
    url.ok_or_else(|| {
        let expected = "a URL with `http://` or `https://`, without a name and a password in it";
        let mistake = mistake(place, format!("{reference} is no URL"));
        Box::new(Diagnostic { expected: Some(expected.to_owned()), ..*mistake })
    })
}

fn mistake(place: &Place, why: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(place, Severity::Error, why))
}

fn parse(text: &str) -> Option<Uri> {
    let url = Uri::from_str(text).ok()?;
    let is_spoken = [&Scheme::HTTP, &Scheme::HTTPS].contains(&url.scheme()?);
    let bare = !url.host()?.is_empty() && !url.authority()?.as_str().contains('@');
    (is_spoken && bare).then_some(url)
}

fn roots(asked: &Notify, files: &mut Files) -> Result<Roots, Box<Diagnostic>> {
    let Some(Written::<PathBuf> { value: path, place }) = &asked.ca else {
        return Ok(Roots::System);
    };
    let content = files.read(path);
    let content = content.map_err(|why| mistake(place, why))?;
    Ok(Roots::Pem(content.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_and_is_spoken_to_over_http() {
        for text in ["http://a", "https://hooks.example.com:8443/T0/B1?x=y", "http://[::1]:80/"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in ["", "hooks.example.com/x", "ftp://a/x", "https://u:p@a/x", "http:///x", "/x"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
