//! Points in time (RFC 3339), or what a clock on the wall shows, and time zones.

use super::fault::{Fault, Format};
use crate::model::zone::{WallTime, Zone};
use crate::time::UnixTime;

/// A point in time.
pub(crate) static TIME: Format = Format {
    name: "a time",
    expected: "a date and a time, such as \"2026-11-27T00:00:00+08:00\"",
    example: "2026-11-27T00:00:00+08:00",
    pattern: Some(concat!(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?",
        r"([Zz]|[+-][0-9]{2}:[0-9]{2})?$",
    )),
    unit: None,
    check: |text| time(text).map(drop),
};

/// The name of a time zone.
pub(crate) static ZONE: Format = Format {
    name: "a time zone",
    expected: "the name of a time zone, such as \"Asia/Shanghai\"",
    example: "Asia/Shanghai",
    pattern: Some("^[A-Za-z0-9_+/-]+$"),
    unit: None,
    check: |text| zone(text).map(drop),
};

/// A time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeText {
    /// With its offset from UTC.
    Exact(UnixTime),
    /// Without: what the clock of some zone shows.
    Wall(WallTime),
}

/// A time, from the year 1970 on.
pub(crate) fn time(text: &str) -> Result<TimeText, Fault> {
    let (clock, offset) = split(text).ok_or_else(Fault::default)?;
    let wall = WallTime::parse(clock)
        .ok_or_else(|| Fault::because(format!("\"{clock}\" is on no calendar or no clock")))?;
    let Some(offset) = offset else { return Ok(TimeText::Wall(wall)) };
    let exact = self::offset(offset).and_then(|seconds| wall.at_offset(seconds));
    exact.map(TimeText::Exact).ok_or_else(Fault::default)
}

pub(crate) fn zone(text: &str) -> Result<Zone, Fault> {
    match Zone::named(text) {
        Some(zone) if zone.name() == text => Ok(zone),
        Some(zone) => Err(Fault::default().nearest(Some(zone.name()))),
        None => Err(Fault::default().nearest(Zone::resembling(text))),
    }
}

/// The clock's part, and the offset if there is one: RFC 3339, section 5.6, but that seconds may be
/// missing.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd";
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        form => byte == form,
    };
    let bytes = text.as_bytes();
    if bytes.len() < FORM.len() || !bytes.iter().zip(FORM).all(fits) {
        return None;
    }
    let start = text
        .find(['Z', 'z', '+'])
        .or_else(|| text[FORM.len()..].find('-').map(|at| at + FORM.len()));
    let (clock, offset) = text.split_at(start.unwrap_or(text.len()));
    let seconds = &clock[FORM.len()..];
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.is_empty() && !seconds.starts_with('.')
        || whole.strip_prefix(':').is_some_and(|digit| digit.len() == 2 && digits(digit));
    (whole && digits(part)).then_some((clock, start.map(|_| offset)))
}

/// Seconds east of UTC.
fn offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| digits)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_exact_with_an_offset_and_on_the_wall_without() {
        for (text, secs) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T08:00:00+08:00", 0),
            ("1970-01-01t00:00:01z", 1),
            ("1970-01-01 00:01Z", 60),
            ("2026-11-27T00:00:00+08:00", 1_795_708_800),
            ("2026-11-26T11:30:00.25-04:30", 1_795_708_800),
        ] {
            let TimeText::Exact(at) = time(text).expect(text) else { panic!("{text}") };
            assert_eq!(at.as_secs(), secs, "{text}");
        }
        for text in ["2026-11-27T00:00:00", "2026-11-27 00:00"] {
            assert!(matches!(time(text), Ok(TimeText::Wall(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-11-27",
            "00:00:00",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-02-01T25:00:00Z",
            "2026-02-01T00:00:00+8:00",
            "2026-02-01T00:00:00+24:00",
            "2026-02-01T00:00:00+08",
            "2026-02-01T00:00:0Z",
            "2026-02-01T00:00.5Z",
            "2026-02-01T00:00:00Z[UTC]",
            "1969-12-31T23:59:59Z",
            "+002026-02-01T00:00Z",
            "é026-02-01T00:00:00Z",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zones_are_known_by_their_names() {
        for text in ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin"] {
            assert_eq!(zone(text).expect(text).name(), text);
        }
        for (text, nearest) in [
            ("asia/shanghai", Some("Asia/Shanghai")),
            ("Shanghai", Some("Asia/Shanghai")),
            ("America/New York", Some("America/New_York")),
            ("Mars/Olympus", None),
            ("", None),
        ] {
            assert_eq!(zone(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZz:+. é-]{0,30}") {
            let _ = time(&text);
            let _ = zone(&text);
        }

        #[test]
        fn an_offset_moves_the_same_moment(
            secs in 86_400u64..4_000_000_000,
            minutes in -1439i32..=1439,
        ) {
            let utc = Zone::utc();
            let local = i64::try_from(secs).expect("small") + i64::from(minutes) * 60;
            let wall = utc.wall(UnixTime::from_millis(u64::try_from(local).expect("past") * 1000));
            let sign = if minutes < 0 { '-' } else { '+' };
            let (wall, hours) = (wall.expect("on the clock"), minutes.abs() / 60);
            let text = format!("{wall}{sign}{hours:02}:{:02}", minutes.abs() % 60);
            prop_assert_eq!(time(&text), Ok(TimeText::Exact(UnixTime::from_millis(secs * 1000))));
        }
    }
}
