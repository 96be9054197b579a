//! What a user agent says of itself, by the fields that browsers send.
//!
//! The first byte chooses which fields there are, and a line of the rest is the value of each. A
//! crawler is nothing else, nobody is of two sizes, and neither letters nor what stands behind the
//! part that is looked at make a difference.

use tidegate_core::http::device::Agent;
use tidegate_core::http::head::Head;
use tidegate_core::http::parse;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::model::audience::Device;

use crate::plain::text;

const FIELDS_MAX: usize = 100;
/// Longer than what is looked at of a field.
const LONG: usize = 600;
const NAMES: [&str; 3] = ["User-Agent", "Sec-CH-UA-Platform", "Sec-CH-UA-Mobile"];

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let values = rest.split(|byte| *byte == b'\n');
    let fields: Vec<(&str, Vec<u8>)> = NAMES
        .into_iter()
        .zip(values)
        .enumerate()
        .filter(|(place, _)| choice & (1 << place) != 0)
        .map(|(_, (name, value))| (name, value.to_vec()))
        .collect();
    let Some(classes) = classes(&fields) else { return };
    check(&classes, rest);
    let small = each(&fields, |value| value.to_ascii_lowercase());
    assert_eq!(self::classes(&small).as_ref(), Some(&classes), "{}", text(rest));
    let padded = |tail: &[u8]| {
        let pad = |value: &[u8]| [value, &vec![b'.'; LONG][..], tail].concat();
        self::classes(&each(&fields, pad)).expect("a dot is as good as any byte")
    };
    assert_eq!(padded(b""), padded(b" iPad; Android; Googlebot"), "{}", text(rest));
}

fn each(
    fields: &[(&'static str, Vec<u8>)],
    change: impl Fn(&[u8]) -> Vec<u8>,
) -> Vec<(&'static str, Vec<u8>)> {
    fields.iter().map(|(name, value)| (*name, change(value))).collect()
}

/// The classes that it is of; `None`: it is no request.
fn classes(fields: &[(&str, Vec<u8>)]) -> Option<Vec<Device>> {
    let mut bytes = b"GET / HTTP/1.1\r\nHost: shop\r\n".to_vec();
    for (name, value) in fields {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    let mut head = Head::default();
    parse::request(&bytes, FIELDS_MAX, Scheme::Http, &mut head).ok()?;
    let agent = Agent::of(&head);
    Some(Device::ALL.into_iter().filter(|device| agent.is(*device)).collect())
}

fn check(classes: &[Device], rest: &[u8]) {
    let is = |device| classes.contains(&device);
    assert!(!is(Device::Bot) || classes.len() == 1, "a crawler: {}", text(rest));
    let sizes = [Device::Mobile, Device::Tablet, Device::Desktop];
    let sizes = sizes.into_iter().filter(|size| is(*size)).count();
    assert!(sizes <= 1, "{classes:?}: {}", text(rest));
}
