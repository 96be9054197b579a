//! `[listener.NAME.tls]` and `[pool.NAME.tls]` to the model.
//!
//! Files keep the place where they are named: whether they hold what they should shows when they
//! are read.

use std::path::PathBuf;

use super::acme;
use super::whole::Site;
use crate::config::position::Files;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, Value};
use crate::config::text::{host, place};
use crate::model::secret::SecretReference;
use crate::model::tls::{
    CertificateFiles, ClientCertificatePolicy, ClientCertificates, ListenerTls, PoolTls, TlsVersion,
};
use crate::model::written::Written;

pub(crate) fn listener(value: &Value, path: &Path<'_>, site: &mut Site<'_>) -> Option<ListenerTls> {
    let table = value.table()?;
    let clients = clients(table, path, site);
    has_a_certificate(value, path, site);
    let asked = table.optional("acme", |asked| acme::acme(asked, &path.key("acme"), site));
    let certificates = path.key("certificates");
    let files = site.files;
    Some(ListenerTls {
        certificates: table
            .list("certificates")?
            .iter()
            .map(|item| certificate(item.table()?, &certificates, files))
            .collect::<Option<_>>()?,
        acme: asked?,
        min_version: match table.text("min_version")? {
            "1.2" => TlsVersion::Tls12,
            "1.3" => TlsVersion::Tls13,
            _ => return None,
        },
        clients: clients?,
    })
}

pub(crate) fn pool(
    value: &Value,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Written<PoolTls>> {
    let (table, files) = (value.table()?, site.files);
    let shown = match (table.entry("certificate"), table.entry("key")) {
        (None, None) => Some(None),
        (Some(_), Some(_)) => certificate(table, path, files).map(Some),
        (Some(_), None) => lacking(table, path, ("certificate", "key"), site),
        (None, Some(_)) => lacking(table, path, ("key", "certificate"), site),
    };
    let tls = PoolTls {
        server_name: table.optional("server_name", |name| name.parse(host::server_name))?,
        ca: file(table, "ca", path, files)?,
        identity: shown?,
    };
    Some(Written { value: tls, place: files.written(value.at()?, path) })
}

/// Clients have to be shown something.
fn has_a_certificate(value: &Value, path: &Path<'_>, site: &mut Site<'_>) {
    let Some(table) = value.table() else { return };
    let certificates = table.value("certificates");
    if certificates.is_none() && table.value("acme").is_none() {
        let Some(at) = value.at() else { return };
        let message = format!("`{path}` needs `certificates` or `acme`");
        let mistake = Mistake::new(at, &path.key("certificates"), message);
        site.report.add(mistake.expected("a certificate, or whom to ask for one"));
    }
}

/// What the listener asks of clients, if anything.
fn clients(
    table: &Table,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Option<ClientCertificates>> {
    let Some(ca) = file(table, "client_ca", path, site.files)? else {
        return match table.value("client_certificate") {
            Some(_) => lacking(table, path, ("client_certificate", "client_ca"), site),
            None => Some(None),
        };
    };
    let policy = match table.text("client_certificate") {
        Some("optional") => ClientCertificatePolicy::Optional,
        _ => ClientCertificatePolicy::Required,
    };
    Some(Some(ClientCertificates { ca, policy }))
}

/// One key makes no sense without the other.
fn lacking<T>(
    table: &Table,
    path: &Path<'_>,
    (key, other): (&str, &str),
    site: &mut Site<'_>,
) -> Option<T> {
    let at = table.entry(key)?.key?;
    let message = format!("`{key}` has no effect without `{other}`");
    let mistake = Mistake::new(at, &path.key(key), message);
    site.report.add(mistake.expected(format!("`{other}` beside it")));
    None
}

/// The keys `certificate`, `key` and `ocsp` of a table that has the first two.
fn certificate(table: &Table, path: &Path<'_>, files: &Files) -> Option<CertificateFiles> {
    Some(CertificateFiles {
        certificate: file(table, "certificate", path, files)??,
        key: key(table, path, files)?,
        ocsp: file(table, "ocsp", path, files)?,
    })
}

fn key(table: &Table, path: &Path<'_>, files: &Files) -> Option<Written<SecretReference>> {
    let value = table.value("key")?;
    Some(Written {
        value: value.parse(|text| place::key_file(text, files.directory()))?,
        place: files.written(value.at()?, &path.key("key")),
    })
}

/// A file that is named, `Some(None)` if none is. A relative path starts at the main file.
pub(super) fn file(
    table: &Table,
    key: &str,
    path: &Path<'_>,
    files: &Files,
) -> Option<Option<Written<PathBuf>>> {
    table.optional(key, |value| {
        Some(Written {
            value: files.directory().join(value.parse(place::file)?),
            place: files.written(value.at()?, &path.key(key)),
        })
    })
}
