//! Which content coding a client is sent: Accept-Encoding (RFC 9110, section 12.5.3) against what
//! is on offer.
//!
//! The coding with the highest weight wins, the earlier one in the offer among equals, and the bare
//! response (`identity`) only where the client weighs it higher. A client that says nothing is sent
//! the bare response, though the standard would let it have any coding: such clients are programs
//! that decode nothing. So is one whose field is malformed, and one that refuses the bare response
//! without taking a coding on offer: a response that it may not like is better than none. A coding
//! named twice has the lesser weight.

use crate::model::compression::Coding;

/// The coding to send, from all Accept-Encoding values in their order; `None`: the bare response.
pub fn negotiate<'a>(
    values: impl IntoIterator<Item = &'a [u8]>,
    offered: &[Coding],
) -> Option<Coding> {
    let accepted = Accepted::read(values)?;
    let mut best = None;
    for coding in offered {
        let weight = accepted.weight(*coding);
        let better = best.is_none_or(|(highest, _)| weight > highest);
        if weight > 0 && weight >= accepted.identity.unwrap_or(0) && better {
            best = Some((weight, *coding));
        }
    }
    best.map(|(_, coding)| coding)
}

/// Weights in thousandths.
#[derive(Debug, Default)]
struct Accepted {
    codings: [Option<u16>; Coding::ALL.len()],
    identity: Option<u16>,
    /// Of every coding that is not named.
    others: Option<u16>,
}

impl Accepted {
    /// All members of all values; `None` when one is malformed.
    fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut accepted = Self::default();
        let members = values.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
        // Empty members of a list count for nothing (RFC 9110, section 5.6.1.2).
        for member in members.map(trim).filter(|member| !member.is_empty()) {
            let (name, weight) = read_member(member)?;
            if let Some(place) = accepted.place(name) {
                *place = Some(place.map_or(weight, |before| before.min(weight)));
            }
        }
        Some(accepted)
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<u16>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("*") {
            return Some(&mut self.others);
        }
        if is("identity") {
            return Some(&mut self.identity);
        }
        // `x-gzip` is gzip (RFC 9110, section 8.4.1.3).
        let known =
            |coding: &Coding| is(coding.as_str()) || (*coding == Coding::Gzip && is("x-gzip"));
        let coding = Coding::ALL.into_iter().find(known)?;
        Some(&mut self.codings[coding as usize])
    }

    fn weight(&self, coding: Coding) -> u16 {
        self.codings[coding as usize].or(self.others).unwrap_or(0)
    }
}

/// A name, and the weight behind it if there is one.
fn read_member(member: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = member.splitn(2, |byte| *byte == b';');
    let name = trim(parts.next()?);
    let is_token = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    let weight = parts.next().map_or(Some(1000), |weight| read_weight(trim(weight)));
    weight.filter(|_| is_token).map(|weight| (name, weight))
}

/// `q=` and a number from 0 to 1 with up to three decimals, in thousandths (RFC 9110, section
/// 12.4.2).
fn read_weight(text: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), rest @ ..] = text else { return None };
    let decimals = match rest {
        [] => rest,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut thousandths = u16::from(whole - b'0');
    for place in 0..3 {
        let digit = decimals.get(place).unwrap_or(&b'0');
        thousandths = thousandths * 10 + u16::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
    }
    (thousandths <= 1000).then_some(thousandths)
}

/// Without optional white space, which is spaces and tabs (RFC 9110, section 5.6.3).
fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(is_text) else { return &[] };
    let end = text.iter().rposition(is_text).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests;
