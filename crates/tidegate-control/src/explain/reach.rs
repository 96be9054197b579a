//! How the servers of a pool are reached, where that is more than HTTP/1.1 in the clear.

use tidegate_core::model::pool::{Pool, Protocol};
use tidegate_core::model::tls::PoolTls;

/// How its servers are reached, in words.
pub(super) fn told(pool: &Pool) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(version) = pool.send_proxy {
        told.push(format!(
            "each connection begins with a PROXY header, {}, that names the client",
            version.as_str()
        ));
    }
    told.extend(pool.tls.as_ref().map(|tls| encrypted(&tls.value)));
    if pool.protocol == Protocol::Http2 {
        let agreed = if pool.tls.is_some() { ", or the handshake fails" } else { "" };
        told.push(format!("h2 is spoken{agreed}"));
    }
    told
}

fn encrypted(tls: &PoolTls) -> String {
    let name = tls.server_name.as_deref().unwrap_or("its own address");
    let roots = match &tls.ca {
        Some(ca) => format!("an authority in {}", ca.value.display()),
        None => "an authority that the system trusts".to_owned(),
    };
    let shown = tls.identity.as_ref().map_or_else(String::new, |files| {
        format!("; it is shown {} if it asks", files.certificate.value.display())
    });
    format!("TLS: a server has to prove {name} by {roots}{shown}")
}
