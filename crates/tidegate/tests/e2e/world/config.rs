//! Configurations that a test can start: every address is one the system picks.

use std::net::SocketAddr;

use super::directory::Directory;

/// One listener, one route that takes everything, one pool of these servers, in turn; then `more`.
/// The addresses of the listener and the admin API are marked, so that a test can put others in
/// their place.
pub(crate) fn config(world: &Directory, servers: &[SocketAddr], more: &str) -> String {
    let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
    format!(
        r#"
[runtime]
state = "{state}"
[admin]
address = "127.0.0.1:0" # admin_address
[listener.web]
address = "127.0.0.1:0" # listener_address
[route.all]
pool = "app"
[pool.app]
balance = "round-robin"
servers = [{servers}]
{more}"#,
        state = world.path().join("state").display(),
        servers = servers.join(", "),
    )
}
