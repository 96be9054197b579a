//! Which sale binds when, as tables of moments: once and again, around midnight, and where clocks
//! are put forward and back. Deliberately absent: how times are written, which is tested beside
//! their parser.

use proptest::prelude::*;

use super::*;
use crate::model::autoscale::SaleWants;
use crate::model::zone::Zone;

const MINUTE: Duration = Duration::from_secs(60);

/// A moment as people write it, with its offset from UTC: `2026-11-27T00:00 +08:00`.
fn moment(text: &str) -> UnixTime {
    let (wall, offset) = text.split_once(' ').expect("a time and an offset");
    let (hours, minutes) = offset[1..].split_once(':').expect("hours and minutes");
    let number = |text: &str| text.parse::<i32>().expect("a number");
    let seconds = number(hours) * 3600 + number(minutes) * 60;
    let seconds = if offset.starts_with('-') { -seconds } else { seconds };
    WallTime::parse(wall).and_then(|wall| wall.at_offset(seconds)).expect("on the calendar")
}

fn sale(from: &str, to: &str, repeat: Option<(Every, &str)>) -> Sale {
    let repeat = repeat.map(|(every, zone)| Repeat { every, zone: Zone::named(zone).expect(zone) });
    let (from, to) = (moment(from), moment(to));
    Sale { name: "sale".to_owned(), from, to, wants: SaleWants::Min(12), repeat }
}

/// The occurrence that binds at a moment with half an hour's lead.
fn binding(sale: &Sale, at: &str) -> Option<(UnixTime, UnixTime)> {
    let due = upcoming(std::slice::from_ref(sale), moment(at), 30 * MINUTE);
    due.first().map(|due| (due.from, due.to))
}

