//! Who ended an exchange, and why: two letters in the access log.
//!
//! | first | who | | second | why |
//! |---|---|---|---|---|
//! | `-` | nobody: it came to its end | | `D` | done |
//! | `C` | the client | | `R` | reset or closed too early |
//! | `S` | the server | | `T` | too slow |
//! | `T` | tidegate | | `L` | over a limit |
//! | | | | `I` | invalid: not HTTP as it should be |
//! | | | | `C` | no connection |
//! | | | | `N` | no route |
//! | | | | `U` | no server available |
//! | | | | `P` | policy: understood, and not allowed |
//! | | | | `S` | stopping |
//! | | | | `E` | an error of its own |
//!
//! The list is closed: a new way to end is a new line here. A letter means one thing in its column.

use super::words::words;

words! {
    /// How an exchange ended.
    pub enum Ending {
        /// The whole response went out, whatever its status code.
        Done => "-D",
        /// The client closed or reset before the end.
        ClientReset => "CR",
        /// The client sent or read too slowly.
        ClientTimeout => "CT",
        /// The request was over a limit of size, number or connections.
        ClientLimit => "CL",
        /// The request was malformed.
        ClientInvalid => "CI",
        /// No server could be connected to.
        ServerConnect => "SC",
        /// The server closed or reset before the whole response.
        ServerReset => "SR",
        /// The server did not respond, or did not go on, in time.
        ServerTimeout => "ST",
        /// The response was over a limit.
        ServerLimit => "SL",
        /// The response was malformed.
        ServerInvalid => "SI",
        /// No route takes the request.
        NoRoute => "TN",
        /// No server of the pool is available.
        NoServer => "TU",
        /// The request is understood and not allowed, as a method, an upgrade or a loop.
        Policy => "TP",
        /// The exchange used up its total time.
        TotalTimeout => "TT",
        /// The balancer stopped, and its grace was over.
        Stopping => "TS",
        /// Tidegate failed.
        Internal => "TE",
    }
}
