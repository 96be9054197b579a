//! The account with an authority: made once, kept in the state directory, and used again.
//!
//! One that the authority does not know any more is forgotten, and made anew.

use instant_acme::{Account, AccountCredentials, Error, NewAccount};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_core::model::acme::Authority;
use zeroize::Zeroizing;

use super::failed::Failed;
use super::http::Http;
use crate::tls::kept::Shelf;

/// What is kept of an account.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Whom the authority writes to, as far as it was told.
    email: Option<String>,
    /// Its key, and what the authority calls it.
    credentials: Value,
}

/// The account that is kept, or a new one.
pub(super) async fn open(
    authority: &Authority,
    shelf: &Shelf,
    http: &Http,
) -> Result<Account, Failed> {
    let name = authority.account();
    let content = shelf.read(&name).await.map_err(Failed::unreached)?;
    let Some(record) = content.and_then(|content| read(&name, &content)) else {
        return make(authority, shelf, http).await;
    };
    let credentials: AccountCredentials =
        AccountCredentials::deserialize(&record.credentials).map_err(Failed::unreached)?;
    let account = Account::builder_with_http(Box::new(http.clone()));
    let account = account.from_credentials(credentials).await?;
    if record.email != authority.email {
        let contact = contact(authority);
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        account.update_contacts(&contact).await?;
        let record = Record { email: authority.email.clone(), ..record };
        keep(&name, &record, shelf).await?;
    }
    Ok(account)
}

/// Forgets the account: the next one is new.
pub(super) async fn forget(authority: &Authority, shelf: &Shelf) -> Result<(), Failed> {
    shelf.remove(&authority.account()).await.map_err(Failed::unreached)
}

async fn make(authority: &Authority, shelf: &Shelf, http: &Http) -> Result<Account, Failed> {
    let contact = contact(authority);
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let asked = NewAccount {
        contact: &contact,
        // Whoever configures a directory agrees: the reference of the configuration says so.
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let account = Account::builder_with_http(Box::new(http.clone()));
    let (account, credentials) = account.create(&asked, authority.directory.clone(), None).await?;
    let credentials = serde_json::to_value(&credentials).map_err(Error::from)?;
    let record = Record { email: authority.email.clone(), credentials };
    keep(&authority.account(), &record, shelf).await?;
    Ok(account)
}

async fn keep(name: &str, record: &Record, shelf: &Shelf) -> Result<(), Failed> {
    let text = serde_json::to_vec(record).map_err(Error::from)?;
    shelf.write(name, Zeroizing::new(text)).await.map_err(Failed::unreached)
}

/// One that cannot be read is as good as lost.
fn read(name: &str, content: &[u8]) -> Option<Record> {
    let read = serde_json::from_slice(content);
    read.map_err(|error| tracing::warn!(name, %error, "an ACME account is lost: making a new one"))
        .ok()
}

fn contact(authority: &Authority) -> Option<String> {
    authority.email.as_ref().map(|email| format!("mailto:{email}"))
}
