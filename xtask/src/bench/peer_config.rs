//! The configurations that all are measured with: what one would run, with one worker.
//!
//! Keep-alive on both sides, servers' connections shared between clients, X-Forwarded-For added, no
//! access log. HAProxy gets the most from sharing by `http-reuse always`; nginx keeps up to 1024
//! idle server connections and its default buffers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::release::Release;
use super::setting::{self, Scheme, Setting};
use crate::workspace;

/// Connections accepted, unless a test needs more.
const HAPROXY_CONNECTIONS: u32 = 8000;
const NGINX_CONNECTIONS: u32 = 8192;
/// Connections beside those of the clients that a test has open.
const SPARE: u32 = 1024;

/// Writes the configurations for as many clients as `connections`.
///
/// # Errors
/// When a file cannot be read or written.
pub(super) fn write(directory: &Path, setting: Setting, connections: u32) -> Result<()> {
    setting::write_certificates(directory, setting.certificates)?;
    let wanted = connections.saturating_add(SPARE);
    let haproxy = haproxy(setting, HAPROXY_CONNECTIONS.max(wanted));
    let nginx = nginx(setting, NGINX_CONNECTIONS.max(wanted));
    let file = workspace::root().join("bench/tidegate.toml");
    let base = fs::read_to_string(&file).with_context(|| format!("cannot read {file:?}"))?;
    let own = format!("{base}{}", tidegate(setting));
    let named = |name: &str, text| (name.to_owned(), text);
    let mut files = vec![
        named("haproxy.cfg", haproxy),
        named("nginx.conf", nginx),
        named("tidegate.toml", own),
    ];
    for release in Release::ALL {
        release.forget(directory).context("cannot forget an earlier run")?;
        files.push((format!("{}.toml", release.name()), release.config(&base)));
    }
    for (name, text) in files {
        let file = directory.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {file:?}"))?;
    }
    Ok(())
}

/// What is added to the configuration that tidegate is always measured with.
fn tidegate(setting: Setting) -> String {
    let mut text = String::new();
    if setting.scheme == Scheme::Https {
        text.push_str("\n[listener.bench.tls]\ncertificates = [\n");
        for number in 0..setting.certificates.max(1) {
            let line = format!("  {{ certificate = \"{number}.pem\", key = \"{number}.key\" }},\n");
            text.push_str(&line);
        }
        text.push_str("]\n");
    }
    if setting.gzip {
        // Level 6 however busy the core is, as the others have it.
        text.push_str("\n[route.bench.response]\n");
        text.push_str("compress = { encodings = [\"gzip\"], cpu_ceiling = 1.0 }\n");
    }
    text
}

fn haproxy(setting: Setting, connections: u32) -> String {
    let tls = match setting.scheme {
        Scheme::Http => "",
        Scheme::Https => " ssl crt 0.both alpn h2,http/1.1",
    };
    let compression =
        if setting.gzip { "  compression algo gzip\n  compression type text/html\n" } else { "" };
    format!(
        "global
  nbthread 1
  no strict-limits
  maxconn {connections}
  tune.ssl.cachesize 20000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:9101{tls}
{compression}  default_backend b
backend b
  server s1 127.0.0.1:9000
"
    )
}

fn nginx(setting: Setting, connections: u32) -> String {
    let descriptors = 2 * connections + 4 * SPARE;
    let listen = match (setting.scheme, setting.http2) {
        (Scheme::Https, _) => " ssl http2",
        (Scheme::Http, true) => " http2",
        (Scheme::Http, false) => "",
    };
    let tls = match setting.scheme {
        Scheme::Http => "",
        Scheme::Https => {
            "    ssl_certificate 0.pem;
    ssl_certificate_key 0.key;
    ssl_session_cache shared:S:20m;
    ssl_protocols TLSv1.2 TLSv1.3;
"
        }
    };
    let gzip = if setting.gzip {
        "  gzip on;
  gzip_comp_level 6;
  gzip_proxied any;
"
    } else {
        ""
    };
    format!(
        "worker_processes 1;
daemon off;
master_process off;
pid nginx.pid;
error_log nginx.err;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  client_body_temp_path nginx-body;
  proxy_temp_path nginx-proxy;
  fastcgi_temp_path nginx-fastcgi;
  uwsgi_temp_path nginx-uwsgi;
  scgi_temp_path nginx-scgi;
{gzip}  upstream b {{
    server 127.0.0.1:9000;
    keepalive 1024;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:9102{listen};
{tls}    location / {{
      proxy_pass http://b;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_clients_raise_the_limits_of_both() {
        assert!(haproxy(Setting::default(), 20_000).contains("\n  maxconn 20000\n"));
        let nginx = nginx(Setting::default(), 20_000);
        assert!(nginx.contains("worker_connections 20000;"), "{nginx}");
        assert!(nginx.contains("worker_rlimit_nofile 44096;"), "{nginx}");
    }

    #[test]
    fn each_is_told_what_the_point_needs() {
        let https = Setting { scheme: Scheme::Https, certificates: 2, ..Setting::default() };
        assert!(haproxy(https, 1).contains("bind 127.0.0.1:9101 ssl crt 0.both"));
        assert!(nginx(https, 1).contains("listen 127.0.0.1:9102 ssl http2;"));
        assert!(tidegate(https).contains("1.pem"));
        let gzip = Setting { gzip: true, ..Setting::default() };
        assert!(haproxy(gzip, 1).contains("compression algo gzip"));
        assert!(nginx(gzip, 1).contains("gzip_comp_level 6;"));
        assert!(tidegate(gzip).contains("encodings = [\"gzip\"]"));
        assert_eq!(tidegate(Setting::default()), "");
    }
}