/// What binds at each of these moments: the beginning and the end of an occurrence, or nothing.
type Table<'a> = &'a [(&'a str, Option<(&'a str, &'a str)>)];

#[track_caller]
fn check(sale: &Sale, table: Table<'_>) {
    for (at, expected) in table {
        let expected = expected.map(|(from, to)| (moment(from), moment(to)));
        assert_eq!(binding(sale, at), expected, "at {at}");
    }
}

#[test]
fn a_sale_binds_a_lead_before_it_begins_and_until_it_is_over() {
    let days = ("2026-11-27T00:00 +08:00", "2026-11-27T02:00 +08:00");
    check(
        &sale(days.0, days.1, None),
        &[
            ("2026-11-26T23:29:59 +08:00", None),
            ("2026-11-26T23:30 +08:00", Some(days)),
            ("2026-11-26T16:00 +00:00", Some(days)),
            ("2026-11-27T01:59:59 +08:00", Some(days)),
            ("2026-11-27T02:00 +08:00", None),
            ("2026-11-28T00:00 +08:00", None),
        ],
    );
}

#[test]
fn a_daily_sale_comes_again_and_not_before_its_first() {
    let first = ("2026-11-27T12:00 +08:00", "2026-11-27T13:00 +08:00");
    let second = ("2026-11-28T12:00 +08:00", "2026-11-28T13:00 +08:00");
    check(
        &sale(first.0, first.1, Some((Every::Day, "Asia/Shanghai"))),
        &[
            ("2026-11-26T12:30 +08:00", None),
            ("2026-11-27T12:30 +08:00", Some(first)),
            ("2026-11-27T13:00 +08:00", None),
            ("2026-11-28T11:29 +08:00", None),
            ("2026-11-28T11:30 +08:00", Some(second)),
            ("2026-11-28T12:59 +08:00", Some(second)),
            (
                "2031-02-28T12:00 +08:00",
                Some(("2031-02-28T12:00 +08:00", "2031-02-28T13:00 +08:00")),
            ),
        ],
    );
}

#[test]
fn a_sale_may_span_midnight_and_the_year() {
    let evening = ("2026-12-31T23:00 +00:00", "2027-01-01T02:00 +00:00");
    check(
        &sale("2026-12-01T23:00 +00:00", "2026-12-02T02:00 +00:00", Some((Every::Day, "UTC"))),
        &[
            ("2026-12-31T22:29 +00:00", None),
            ("2026-12-31T22:45 +00:00", Some(evening)),
            ("2027-01-01T01:59 +00:00", Some(evening)),
            ("2027-01-01T02:00 +00:00", None),
        ],
    );
}

#[test]
fn a_weekly_sale_comes_on_its_day() {
    let friday = ("2026-12-04T18:00 +01:00", "2026-12-06T00:00 +01:00");
    check(
        &sale(
            "2026-11-27T18:00 +01:00",
            "2026-11-29T00:00 +01:00",
            Some((Every::Week, "Europe/Berlin")),
        ),
        &[
            ("2026-11-29T00:00 +01:00", None),
            ("2026-12-03T18:00 +01:00", None),
            ("2026-12-04T17:30 +01:00", Some(friday)),
            ("2026-12-05T23:59 +01:00", Some(friday)),
            ("2026-12-06T00:00 +01:00", None),
        ],
    );
}

#[test]
fn a_sale_of_the_whole_day_always_binds() {
    let whole =
        sale("2026-01-01T00:00 +00:00", "2026-01-02T00:00 +00:00", Some((Every::Day, "UTC")));
    for hour in 0..24 * 400 {
        let at = UnixTime::from_millis(whole.from.as_millis() + hour * 3_600_000);
        assert_eq!(upcoming(std::slice::from_ref(&whole), at, Duration::ZERO).len(), 1);
    }
}

#[test]
fn the_clock_on_the_wall_decides_in_summer_as_in_winter() {
    check(
        &sale(
            "2026-01-05T12:00 +01:00",
            "2026-01-05T13:00 +01:00",
            Some((Every::Day, "Europe/Berlin")),
        ),
        &[
            (
                "2026-07-01T12:30 +02:00",
                Some(("2026-07-01T12:00 +02:00", "2026-07-01T13:00 +02:00")),
            ),
            ("2026-07-01T13:00 +02:00", None),
            (
                "2026-12-01T12:30 +01:00",
                Some(("2026-12-01T12:00 +01:00", "2026-12-01T13:00 +01:00")),
            ),
        ],
    );
}

/// Berlin: at 02:00 of 28 March 2027 clocks are put forward to 03:00.
#[test]
fn a_time_that_the_clock_skips_is_read_both_ways() {
    let berlin = Some((Every::Day, "Europe/Berlin"));
    let begins = sale("2027-03-01T02:30 +01:00", "2027-03-01T05:00 +01:00", berlin);
    let that_day = ("2027-03-28T02:30 +02:00", "2027-03-28T05:00 +02:00");
    check(
        &begins,
        &[
            (
                "2027-03-27T02:15 +01:00",
                Some(("2027-03-27T02:30 +01:00", "2027-03-27T05:00 +01:00")),
            ),
            ("2027-03-28T01:30 +01:00", Some(that_day)),
            ("2027-03-28T04:59 +02:00", Some(that_day)),
            ("2027-03-28T05:00 +02:00", None),
            (
                "2027-03-29T02:30 +02:00",
                Some(("2027-03-29T02:30 +02:00", "2027-03-29T05:00 +02:00")),
            ),
        ],
    );
    let ends = sale("2027-03-01T00:00 +01:00", "2027-03-01T02:30 +01:00", berlin);
    let that_day = ("2027-03-28T00:00 +01:00", "2027-03-28T02:30 +01:00");
    check(&ends, &[("2027-03-28T03:29 +02:00", Some(that_day)), ("2027-03-28T03:30 +02:00", None)]);
}

/// New York: at 02:00 of 1 November 2026 clocks are put back to 01:00.
#[test]
fn a_time_that_the_clock_shows_twice_begins_the_first_and_ends_the_second() {
    let new_york = Some((Every::Day, "America/New_York"));
    let begins = sale("2026-10-01T01:30 -04:00", "2026-10-01T03:00 -04:00", new_york);
    let that_day = ("2026-11-01T01:30 -04:00", "2026-11-01T03:00 -05:00");
    check(
        &begins,
        &[
            ("2026-11-01T00:59 -04:00", None),
            ("2026-11-01T01:00 -04:00", Some(that_day)),
            ("2026-11-01T01:10 -05:00", Some(that_day)),
            ("2026-11-01T03:00 -05:00", None),
        ],
    );
    let ends = sale("2026-10-01T00:00 -04:00", "2026-10-01T01:30 -04:00", new_york);
    let that_day = ("2026-11-01T00:00 -04:00", "2026-11-01T01:30 -05:00");
    check(&ends, &[("2026-11-01T01:29 -05:00", Some(that_day)), ("2026-11-01T01:30 -05:00", None)]);
}

/// Samoa: there was no 30 December 2011, clocks went from the 29th to the 31st.
#[test]
fn a_day_that_a_zone_skips_keeps_no_sale_from_coming_again() {
    check(
        &sale(
            "2011-12-01T12:00 -10:00",
            "2011-12-01T13:00 -10:00",
            Some((Every::Day, "Pacific/Apia")),
        ),
        &[
            (
                "2011-12-29T12:30 -10:00",
                Some(("2011-12-29T12:00 -10:00", "2011-12-29T13:00 -10:00")),
            ),
            (
                "2012-01-01T12:30 +14:00",
                Some(("2012-01-01T12:00 +14:00", "2012-01-01T13:00 +14:00")),
            ),
            ("2012-01-01T13:00 +14:00", None),
        ],
    );
}

#[test]
fn sales_bind_in_the_order_of_the_configuration() {
    let from = "2026-11-27T00:00 +00:00";
    let named = |name: &str, to| Sale { name: name.to_owned(), ..sale(from, to, None) };
    let sales = [
        named("long", "2026-11-29T00:00 +00:00"),
        named("short", "2026-11-27T01:00 +00:00"),
        named("day", "2026-11-28T00:00 +00:00"),
    ];
    let due = upcoming(&sales, moment("2026-11-27T12:00 +00:00"), Duration::ZERO);
    let names: Vec<&str> = due.iter().map(|due| due.sale.name.as_str()).collect();
    assert_eq!(names, ["long", "day"]);
}

fn any_sale() -> impl Strategy<Value = Sale> {
    const ZONES: [&str; 5] =
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"];
    let repeat = prop_oneof![Just(None), Just(Some(Every::Day)), Just(Some(Every::Week))];
    (proptest::sample::select(&ZONES[..]), repeat, 0u64..2_000_000, 1u64..=1440).prop_map(
        |(zone, every, minutes, lasts)| {
            let from = UnixTime::from_millis(1_230_768_000_000 + minutes * 60_000);
            let zone = Zone::named(zone).expect("it is known");
            Sale {
                name: "sale".to_owned(),
                from,
                to: UnixTime::from_millis(from.as_millis() + lasts * 60_000),
                wants: SaleWants::Factor(2.0),
                repeat: every.map(|every| Repeat { every, zone }),
            }
        },
    )
}

proptest! {
    /// Nothing binds before its lead, after its end, or before the first occurrence.
    #[test]
    fn no_sale_binds_outside_its_time(
        sale in any_sale(),
        ahead in -3_000_000i64..6_000_000,
        lead in 0u64..3000,
    ) {
        let first = i64::try_from(sale.from.as_millis() / 60_000).expect("small");
        let at = UnixTime::from_millis(u64::try_from(first + ahead).expect("past 1970") * 60_000);
        let lead = Duration::from_secs(lead * 60);
        for due in upcoming(std::slice::from_ref(&sale), at, lead) {
            let begins = due.from.as_millis() - u64::try_from(lead.as_millis()).expect("small");
            prop_assert!(begins <= at.as_millis() && at < due.to);
            prop_assert!(due.from < due.to && sale.from <= due.from);
        }
    }

    /// While the clock shows a time of the sale on one of its days, it binds.
    #[test]
    fn a_sale_binds_whenever_the_clock_shows_its_time(
        sale in any_sale(),
        days in 0u64..1500,
        part in 0u64..1440,
    ) {
        let Some(repeat) = &sale.repeat else { return Ok(()) };
        let period = if repeat.every == Every::Day { 1 } else { 7 };
        let lasts = sale.to.as_millis() - sale.from.as_millis();
        let zone = &repeat.zone;
        let (from, to) = (zone.wall(sale.from), zone.wall(sale.to));
        let later = |wall: Option<WallTime>| wall.and_then(|wall| wall.days_later(days * period));
        let start = zone.earliest(later(from).expect("on the calendar")).expect("past 1970");
        let at = UnixTime::from_millis(start.as_millis() + lasts * part / 1440);
        let shown = zone.wall(at);
        if at >= sale.from && later(from) <= shown && shown < later(to) {
            let due = upcoming(std::slice::from_ref(&sale), at, Duration::ZERO);
            prop_assert_eq!(due.len(), 1);
        }
    }

    #[test]
    fn no_moment_makes_it_panic(sale in any_sale(), at: u64, lead: u64) {
        let (at, lead) = (UnixTime::from_millis(at), Duration::from_millis(lead));
        prop_assert!(upcoming(std::slice::from_ref(&sale), at, lead).len() <= 1);
    }
}
