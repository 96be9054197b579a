//! `[listener.NAME.tls]` and `[pool.NAME.tls]`.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::acme::{DIRECTORY, DOMAIN, EMAIL};
use crate::config::text::host::SERVER_NAME;
use crate::config::text::place::{FILE, KEY_FILE};

/// `[listener.NAME.tls]`.
pub(crate) static LISTENER_TLS: Section = Section {
    doc: "TLS towards clients. Files are read at the start and at each reload; whenever one of \
          them changes, it is read again, and new connections get what it holds.",
    keys: &[
        Key::new(
            "certificates",
            Kind::Tables(&CERTIFICATE),
            Default::Absent("the one that `acme` asks for"),
            "What clients are shown: the certificate that covers the name they ask for, else the \
             first.",
        )
        .also(&["certificate", "cert", "crt", "ssl_certificate"]),
        Key::new(
            "acme",
            Kind::Table(&ACME),
            Default::Absent("certificates come from files alone"),
            "A certificate that an authority is asked for, and asked to renew in time.",
        )
        .also(&["letsencrypt", "lets_encrypt", "autocert", "acme_issuer", "certresolver"]),
        Key::new(
            "min_version",
            Kind::Word(&["1.2", "1.3"]),
            Default::Text("1.2"),
            "The oldest version of TLS that is spoken.",
        )
        .also(&["ssl_protocols", "minimum_protocol_version", "ssl-min-ver"]),
        Key::new(
            "client_ca",
            Kind::Text(&FILE),
            Default::Absent("clients are asked for no certificate"),
            "The authorities, in PEM, that vouch for clients.",
        )
        .also(&["ssl_client_certificate", "ca-file", "ca"]),
        Key::new(
            "client_certificate",
            Kind::Word(&["required", "optional"]),
            Default::Absent("`\"required\"` when `client_ca` is set"),
            "Whether a client has to show a certificate; one that is shown has to be valid.",
        )
        .also(&["ssl_verify_client", "verify"]),
    ],
};

static CERTIFICATE: Section = Section {
    doc: "A certificate that clients are shown.",
    keys: &[
        Key::new(
            "certificate",
            Kind::Text(&FILE),
            Default::Required,
            "The certificate, followed by its chain, in PEM.",
        )
        .also(&["cert", "crt", "chain", "certificate_chain"]),
        Key::new(
            "key",
            Kind::Text(&KEY_FILE),
            Default::Required,
            "Its private key, in PEM: the path of a file, or `\"env:NAME\"`.",
        )
        .also(&["private_key", "certificate_key"]),
        Key::new(
            "ocsp",
            Kind::Text(&FILE),
            Default::Absent("nothing is stapled"),
            "An OCSP response, in DER, that is shown with it.",
        )
        .also(&["ssl_stapling_file", "ocsp_staple"]),
    ],
};

/// `[listener.NAME.tls.acme]`.
static ACME: Section = Section {
    doc: "A certificate that an authority issues by itself (ACME, RFC 8555). Whoever names one \
          agrees to its terms. The certificate, its key and the account are kept in the state \
          directory, so that a restart needs no network; listeners that ask the same authority \
          for the same hosts share one. Until there is a certificate, clients for whom there is no \
          other are refused. It is renewed when a third of its time is left.",
    keys: &[
        Key::new(
            "domains",
            Kind::Some(&Kind::Text(&DOMAIN)),
            Default::Required,
            "The hosts that it is to be for. Wildcards cannot be had.",
        )
        .also(&["domain", "hosts", "host", "names", "server_name"]),
        Key::new(
            "email",
            Kind::Text(&EMAIL),
            Default::Absent("the authority writes to nobody"),
            "Whom the authority may write to.",
        )
        .also(&["contact", "mail"]),
        Key::new(
            "directory",
            Kind::Text(&DIRECTORY),
            Default::Text("https://acme-v02.api.letsencrypt.org/directory"),
            "Where the authority is: the URL of its directory.",
        )
        .also(&["uri", "ca_server", "caServer", "server", "url"]),
        Key::new(
            "challenge",
            Kind::Word(&["tls-alpn-01", "http-01"]),
            Default::Text("tls-alpn-01"),
            "How it is shown that the hosts are ours: in a TLS handshake, to which port 443 of \
             each has to lead, or over plain HTTP, to which port 80 has to lead.",
        )
        .also(&["challenges", "challenge_type"]),
        Key::new(
            "ca",
            Kind::Text(&FILE),
            Default::Absent("the authorities that the system trusts"),
            "The authorities, in PEM, that vouch for the directory itself.",
        )
        .also(&["roots", "ca-file", "trusted_roots", "ssl_trusted_certificate"]),
    ],
};

/// `[pool.NAME.tls]`.
pub(crate) static POOL_TLS: Section = Section {
    doc: "TLS to the servers, whose certificates are verified: chain, time and name. Changed \
          files are read again, as those of listeners are.",
    keys: &[
        Key::new(
            "server_name",
            Kind::Text(&SERVER_NAME),
            Default::Absent("each server's own address"),
            "The name that servers are asked for and have to prove.",
        )
        .also(&["sni", "proxy_ssl_name"]),
        Key::new(
            "ca",
            Kind::Text(&FILE),
            Default::Absent("the authorities that the system trusts"),
            "The authorities, in PEM, that vouch for servers.",
        )
        .also(&["ca-file", "trusted_certificate", "proxy_ssl_trusted_certificate"]),
        Key::new(
            "certificate",
            Kind::Text(&FILE),
            Default::Absent("servers are shown none"),
            "The certificate, followed by its chain, in PEM, for servers that ask for one.",
        )
        .also(&["cert", "crt"]),
        Key::new(
            "key",
            Kind::Text(&KEY_FILE),
            Default::Absent("servers are shown none"),
            "Its private key, in PEM: the path of a file, or `\"env:NAME\"`.",
        )
        .also(&["private_key", "certificate_key"]),
    ],
};
