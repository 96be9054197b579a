//! One order, from asking for a certificate to having it.

use std::sync::Arc;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tidegate_core::model::acme::Challenge;
use tidegate_core::time::Duration;
use tidegate_net::tls::challenges::{Challenges, Told};
use tidegate_net::tls::identity::Identity;
use zeroize::Zeroizing;

use super::account;
use super::failed::{Failed, lacks_account};
use super::http::Http;
use super::wanted::Want;
use crate::tls::kept::{Shelf, is_for};

/// How long the authority may take to look for our answers, and to sign.
const PATIENCE: Duration = Duration::from_secs(120);

/// Has the certificate issued: its key and its chain, in PEM.
pub(super) async fn place(
    want: &Want,
    shelf: &Shelf,
    challenges: &Arc<Challenges>,
) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let http = Http::new(Arc::clone(&want.directory));
    let placed = run(want, shelf, challenges, &http).await;
    placed.map_err(|failed| Failed { away: http.away(), ..failed })
}

async fn run(
    want: &Want,
    shelf: &Shelf,
    challenges: &Arc<Challenges>,
    http: &Http,
) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let mut order = begin(want, shelf, http).await?;
    let told = prove(&mut order, want.acme.challenge, challenges).await?;
    let policy = RetryPolicy::new().timeout(PATIENCE);
    if order.state().status != OrderStatus::Ready {
        let ready = order.poll_ready(&policy).await;
        if !matches!(ready, Ok(OrderStatus::Ready)) {
            return Err(objection(&mut order, ready).await);
        }
    }
    drop(told);
    let (key, request) = request(&want.acme.domains)?;
    order.finalize_csr(&request).await?;
    let chain = order.poll_certificate(&policy).await?;
    let file = Zeroizing::new([key.as_bytes(), chain.as_bytes()].concat());
    check(&file, &want.acme.domains)?;
    Ok(file)
}

/// Begins the order, with a new account if the authority does not know the one that was kept.
async fn begin(want: &Want, shelf: &Shelf, http: &Http) -> Result<Order, Failed> {
    let hosts: Vec<_> = want.acme.domains.iter().cloned().map(Identifier::Dns).collect();
    let authority = &want.acme.authority;
    let account = account::open(authority, shelf, http).await?;
    match account.new_order(&NewOrder::new(&hosts)).await {
        Err(error) if lacks_account(&error) => {
            account::forget(authority, shelf).await?;
            let account: Account = account::open(authority, shelf, http).await?;
            Ok(account.new_order(&NewOrder::new(&hosts)).await?)
        }
        begun => Ok(begun?),
    }
}

/// Answers the challenge of each host, and says that it is answered.
async fn prove(
    order: &mut Order,
    challenge: Challenge,
    challenges: &Arc<Challenges>,
) -> Result<Vec<Told>, Failed> {
    let mut told = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let authorization = authorization?;
        match authorization.status {
            // Of an earlier order, which authorities remember for a while.
            AuthorizationStatus::Valid => {}
            AuthorizationStatus::Pending => {
                told.push(answer(authorization, challenge, challenges).await?);
            }
            other => return Err(Failed::refused(format!("an authorization is {other:?}"))),
        }
    }
    Ok(told)
}

async fn answer(
    mut authorization: AuthorizationHandle<'_>,
    challenge: Challenge,
    challenges: &Arc<Challenges>,
) -> Result<Told, Failed> {
    let kind = match challenge {
        Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        Challenge::Http01 => ChallengeType::Http01,
    };
    let host = authorization.identifier().to_string();
    let offered = authorization.challenge(kind);
    let mut offered = offered.ok_or_else(|| {
        Failed::refused(format!("the authority offers no {} for {host}", challenge.as_str()))
    })?;
    let proof = offered.key_authorization();
    let told = match challenge {
        Challenge::TlsAlpn01 => challenges.show(&host, Arc::new(certificate(&host, &proof)?)),
        Challenge::Http01 => challenges.tell(&offered.token, proof.as_str()),
    };
    let told = told.map_err(Failed::unreached)?;
    let ready = offered.set_ready().await;
    ready.map_err(|error| Failed::from(error).of_host(&host))?;
    Ok(told)
}

/// A certificate that vouches for itself and holds the proof (RFC 8737, section 3).
fn certificate(host: &str, proof: &KeyAuthorization) -> Result<Identity, Failed> {
    let made = || {
        let mut params = CertificateParams::new([host.to_owned()])?;
        let proof = proof.digest();
        params.custom_extensions.push(CustomExtension::new_acme_identifier(proof.as_ref()));
        let key = KeyPair::generate()?;
        Ok((params.self_signed(&key)?, key))
    };
    let (certificate, key) = made().map_err(|error: rcgen::Error| Failed::unreached(error))?;
    let key = Zeroizing::new(key.serialize_pem());
    Identity::from_pem(certificate.pem().as_bytes(), key.as_bytes(), None)
        .map_err(Failed::unreached)
}

/// A new key, in PEM, and the request to sign it. Hosts always stand in one order: the first is
/// what metrics call the certificate by, and is to outlive a renewal.
fn request(domains: &[String]) -> Result<(Zeroizing<String>, Vec<u8>), Failed> {
    let made = || {
        let mut params = CertificateParams::new(domains)?;
        params.distinguished_name = DistinguishedName::new();
        let key = KeyPair::generate()?;
        let request = params.serialize_request(&key)?;
        Ok((Zeroizing::new(key.serialize_pem()), request.der().to_vec()))
    };
    made().map_err(|error: rcgen::Error| Failed::unreached(error))
}

/// Why an order did not become ready: what the authority found when it looked for our answers, if
/// it says so.
async fn objection(order: &mut Order, ready: Result<OrderStatus, instant_acme::Error>) -> Failed {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let host = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(error) = state.challenges.iter().find_map(|one| one.error.as_ref()) {
            return Failed::refused(error).of_host(&host);
        }
    }
    match ready {
        Ok(status) => Failed::refused(format!("the order is {status:?}")),
        Err(error) => error.into(),
    }
}

/// Whether what came can be used for what it was asked for.
fn check(file: &[u8], domains: &[String]) -> Result<(), Failed> {
    let identity = Identity::from_pem(file, file, None).map_err(Failed::refused)?;
    if is_for(&identity, domains) {
        return Ok(());
    }
    Err(Failed::refused("the authority issued a certificate for other hosts"))
}
