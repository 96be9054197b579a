//! The status of a gRPC call, and its place among those of HTTP.
//!
//! A call ends with a status of its own, behind a response that is 200 whatever happened. Rules
//! that speak of status codes, as `retry.on` and `passive.failures`, judge a call by the HTTP code
//! that means the same ([`Status::equivalent`], after `google.rpc.Code`).

macro_rules! statuses {
    ($($(#[$doc:meta])* $code:literal $variant:ident $word:literal $http:literal,)*) => {
        /// How a call ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Status {
            $($(#[$doc])* $variant = $code,)*
        }

        impl Status {
            /// All of them; each stands at its code.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$variant),*];

            /// Its word in metrics and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The HTTP status that means the same.
            #[must_use]
            pub const fn equivalent(self) -> u16 {
                match self {
                    $(Self::$variant => $http,)*
                }
            }
        }
    };
}

statuses! {
    /// It was served.
    0 Ok "ok" 200,
    /// Its client gave it up.
    1 Cancelled "cancelled" 499,
    /// It failed, and nobody said how.
    2 Unknown "unknown" 500,
    /// What it asked for makes no sense.
    3 InvalidArgument "invalid_argument" 400,
    /// Its time was up.
    4 DeadlineExceeded "deadline_exceeded" 504,
    /// What it asked for is not there.
    5 NotFound "not_found" 404,
    /// What it would create is there already.
    6 AlreadyExists "already_exists" 409,
    /// Its client may not.
    7 PermissionDenied "permission_denied" 403,
    /// Something that it needs is used up.
    8 ResourceExhausted "resource_exhausted" 429,
    /// The system is not in the state for it.
    9 FailedPrecondition "failed_precondition" 400,
    /// It lost against another.
    10 Aborted "aborted" 409,
    /// It went past an end.
    11 OutOfRange "out_of_range" 400,
    /// There is no such method.
    12 Unimplemented "unimplemented" 501,
    /// Something is broken.
    13 Internal "internal" 500,
    /// Nobody could serve it just now.
    14 Unavailable "unavailable" 503,
    /// Data is lost for good.
    15 DataLoss "data_loss" 500,
    /// Its client is not known.
    16 Unauthenticated "unauthenticated" 401,
}

impl Status {
    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The status of a call whose response has this HTTP status and says nothing of its own, by the
    /// mapping that gRPC publishes for its clients.
    #[must_use]
    pub const fn of_http(status: u16) -> Self {
        match status {
            400 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Status;

    #[test]
    fn each_stands_at_its_code_and_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Status::ALL.map(Status::as_str).into();
        assert_eq!(words.len(), 17);
        for (code, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(status.code()), code);
        }
    }

    #[test]
    fn only_what_went_well_is_no_error_to_http() {
        for status in Status::ALL {
            assert_eq!(status.equivalent() < 400, status == Status::Ok, "{status:?}");
        }
    }
}
