//! The Date field of responses that came without one, written once a second.

use std::io::Write;
use std::time::{Duration, SystemTime};

use httpdate::HttpDate;
use tidegate_core::time::UnixTime;

/// The current second, in the form of RFC 9110, section 5.6.7.
#[derive(Debug)]
pub(crate) struct Date {
    second: u64,
    text: Vec<u8>,
}

impl Date {
    /// The second of `now`.
    pub(crate) fn at(now: UnixTime) -> Self {
        let mut date = Self { second: now.as_secs(), text: Vec::new() };
        date.write();
        date
    }

    /// Moves to the second of `now`.
    pub(crate) fn update(&mut self, now: UnixTime) {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.write();
        }
    }

    fn write(&mut self) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.second);
        self.text.clear();
        write!(self.text, "{}", HttpDate::from(time)).expect("a vector takes every byte");
    }

    /// The field's value.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}
