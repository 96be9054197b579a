//! Words about sessions.

use super::words::words;

words! {
    /// Why a session left its server.
    pub enum Moved {
        /// The server is in the pool no more.
        Gone => "gone",
        /// It is unhealthy, ejected, not ready, or has weight 0.
        Unavailable => "unavailable",
        /// It is on its way out.
        Draining => "draining",
        /// It had far more to do than the others.
        Overloaded => "overloaded",
        /// It failed the request, and another served it.
        Failed => "failed",
    }
}

words! {
    /// Why a session cookie was not believed.
    pub enum CookieRefusal {
        /// We did not seal it, or not for this pool, or with a key that is no longer ours.
        Unsealed => "unsealed",
        /// Its time is over.
        Expired => "expired",
    }
}
