//! The file that `tidegate proxy` stands for: one listener, one route that takes everything, one
//! pool.

use super::raw::tree::quote;

/// The TOML text of a balancer without a file.
///
/// Nothing is checked here: the text takes the same road as any file, so that a mistake on the
/// command line is explained like one in a file.
#[must_use]
pub fn proxy_config(
    listen: &str,
    to: &[String],
    balance: Option<&str>,
    health: Option<&str>,
) -> String {
    let servers: String = to.iter().map(|server| format!("  {},\n", quote(server))).collect();
    let servers = if to.is_empty() { "[]".to_owned() } else { format!("[\n{servers}]") };
    let balance = balance.map(|rule| format!("balance = {}\n", quote(rule))).unwrap_or_default();
    let health = health
        .map(|path| format!("\n[pool.app.health]\npath = {}\n", quote(path)))
        .unwrap_or_default();
    format!(
        "version = 1\n\n[listener.web]\naddress = {}\n\n[route.all]\npool = \
         \"app\"\n\n[pool.app]\n{balance}servers = {servers}\n{health}",
        quote(listen)
    )
}
