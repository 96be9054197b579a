//! The arguments that say which running balancer a command is about, and how its answer is shown.

use clap::Args;

use crate::admin::Address;

/// Which running balancer is meant.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// The admin API of the balancer: http://HOST:PORT or unix:PATH
    #[arg(
        long,
        value_name = "URL",
        env = "TIDEGATE_ADMIN",
        default_value = "http://127.0.0.1:9900"
    )]
    pub(super) admin: Address,
}

/// Which running balancer is meant, and for whom the answer is.
#[derive(Debug, Args)]
pub(super) struct Look {
    #[command(flatten)]
    pub(super) remote: Remote,
    /// Print what the admin API answers, as JSON
    #[arg(long)]
    pub(super) json: bool,
}
