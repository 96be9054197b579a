//! The file that `tidegate proxy` stands for: one listener, one route that takes everything, one
//! pool.

use super::raw::tree::quote;

/// What a command line says.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    /// Where to listen.
    pub listen: &'a str,
    /// The servers.
    pub to: &'a [String],
    /// The rule by which a server is picked.
    pub balance: Option<&'a str>,
    /// The path at which servers are checked.
    pub health: Option<&'a str>,
    /// The files of a certificate and its key.
    pub certificate: Option<(&'a str, &'a str)>,
}

/// The TOML text of a balancer without a file.
///
/// Nothing is checked here: the text takes the same road as any file, so that a mistake on the
/// command line is explained like one in a file.
#[must_use]
pub fn proxy_config(arguments: &Arguments<'_>) -> String {
    let Arguments { listen, to, balance, health, certificate } = *arguments;
    let certificate = certificate.map(self::certificate).unwrap_or_default();
    let servers: String = to.iter().map(|server| format!("  {},\n", quote(server))).collect();
    let servers = if to.is_empty() { "[]".to_owned() } else { format!("[\n{servers}]") };
    let balance = balance.map(|rule| format!("balance = {}\n", quote(rule))).unwrap_or_default();
    let health = health
        .map(|path| format!("\n[pool.app.health]\npath = {}\n", quote(path)))
        .unwrap_or_default();
    format!(
        "version = 1\n\n[listener.web]\naddress = {}\n{certificate}\n[route.all]\npool = \
         \"app\"\n\n[pool.app]\n{balance}servers = {servers}\n{health}",
        quote(listen)
    )
}

fn certificate((certificate, key): (&str, &str)) -> String {
    let (certificate, key) = (quote(certificate), quote(key));
    format!("\n[[listener.web.tls.certificates]]\ncertificate = {certificate}\nkey = {key}\n")
}
