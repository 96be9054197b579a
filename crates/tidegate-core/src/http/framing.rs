//! Where a body ends: the strict reading of Content-Length and Transfer-Encoding (RFC 9112, section
//! 6).
//!
//! Two servers that disagree on the end of a body can be made to read one client's bytes as
//! another's request. So nothing here is repaired: what could be read in two ways is refused.

use thiserror::Error;

use super::head::{BodyLength, Version};

/// Why a message's framing is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FramingError {
    /// Both Content-Length and Transfer-Encoding.
    #[error("both content-length and transfer-encoding")]
    Ambiguous,
    /// More than one Content-Length, or a list.
    #[error("more than one content-length")]
    RepeatedLength,
    /// A Content-Length that is not a plain decimal of at most 64 bits.
    #[error("content-length is not a plain decimal number")]
    BadLength,
    /// A Transfer-Encoding other than `chunked` alone.
    #[error("transfer-encoding is not exactly one `chunked`")]
    BadTransferEncoding,
    /// A transfer coding that exists but is not supported.
    #[error("unsupported transfer coding")]
    UnknownCoding,
    /// Transfer-Encoding in an HTTP/1.0 message.
    #[error("transfer-encoding in HTTP/1.0")]
    OldTransferEncoding,
}

/// Gathers the framing fields of one message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framing {
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    /// Takes the value of a Content-Length field.
    pub fn content_length(&mut self, value: &[u8]) -> Result<(), FramingError> {
        if self.length.is_some() || value.contains(&b',') {
            return Err(FramingError::RepeatedLength);
        }
        self.length = Some(decimal(value).ok_or(FramingError::BadLength)?);
        Ok(())
    }

    /// Takes the value of a Transfer-Encoding field.
    pub fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), FramingError> {
        const CODINGS: [&str; 7] =
            ["gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"];
        if self.chunked {
            return Err(FramingError::BadTransferEncoding);
        }
        if value.eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
            return Ok(());
        }
        let known = CODINGS.iter().any(|coding| value.eq_ignore_ascii_case(coding.as_bytes()));
        Err(if known { FramingError::UnknownCoding } else { FramingError::BadTransferEncoding })
    }

    /// The length of a request's body.
    pub fn request(self, version: Version) -> Result<BodyLength, FramingError> {
        match (self.chunked, self.length) {
            (true, _) if version == Version::Http10 => Err(FramingError::OldTransferEncoding),
            (true, Some(_)) => Err(FramingError::Ambiguous),
            (true, None) => Ok(BodyLength::Chunked),
            (false, None | Some(0)) => Ok(BodyLength::Empty),
            (false, Some(length)) => Ok(BodyLength::Exact(length)),
        }
    }

    /// The length of a response's body, when the status and the request's method allow one.
    pub fn response(self, version: Version) -> Result<BodyLength, FramingError> {
        match self.request(version) {
            Ok(BodyLength::Empty) if self.length.is_none() => Ok(BodyLength::UntilEnd),
            other => other,
        }
    }

    /// Whether the message claims a body: what a 204 or an interim response must not do.
    #[must_use]
    pub fn claims_body(self) -> bool {
        self.chunked || self.length.is_some_and(|length| length > 0)
    }
}

/// A decimal number without sign, space or leading zero; `None` also when it exceeds 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_length(value: &str, expected: Option<u64>) {
        assert_eq!(decimal(value.as_bytes()), expected, "{value:?}");
    }

    #[test]
    fn only_a_plain_decimal_is_a_length() {
        check_length("0", Some(0));
        check_length("18446744073709551615", Some(u64::MAX));
        for bad in ["", "+1", "-0", "0x1", "1_0", "1 0", "01", "18446744073709551616", "1a", "९"]
        {
            check_length(bad, None);
        }
    }

    #[test]
    fn a_second_length_is_refused_even_when_equal() {
        let mut framing = Framing::default();
        assert_eq!(framing.content_length(b"5"), Ok(()));
        assert_eq!(framing.content_length(b"5"), Err(FramingError::RepeatedLength));
        assert_eq!(Framing::default().content_length(b"5, 5"), Err(FramingError::RepeatedLength));
    }

    #[test]
    fn transfer_encoding_is_chunked_or_refused() {
        for bad in
            ["xchunked", "identity", "chunked, gzip", "chunked,", ",chunked", "", "chunked;q=1"]
        {
            let error = Framing::default().transfer_encoding(bad.as_bytes());
            assert_eq!(error, Err(FramingError::BadTransferEncoding), "{bad:?}");
        }
        assert_eq!(Framing::default().transfer_encoding(b"gzip"), Err(FramingError::UnknownCoding));
        assert_eq!(Framing::default().transfer_encoding(b"Chunked"), Ok(()));
    }

    #[test]
    fn both_framings_are_ambiguous() {
        let mut framing = Framing::default();
        framing.content_length(b"5").expect("a length");
        framing.transfer_encoding(b"chunked").expect("a coding");
        assert_eq!(framing.request(Version::Http11), Err(FramingError::Ambiguous));
        assert_eq!(framing.request(Version::Http10), Err(FramingError::OldTransferEncoding));
    }
}
