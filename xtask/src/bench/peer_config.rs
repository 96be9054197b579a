//! The configurations that HAProxy and nginx are measured with: what one would run, with one
//! worker.
//!
//! Keep-alive on both sides, servers' connections shared between clients, X-Forwarded-For added, no
//! access log. HAProxy gets the most from sharing by `http-reuse always`; nginx keeps up to 1024
//! idle server connections and its default buffers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Connections accepted, unless a test needs more.
const HAPROXY_CONNECTIONS: u32 = 8000;
const NGINX_CONNECTIONS: u32 = 8192;
/// Connections beside those of the clients that a test has open.
const SPARE: u32 = 1024;

/// Writes both configurations for as many clients as `connections`.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(directory: &Path, connections: u32) -> Result<()> {
    let wanted = connections.saturating_add(SPARE);
    let haproxy = haproxy(HAPROXY_CONNECTIONS.max(wanted));
    let nginx = nginx(NGINX_CONNECTIONS.max(wanted));
    for (name, text) in [("haproxy.cfg", haproxy), ("nginx.conf", nginx)] {
        let file = directory.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {file:?}"))?;
    }
    Ok(())
}

fn haproxy(connections: u32) -> String {
    format!(
        "global
  nbthread 1
  no strict-limits
  maxconn {connections}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:9101
  default_backend b
backend b
  server s1 127.0.0.1:9000
"
    )
}

fn nginx(connections: u32) -> String {
    let descriptors = 2 * connections + 4 * SPARE;
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
  upstream b {{
    server 127.0.0.1:9000;
    keepalive 1024;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:9102;
    location / {{
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
        assert!(haproxy(20_000).contains("\n  maxconn 20000\n"));
        let nginx = nginx(20_000);
        assert!(nginx.contains("worker_connections 20000;"), "{nginx}");
        assert!(nginx.contains("worker_rlimit_nofile 44096;"), "{nginx}");
    }
}
