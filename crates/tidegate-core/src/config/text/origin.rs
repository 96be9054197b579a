//! Origins of web pages, as browsers write them (RFC 6454, section 6.2), and the addresses of
//! Prometheus servers.

use super::fault::{Fault, Format};
use super::host;

/// An origin, or `*`.
pub(crate) static ORIGIN: Format = Format {
    name: "an origin",
    expected: "an origin, such as \"https://shop.example.com\", or \"*\" for any",
    example: "https://shop.example.com",
    pattern: Some(r"^(\*|https?://[a-z0-9_.-]+(:[0-9]+)?|https?://\[[0-9a-f:.]+\](:[0-9]+)?)$"),
    unit: None,
    check: |text| origin(text).map(drop),
};

/// A Prometheus server.
pub(crate) static PROMETHEUS: Format = Format {
    name: "the address of a Prometheus server",
    expected: "`http://HOST:PORT`, with a path if need be, such as \"http://10.0.0.5:9090\"",
    example: "http://10.0.0.5:9090",
    pattern: Some(r"^http://(\[[0-9A-Fa-f:.]+\]|[^/:\[\]@]+):[0-9]{1,5}(/[^?#\s]*)?$"),
    unit: None,
    check: |text| prometheus(text).map(drop),
};

/// A base to which the path of the API is added, so that it ends without a `/`.
pub(crate) fn prometheus(text: &str) -> Result<String, Fault> {
    let Some(rest) = text.strip_prefix("http://") else {
        let bare = !text.contains("://") && prometheus(&format!("http://{text}")).is_ok();
        let nearest = bare.then(|| format!("http://{text}"));
        return Err(Fault::default().nearest(nearest));
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let fits = port.is_some_and(|port| port > 0)
        && host::authority(authority).is_ok()
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
    if fits { Ok(text.trim_end_matches('/').to_owned()) } else { Err(Fault::default()) }
}

/// An origin. Browsers compare nothing: they send one form, and this has to be it.
pub(crate) fn origin(text: &str) -> Result<String, Fault> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(Fault::default)?;
    let lower = scheme.to_ascii_lowercase();
    let standard = match lower.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(Fault::default()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let authority = host::authority(rest).map_err(|_| Fault::default())?.to_ascii_lowercase();
    let authority = authority.strip_suffix(standard).unwrap_or(&authority);
    let canonical = format!("{lower}://{}", authority.trim_end_matches('.'));
    if canonical == text { Ok(canonical) } else { Err(Fault::default().nearest(Some(canonical))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prometheus_server_has_a_port_and_perhaps_a_path() {
        for (text, base) in [
            ("http://10.0.0.5:9090", "http://10.0.0.5:9090"),
            ("http://prometheus.internal:9090/", "http://prometheus.internal:9090"),
            ("http://[::1]:9090/prom", "http://[::1]:9090/prom"),
        ] {
            assert_eq!(prometheus(text).as_deref(), Ok(base));
        }
        for (text, nearest) in [
            ("10.0.0.5:9090", Some("http://10.0.0.5:9090")),
            ("https://10.0.0.5:9090", None),
            ("http://10.0.0.5", None),
            ("http://:9090", None),
            ("http://a:0", None),
            ("http://a:9090/x?y=1", None),
            ("http://a:9090/x y", None),
            ("http://u@a:9090", None),
        ] {
            assert_eq!(prometheus(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for text in ["*", "https://a.example", "http://a:8080", "https://[::1]:8443"] {
            assert_eq!(origin(text).as_deref(), Ok(text));
        }
        for (text, nearest) in [
            ("https://A.example", Some("https://a.example")),
            ("https://a.example/", Some("https://a.example")),
            ("https://a.example:443", Some("https://a.example")),
            ("https://a/b", None),
            ("a.example", None),
            ("null", None),
            ("https://*.a", None),
            ("ftp://a", None),
        ] {
            assert_eq!(origin(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
