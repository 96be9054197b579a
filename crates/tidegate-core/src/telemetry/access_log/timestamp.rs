//! Wall-clock time as text, in UTC.
//!
//! Days become dates by Howard Hinnant's `civil_from_days` ("chrono-Compatible Low-Level Date
//! Algorithms"), which counts years from March, so that the leap day is the last day of a year.

use super::number::padded;
use crate::time::UnixTime;

/// Appends the time as RFC 3339 with milliseconds: `2026-02-03T04:05:06.789Z`.
pub(super) fn rfc3339(time: UnixTime, out: &mut Vec<u8>) {
    let civil = Civil::from(time);
    for (number, width, after) in [
        (civil.year, 4, b'-'),
        (civil.month, 2, b'-'),
        (civil.day, 2, b'T'),
        (civil.hour, 2, b':'),
        (civil.minute, 2, b':'),
        (civil.second, 2, b'.'),
        (civil.milli, 3, b'Z'),
    ] {
        padded(number, width, out);
        out.push(after);
    }
}

/// Appends the time as the common log format has it: `03/Feb/2026:04:05:06 +0000`.
pub(super) fn common_log(time: UnixTime, out: &mut Vec<u8>) {
    let civil = Civil::from(time);
    padded(civil.day, 2, out);
    out.push(b'/');
    out.extend_from_slice(MONTHS[civil.month as usize - 1]);
    out.push(b'/');
    padded(civil.year, 4, out);
    for number in [civil.hour, civil.minute, civil.second] {
        out.push(b':');
        padded(number, 2, out);
    }
    out.extend_from_slice(b" +0000");
}

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The last millisecond of the year 9999: later years have no place in either format.
const LAST: u64 = 253_402_300_799_999;

struct Civil {
    year: u64,
    /// 1 to 12.
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u64,
}

impl From<UnixTime> for Civil {
    fn from(time: UnixTime) -> Self {
        let millis = time.as_millis().min(LAST);
        let (year, month, day) = date(millis / 86_400_000);
        let second_of_day = millis / 1000 % 86_400;
        Self {
            year,
            month,
            day,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
            milli: millis % 1000,
        }
    }
}

/// Year, month and day of the day that is `days` after 1970-01-01.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(millis: u64, rfc: &str, common: &str) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        rfc3339(UnixTime::from_millis(millis), &mut left);
        common_log(UnixTime::from_millis(millis), &mut right);
        assert_eq!(String::from_utf8_lossy(&left), rfc);
        assert_eq!(String::from_utf8_lossy(&right), common);
    }

    #[test]
    fn times_read_as_dates() {
        check(0, "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z", "28/Feb/2000:23:59:59 +0000");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z", "29/Feb/2000:00:00:00 +0000");
        check(1_770_091_506_789, "2026-02-03T04:05:06.789Z", "03/Feb/2026:04:05:06 +0000");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z", "01/Mar/2100:00:00:00 +0000");
        check(u64::MAX, "9999-12-31T23:59:59.999Z", "31/Dec/9999:23:59:59 +0000");
    }

    /// Day by day through all years that can be shown, against the rule of the calendar.
    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = (1970, 1, 1);
        for days in 0..=LAST / 86_400_000 {
            assert_eq!(date(days), expected);
            expected = next(expected);
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    fn next((year, month, day): (u64, u64, u64)) -> (u64, u64, u64) {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + u64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        match (month, day) {
            (12, 31) => (year + 1, 1, 1),
            (_, last) if last == length => (year, month + 1, 1),
            _ => (year, month, day + 1),
        }
    }
}
