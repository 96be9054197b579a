//! Addresses: where to listen, where servers are, which networks are meant.
//!
//! All of them are numeric. A name would have to be resolved, which is neither pure nor final.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::fault::{Fault, Format};

/// An address to listen on.
pub(crate) static LISTEN: Format = Format {
    name: "an address to listen on",
    expected: "\"IP:PORT\", such as \"0.0.0.0:8080\" or \"[::]:8080\"",
    example: "0.0.0.0:8080",
    pattern: Some(r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]+$"),
    unit: None,
    check: |text| listen(text).map(drop),
};

/// The address of a server.
pub(crate) static SERVER: Format = Format {
    name: "the address of a server",
    expected: "\"IP:PORT\", such as \"127.0.0.1:9001\" or \"[::1]:9001\"",
    example: "127.0.0.1:9001",
    pattern: Some(r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]+$"),
    unit: None,
    check: |text| server(text).map(drop),
};

/// Where the admin API listens.
pub(crate) static ADMIN: Format = Format {
    name: "an address for the admin API",
    expected: "a loopback \"IP:PORT\", \"unix:PATH\" or \"off\"",
    example: "127.0.0.1:9900",
    pattern: Some(r"^(off|unix:.+|(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]+)$"),
    unit: None,
    check: |text| admin(text).map(drop),
};

/// A network.
pub(crate) static NETWORK: Format = Format {
    name: "a network",
    expected: "a network or an address, such as \"10.0.0.0/8\", \"fd00::/8\" or \"127.0.0.1\"",
    example: "10.0.0.0/8",
    pattern: Some("^[0-9A-Fa-f:.]+(/[0-9]+)?$"),
    unit: None,
    check: |text| network(text).map(drop),
};

/// An admin address as written: paths are not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AdminText {
    Off,
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Port 0 lets the system choose.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| Fault::default().nearest(numeric(text, "0.0.0.0")))
}

pub(crate) fn server(text: &str) -> Result<SocketAddr, Fault> {
    match text.parse::<SocketAddr>() {
        Ok(SocketAddr::V6(address)) if address.scope_id() != 0 => {
            Err(Fault::because(format!("\"{text}\" depends on a network interface")))
        }
        Ok(address) if address.port() == 0 => {
            Err(Fault::because(format!("\"{text}\" has no port to connect to")))
        }
        Ok(address) if address.ip().is_unspecified() || address.ip().is_multicast() => {
            Err(Fault::because(format!("\"{text}\" is no address to connect to")))
        }
        Ok(address) => Ok(address),
        Err(_) => Err(not_numeric(text)),
    }
}

/// Off loopback the API needs TLS, so it is not served there.
pub(crate) fn admin(text: &str) -> Result<AdminText, Fault> {
    if text == "off" {
        return Ok(AdminText::Off);
    }
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(AdminText::Unix(PathBuf::from(path)));
    }
    let address: SocketAddr =
        text.parse().map_err(|_| Fault::default().nearest(numeric(text, "127.0.0.1")))?;
    if !address.ip().to_canonical().is_loopback() {
        let loopback = format!("127.0.0.1:{}", address.port());
        let message = format!("\"{text}\" is not a loopback address");
        return Err(Fault::because(message).nearest(Some(loopback)));
    }
    Ok(AdminText::Tcp(address))
}

pub(crate) fn network(text: &str) -> Result<IpNet, Fault> {
    let network: IpNet = text
        .parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| Fault::default())?;
    if network.trunc() != network {
        let message = format!("\"{text}\" has bits beyond its prefix");
        return Err(Fault::because(message).nearest(Some(network.trunc().to_string())));
    }
    Ok(network)
}

fn not_numeric(text: &str) -> Fault {
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    let fault = match host.bytes().any(|byte| byte.is_ascii_alphabetic()) && !host.contains(':') {
        true => Fault::because(format!("\"{text}\" is not numeric, and names are not resolved")),
        false => Fault::default(),
    };
    fault.nearest(numeric(text, "127.0.0.1").filter(|_| !host.is_empty() || text != host))
}

/// What a short form that other programs know would be: `:80`, `*:80`, `80`, `localhost:80`.
fn numeric(text: &str, any: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let port: u16 = port.parse().ok()?;
    match host {
        "" | "*" => Some(format!("{any}:{port}")),
        "localhost" => Some(format!("127.0.0.1:{port}")),
        host if host.contains(':') => {
            let address: std::net::Ipv6Addr = host.parse().ok()?;
            Some(format!("[{address}]:{port}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_of_other_programs_are_spelled_out() {
        for (text, nearest) in [
            (":8080", Some("0.0.0.0:8080")),
            ("*:80", Some("0.0.0.0:80")),
            ("8080", Some("0.0.0.0:8080")),
            ("localhost:80", Some("127.0.0.1:80")),
            ("::1:80", Some("[::1]:80")),
            ("1.2.3.4", None),
            ("", None),
        ] {
            assert_eq!(listen(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }

    #[test]
    fn servers_are_somewhere_one_can_connect_to() {
        assert!(server("127.0.0.1:1").is_ok() && server("[::1]:65535").is_ok());
        for text in
            ["127.0.0.1:0", "0.0.0.0:80", "[ff02::1]:80", "shop:80", "127.0.0.1", "[fe80::1%3]:1"]
        {
            assert!(server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_has_no_bits_beyond_its_prefix() {
        assert_eq!(network("127.0.0.1").map(|n| n.to_string()), Ok("127.0.0.1/32".to_owned()));
        let fault = network("10.1.2.3/8").expect_err("bits beyond");
        assert_eq!(fault.nearest.as_deref(), Some("10.0.0.0/8"));
    }
}
