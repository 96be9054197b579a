//! Sizes in bytes, `512B`, `64KiB`, `16MiB` (or decimal, `64KB`), and the pace `256B/s over 30s`.

use super::duration::wait;
use super::fault::{Fault, Format};
use crate::model::body::BODY_PREFIX_MAX;
use crate::model::listener::Progress;
use crate::time::Duration;

/// A size.
pub(crate) static SIZE: Format = Format {
    name: "a size",
    expected: "a size, such as \"512B\", \"64KiB\" or \"16MiB\"",
    example: "16MiB",
    pattern: Some("^[0-9]+(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)$"),
    unit: Some("B"),
    check: |text| size(text).map(drop),
};

/// The size of a message head.
pub(crate) static HEAD_SIZE: Format = Format {
    name: "a size of a message head",
    expected: "a size from \"1KiB\" to \"1MiB\"",
    example: "32KiB",
    pattern: Some("^[0-9]+(B|KiB|MiB|KB|MB)$"),
    unit: Some("B"),
    check: |text| head_size(text).map(drop),
};

/// Memory that a process may use.
pub(crate) static LIMIT_SIZE: Format = Format {
    name: "a size of memory",
    expected: "a size of memory from \"1MiB\", such as \"512MiB\" or \"2GiB\"",
    example: "512MiB",
    pattern: Some("^[0-9]+(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)$"),
    unit: Some("MiB"),
    check: |text| limit_size(text).map(drop),
};

/// As much of a body as routing looks at.
pub(crate) static PREFIX_SIZE: Format = Format {
    name: "a size of a body to route by",
    expected: "a size from \"1B\" to \"64KiB\"",
    example: "16KiB",
    pattern: Some("^[0-9]+(B|KiB|KB)$"),
    unit: Some("B"),
    check: |text| prefix_size(text).map(drop),
};

/// As much of a body as is kept for a copy.
pub(crate) static COPY_SIZE: Format = Format {
    name: "a size of a body to copy",
    expected: "a size up to \"1MiB\"",
    example: "64KiB",
    pattern: Some("^[0-9]+(B|KiB|MiB|KB|MB)$"),
    unit: Some("B"),
    check: |text| copy_size(text).map(drop),
};

/// A pace: bytes a second over a window.
pub(crate) static PROGRESS: Format = Format {
    name: "a pace",
    expected: "a pace, such as \"256B/s over 30s\", or \"unlimited\"",
    example: "256B/s over 30s",
    pattern: Some("^(unlimited|[0-9]+(B|KiB|MiB|KB|MB)/s over [0-9]+(s|m|h))$"),
    unit: None,
    check: |text| progress(text).map(drop),
};

/// Units, largest first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// Reads a size, as the configuration writes it, in bytes.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    size(text).ok()
}

/// Writes a number of bytes in the largest unit that holds it exactly. Reading the text gives the
/// number again.
#[must_use]
pub fn print(bytes: u64) -> String {
    let exact = |(_, unit): &&(&str, u64)| bytes >= *unit && bytes.is_multiple_of(*unit);
    let (name, unit) = UNITS.iter().find(exact).unwrap_or(&("B", 1));
    format!("{}{name}", bytes / unit)
}

/// Writes a pace as the configuration does.
#[must_use]
pub fn print_progress(progress: Progress) -> String {
    match progress.rate {
        0 => "unlimited".to_owned(),
        rate => {
            format!("{}/s over {}", print(rate), super::duration::print(progress.window))
        }
    }
}

pub(crate) fn prefix_size(text: &str) -> Result<u32, Fault> {
    let bytes = size(text)?;
    let fits = u32::try_from(bytes).ok().filter(|bytes| (1..=BODY_PREFIX_MAX).contains(bytes));
    fits.ok_or_else(Fault::default)
}

pub(crate) fn size(text: &str) -> Result<u64, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, name) = text.split_at(digits);
    if number.is_empty() {
        return Err(Fault::default());
    }
    let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
        return Err(Fault::default().nearest(respell(number, name)));
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*unit));
    bytes.ok_or_else(|| Fault::because(format!("\"{text}\" is beyond 64 bits")))
}

pub(crate) fn limit_size(text: &str) -> Result<u64, Fault> {
    let bytes = size(text)?;
    if bytes < 1 << 20 { Err(Fault::default()) } else { Ok(bytes) }
}

pub(crate) fn copy_size(text: &str) -> Result<u64, Fault> {
    let bytes = size(text)?;
    if bytes > 1 << 20 { Err(Fault::default()) } else { Ok(bytes) }
}

pub(crate) fn head_size(text: &str) -> Result<u32, Fault> {
    let bytes = size(text)?;
    let bytes = u32::try_from(bytes).ok().filter(|bytes| (1 << 10..=1 << 20).contains(bytes));
    bytes.ok_or_else(Fault::default)
}

pub(crate) fn progress(text: &str) -> Result<Progress, Fault> {
    const WINDOW: Duration = Duration::from_secs(30);
    if text == "unlimited" {
        return Ok(Progress { rate: 0, window: WINDOW });
    }
    let (rate, window) = text.split_once("/s over ").ok_or_else(|| {
        let bare = text.strip_suffix("/s").filter(|rate| size(rate).is_ok());
        Fault::default().nearest(bare.map(|rate| format!("{rate}/s over 30s")))
    })?;
    let (rate, window) = (size(rate)?, wait(window)?);
    if rate == 0 || window.subsec_nanos() != 0 {
        let nearest = (rate == 0).then_some("unlimited");
        return Err(Fault::default().nearest(nearest));
    }
    Ok(Progress { rate, window })
}

/// The same size with the unit spelled as here; the customs of other programs count in 1024s.
fn respell(number: &str, unit: &str) -> Option<String> {
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => "B",
        "k" | "kib" | "ki" => "KiB",
        "m" | "mib" | "mi" => "MiB",
        "g" | "gib" | "gi" => "GiB",
        "kb" => "KB",
        "mb" => "MB",
        "gb" => "GB",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        for (text, bytes) in
            [("0B", 0), ("512B", 512), ("64KiB", 65_536), ("64KB", 64_000), ("1GiB", 1 << 30)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "1", "KiB", "1.5MiB", "-1B", "1 KiB", "99999999999TiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(size("8k").expect_err("no unit").nearest.as_deref(), Some("8KiB"));
    }

    #[test]
    fn a_pace_names_its_window_and_nothing_is_the_word_unlimited() {
        let pace = progress("256B/s over 30s").expect("a pace");
        assert_eq!((pace.rate, pace.window), (256, Duration::from_secs(30)));
        assert_eq!(print_progress(pace), "256B/s over 30s");
        assert_eq!(progress("unlimited").map(print_progress), Ok("unlimited".to_owned()));
        for (text, nearest) in [
            ("0B/s over 30s", "unlimited"),
            ("1KiB/s", "1KiB/s over 30s"),
            ("9k/s over 1m", "9KiB"),
        ] {
            assert_eq!(progress(text).expect_err(text).nearest.as_deref(), Some(nearest));
        }
        assert!(progress("1B/s over 500ms").is_err(), "a window is whole seconds");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(bytes: u64, shift in 0u32..64) {
            let bytes = bytes >> shift;
            prop_assert_eq!(parse(&print(bytes)), Some(bytes));
        }
    }
}
