//! The log of the program itself, on standard error. The access log is a module of its own.
//!
//! Its lines are JSON where the configuration's `log.format` says so, else text; a terminal gets text in any
//! case, since a person reads it.

pub(crate) mod access;

use std::io::{self, IsTerminal};

use tidegate_core::model::node::{Log, LogFormat, LogLevel};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

/// Begins to log. The first call stands, for the life of the process.
pub(crate) fn start(log: &Log) {
    let terminal = io::stderr().is_terminal();
    let subscriber = fmt()
        .with_writer(io::stderr)
        .with_max_level(level(log.level))
        .with_ansi(terminal)
        .with_target(false);
    // The one failure is that somebody was first.
    let _ = match log.format {
        LogFormat::Json if !terminal => subscriber.json().flatten_event(true).try_init(),
        _ => subscriber.try_init(),
    };
}

const fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
