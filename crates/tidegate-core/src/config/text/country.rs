//! Countries, by the two letters of ISO 3166-1.

use super::fault::{Fault, Format};
use crate::model::audience::Country;

/// A country.
pub(crate) static COUNTRY: Format = Format {
    name: "a country",
    expected: "the two letters of a country (ISO 3166-1), such as \"DE\"",
    example: "DE",
    pattern: Some("^[A-Z]{2}$"),
    unit: None,
    check: |text| country(text).map(drop),
};

/// The codes that are assigned, and `XK`, by which databases know Kosovo.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ \
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW \
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY \
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV \
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG \
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA \
    ZM ZW";

pub(crate) fn country(text: &str) -> Result<Country, Fault> {
    let known = |text: &str| CODES.split(' ').any(|code| code == text);
    match Country::parse(text) {
        Some(country) if known(text) => Ok(country),
        _ => {
            let upper = text.to_ascii_uppercase();
            let nearest = match upper.as_str() {
                // What many write, and no database knows.
                "UK" => Some("GB"),
                "EL" => Some("GR"),
                upper => known(upper).then_some(upper),
            };
            Err(Fault::default().nearest(nearest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters_that_are_assigned() {
        assert_eq!(country("CN").expect("China").letters(), *b"CN");
        assert_eq!(CODES.split(' ').count(), 250);
        assert!(CODES.split(' ').is_sorted());
        for (text, nearest) in
            [("cn", Some("CN")), ("UK", Some("GB")), ("ZZ", None), ("", None), ("DEU", None)]
        {
            assert_eq!(country(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
