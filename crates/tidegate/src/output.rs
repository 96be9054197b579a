//! What commands print: results on standard output, mistakes on standard error.
//!
//! When whoever reads the output goes away (`tidegate status | head -1`), the command ends without
//! a word. Colours appear on a terminal only, and never where `NO_COLOR` is set.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Error;
use serde::Serialize;

/// Prints a line, or several.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Prints a value as JSON for people and programs.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> io::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints lines on standard error. There is nowhere to report that this fails, so nothing does.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Ends a command that failed.
pub(crate) fn failure(error: &Error) -> ExitCode {
    if !is_reader_gone(error) {
        complain(&format!("tidegate: {error:#}"));
    }
    ExitCode::FAILURE
}

fn is_reader_gone(error: &Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Whether standard output shows colours.
pub(crate) fn is_colourful() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
