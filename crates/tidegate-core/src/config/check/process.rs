//! `[runtime]`, `[admin]`, `[metrics]` and `[log]` to the model.

use std::net::SocketAddr;
use std::path::{self, PathBuf};

use crate::config::position::Files;
use crate::config::raw::tree::{Data, Path, Table, Value};
use crate::config::text::address::{self, AdminText};
use crate::config::text::duration::duration;
use crate::config::text::{name, place};
use crate::model::node::{
    AccessLog, Admin, AdminAddress, Keys, Log, LogFormat, LogLevel, Redaction, Role, Runtime,
    Token, Workers,
};
use crate::model::written::Written;

pub(crate) fn runtime(table: &Table, files: &Files) -> Option<Runtime> {
    Some(Runtime {
        workers: match &table.value("workers")?.data {
            Data::Text(_) => Workers::Auto,
            _ => Workers::Count(table.integer::<usize>("workers")?.try_into().ok()?),
        },
        state: table.optional("state", |state| Some(resolve(&state.parse(place::path)?, files)))?,
        shutdown_delay: table.parse("shutdown_delay", duration)?,
        shutdown_grace: table.parse("shutdown_grace", duration)?,
        watch: table.flag("watch")?,
    })
}

pub(crate) fn admin(table: &Table, files: &Files) -> Option<Admin> {
    let address = table.value("address")?;
    let token = |item: &Value| token(item.table()?, files);
    Some(Admin {
        address: match address.parse(address::admin)? {
            AdminText::Off => AdminAddress::Off,
            AdminText::Tcp(address) => AdminAddress::Tcp(address),
            AdminText::Unix(path) => AdminAddress::Unix(resolve(&path, files)),
        },
        tokens: table.list("tokens")?.iter().map(token).collect::<Option<_>>()?,
    })
}

pub(crate) fn metrics(table: &Table) -> Option<SocketAddr> {
    table.parse("address", address::listen)
}

pub(crate) fn keys(table: &Table, files: &Files) -> Option<Keys> {
    let path = Path::ROOT.key("keys");
    let signing = table.list("signing")?.iter().map(|item| {
        Some(Written {
            value: item.parse(|text| place::secret(text, files.directory()))?,
            place: files.written(item.at()?, &path.key("signing")),
        })
    });
    Some(Keys { signing: signing.collect::<Option<_>>()? })
}

pub(crate) fn log(table: &Table, files: &Files) -> Option<Log> {
    let access = table.value("access")?;
    Some(Log {
        level: match table.text("level")? {
            "error" => LogLevel::Error,
            "warn" => LogLevel::Warn,
            "info" => LogLevel::Info,
            "debug" => LogLevel::Debug,
            "trace" => LogLevel::Trace,
            _ => return None,
        },
        access: match access.text()? {
            "off" => AccessLog::Off,
            "errors" => AccessLog::Errors,
            "stdout" => AccessLog::Stdout,
            "stderr" => AccessLog::Stderr,
            _ => AccessLog::File(resolve(&access.parse(place::log_file)?, files)),
        },
        format: match table.text("format")? {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            "combined" => LogFormat::Combined,
            _ => return None,
        },
        redact: table.parse_list("redact", |text| name::redaction(text).map(Redaction::Query))?,
    })
}

fn token(table: &Table, files: &Files) -> Option<Token> {
    let token = table.value("token")?;
    Some(Token {
        name: table.parse("name", name::object)?,
        token: token.parse(|text| place::secret(text, files.directory()))?,
        role: match table.text("role")? {
            "read" => Role::Read,
            "operate" => Role::Operate,
            "admin" => Role::Admin,
            _ => return None,
        },
    })
}

/// A relative path starts at the main file, so that it means the same wherever the process is
/// started.
fn resolve(path: &path::Path, files: &Files) -> PathBuf {
    files.directory().join(path)
}
