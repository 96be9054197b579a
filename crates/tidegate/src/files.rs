//! Which configuration file is meant.

use std::path::{Path, PathBuf};

use tidegate_control::observe::config_file::Origin;
use tidegate_core::config::diagnostic::{Diagnostic, Severity};

/// Where a configuration is looked for when none is named, in this order.
const PLACES: [&str; 2] = ["tidegate.toml", "/etc/tidegate/tidegate.toml"];

/// The configuration that is meant: the file named, or the first that exists.
///
/// # Errors
/// When none is named and none exists. One that is named and missing is the loader's to report.
pub(crate) fn locate(named: Option<PathBuf>) -> Result<Origin, Box<Diagnostic>> {
    let found = || PLACES.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned);
    named.or_else(found).map(Origin::File).ok_or_else(|| Box::new(nothing_found()))
}

fn nothing_found() -> Diagnostic {
    Diagnostic {
        file: PLACES[0].to_owned(),
        line: 1,
        column: 1,
        severity: Severity::Error,
        key: String::new(),
        message: format!("no such file, and neither is there {}", PLACES[1]),
        expected: Some("a configuration there, or -c FILE".to_owned()),
        nearest: None,
    }
}
