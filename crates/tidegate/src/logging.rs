//! The log of the program itself, on standard error. The access log is a module of its own.
//!
//! Its lines are JSON where the configuration's `log.format` says so, else text; a terminal gets
//! text in any case, since a person reads it. A reload changes the level, but not the shape of the
//! lines.

pub(crate) mod access;

use std::io::{self, IsTerminal};

use tidegate_core::model::node::{Log, LogFormat, LogLevel};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

/// The least severe level that is logged, which a reload may change.
#[derive(Clone, Debug)]
pub(crate) struct Level(reload::Handle<LevelFilter, Registry>);

impl Level {
    /// Logs at this level from now on.
    pub(crate) fn set(&self, level: LogLevel) {
        // The one failure is that nobody logs.
        let _ = self.0.reload(filter(level));
    }
}

/// Begins to log. The first call stands, for the life of the process.
pub(crate) fn start(log: &Log) -> Level {
    let (level, handle) = reload::Layer::new(filter(log.level));
    let terminal = io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false).with_target(false);
    let lines = match log.format {
        LogFormat::Json if !terminal => lines.json().flatten_event(true).boxed(),
        _ => lines.boxed(),
    };
    // The one failure is that somebody was first.
    let _ = tracing_subscriber::registry().with(level).with(lines).try_init();
    Level(handle)
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
