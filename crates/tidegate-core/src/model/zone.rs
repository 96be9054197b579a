//! Time zones: what clocks on the wall show at a moment, and at which moment they show it.
//!
//! The rules of all zones are part of the program, so that nothing is read and every balancer of a
//! fleet knows the same; a release carries those of its day.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use crate::time::UnixTime;

/// A time zone of the IANA database.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// What a clock on the wall shows: a date and a time of some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(DateTime);

impl Zone {
    /// Universal time, whose clocks are never put forward or back.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The zone of this name, whose case does not matter.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("UTC") {
            return Some(Self::utc());
        }
        TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }

    /// The name of a zone whose city, or all of it, is written so or nearly so.
    #[must_use]
    pub fn resembling(text: &str) -> Option<String> {
        let plain = |text: &str| text.replace([' ', '-'], "_").to_ascii_lowercase();
        let wanted = plain(text);
        let resembles = |name: &str| {
            let name = plain(name);
            name == wanted || name.rsplit('/').next() == Some(&wanted)
        };
        let zones = TimeZoneDatabase::bundled();
        zones.available().map(|name| name.to_string()).find(|name| resembles(name))
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What its clocks show; `None` for a moment beyond the year 9999.
    #[must_use]
    pub fn wall(&self, at: UnixTime) -> Option<WallTime> {
        let millis = i64::try_from(at.as_millis()).ok()?;
        Some(WallTime(self.0.to_datetime(Timestamp::from_millisecond(millis).ok()?)))
    }

    /// The moment at which its clocks show a time; the earlier one if they show it twice, or skip
    /// it and it can be read either way.
    #[must_use]
    pub fn earliest(&self, wall: WallTime) -> Option<UnixTime> {
        unix(self.0.to_ambiguous_timestamp(wall.0).earlier().ok()?)
    }

    /// The same with the later one.
    #[must_use]
    pub fn latest(&self, wall: WallTime) -> Option<UnixTime> {
        unix(self.0.to_ambiguous_timestamp(wall.0).later().ok()?)
    }

    /// Whether its clocks never show a time because they are put forward over it.
    #[must_use]
    pub fn skips(&self, wall: WallTime) -> bool {
        matches!(self.0.to_ambiguous_timestamp(wall.0).offset(), AmbiguousOffset::Gap { .. })
    }
}

impl WallTime {
    /// Reads `2026-11-27T00:00:00`, with a blank for the `T` and without seconds as well.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The moment at which a clock shows it that is `seconds` before that of universal time.
    #[must_use]
    pub fn at_offset(self, seconds: i32) -> Option<UnixTime> {
        unix(Offset::from_seconds(seconds).ok()?.to_timestamp(self.0).ok()?)
    }

    /// The same time of the clock, days later.
    #[must_use]
    pub fn days_later(self, days: u64) -> Option<Self> {
        let span = Span::new().try_days(i64::try_from(days).ok()?).ok()?;
        self.0.checked_add(span).ok().map(Self)
    }
}

/// `None` before 1970.
fn unix(at: Timestamp) -> Option<UnixTime> {
    u64::try_from(at.as_millisecond()).ok().map(UnixTime::from_millis)
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
