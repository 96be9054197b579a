//! Numbers as text, without a formatter in between.

use crate::time::Duration;

/// Appends a number in decimal.
pub(super) fn decimal(number: u64, out: &mut Vec<u8>) {
    padded(number, 1, out);
}

/// Appends a number in decimal with at least `width` digits, at most 20.
pub(super) fn padded(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    while number > 0 {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[first.min(digits.len() - width.min(20))..]);
}

/// Appends a number as sixteen hexadecimal digits.
pub(super) fn hexadecimal(number: u64, out: &mut Vec<u8>) {
    out.extend((0..16).rev().map(|place| HEX[(number >> (place * 4)) as usize & 15]));
}

/// Appends a byte as two hexadecimal digits.
pub(super) fn hex_byte(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Appends a duration as seconds with six decimals.
pub(super) fn seconds(duration: Duration, out: &mut Vec<u8>) {
    decimal(duration.as_secs(), out);
    out.push(b'.');
    padded(duration.subsec_micros().into(), 6, out);
}

const HEX: [u8; 16] = *b"0123456789abcdef";
