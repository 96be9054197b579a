//! `tidegate schema`: the JSON Schema of the configuration file, for editors.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use tidegate_core::config::schema::schema;

use crate::output;

/// Print the JSON Schema of the configuration file, for editors.
#[derive(Debug, Args)]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(self) -> Result<ExitCode> {
        output::json(&schema())?;
        Ok(ExitCode::SUCCESS)
    }
}
