//! `tidegate proxy`: a balancer without a file.
//!
//! The arguments stand for a file, which `--print-config` prints; nothing can be said here that a
//! file cannot say.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use tidegate_control::observe::config_file::Origin;
use tidegate_control::release::facts::Word;
use tidegate_core::config::proxy::{Arguments, proxy_config};

use crate::output;
use crate::serve::serve;

/// Run a balancer without a file
#[derive(Debug, Args)]
pub(super) struct Proxy {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// A server to balance over; give one for each
    #[arg(long, required = true, value_name = "ADDRESS")]
    to: Vec<String>,
    /// The rule by which a server is picked
    #[arg(long, value_name = "RULE")]
    balance: Option<String>,
    /// Check the servers at this path
    #[arg(long, value_name = "PATH")]
    health: Option<String>,
    /// Speak TLS with this certificate, followed by its chain, in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<String>,
    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<String>,
    /// Print the file that the arguments stand for, and run nothing
    #[arg(long)]
    print_config: bool,
}

impl Proxy {
    pub(super) fn run(self) -> Result<ExitCode> {
        let text = proxy_config(&Arguments {
            listen: &self.listen,
            to: &self.to,
            balance: self.balance.as_deref(),
            health: self.health.as_deref(),
            certificate: self.certificate.as_deref().zip(self.key.as_deref()),
        });
        if self.print_config {
            output::bytes(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        serve(Origin::Text { name: "command line".to_owned(), text }, Word::OfFacts)
    }
}
