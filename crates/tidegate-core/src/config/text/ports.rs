//! Ranges of ports: `9100-9199`, or one port.

use super::fault::{Fault, Format};

/// A range of ports.
pub(crate) static PORTS: Format = Format {
    name: "a range of ports",
    expected: "a range of ports, such as \"9100-9199\"",
    example: "9100-9199",
    pattern: Some("^[0-9]{1,5}(-[0-9]{1,5})?$"),
    unit: Some(""),
    check: |text| ports(text).map(drop),
};

/// The first and the last port.
pub(crate) fn ports(text: &str) -> Result<(u16, u16), Fault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        (Some(first), Some(last)) => Err(Fault::default().nearest(Some(format!("{last}-{first}")))),
        _ => Err(Fault::default()),
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_has_both_ends() {
        for (text, range) in
            [("9100-9199", (9100, 9199)), ("80", (80, 80)), ("1-65535", (1, 65_535))]
        {
            assert_eq!(ports(text), Ok(range), "{text}");
        }
        for text in ["", "-", "0", "0-1", "80-", "-80", "80-81-82", "65536", "+80", "80 - 81"] {
            assert!(ports(text).is_err(), "{text}");
        }
        assert_eq!(ports("2-1").expect_err("it runs down").nearest.as_deref(), Some("1-2"));
    }

    proptest! {
        #[test]
        fn any_two_ports_in_order_are_a_range(a in 1u16.., b in 1u16..) {
            let (first, last) = (a.min(b), a.max(b));
            prop_assert_eq!(ports(&format!("{first}-{last}")), Ok((first, last)));
        }

        #[test]
        fn no_text_is_taken_for_an_empty_range(text in "[0-9+-]{0,12}") {
            if let Ok((first, last)) = ports(&text) {
                prop_assert!(0 < first && first <= last, "{}", text);
            }
        }
    }
}
