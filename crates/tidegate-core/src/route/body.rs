//! Conditions on a JSON body.
//!
//! All pointers of a table are joined into one tree, and a body is walked along it once, without a
//! tree of its own being built: however many routes ask for something, it is read one time. The
//! reading is strict. A body that is not JSON to its last byte, is nested deeper than 128, or is
//! longer than it may be satisfies no condition; nor does a value below a key that stands twice,
//! as servers differ on which of the two counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::http::head::{BodyLength, Head};
use crate::model::body::{BodyCondition, BodyValue};

/// As much of a request body as routing can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyView<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is longer than what was asked for, or did not come whole.
    TooLarge,
    /// There is none, or it was not looked at.
    Unread,
}

/// The pointers of all conditions of a table.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    /// The first is the whole document.
    nodes: Vec<Node>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    keys: BTreeMap<Box<str>, usize>,
    /// The same children, by those keys that can be places in a list.
    places: BTreeMap<usize, usize>,
    slot: Option<usize>,
}

/// The conditions of one match.
#[derive(Debug)]
pub(super) struct BodyRule {
    /// Bytes that a body may have.
    pub(super) bytes: u32,
    tests: Vec<(usize, BodyCondition)>,
}

/// What stands at the pointers of a table in one body.
#[derive(Debug)]
pub(super) struct Values {
    bytes: usize,
    values: Vec<Found>,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Found {
    #[default]
    Nothing,
    Text(String),
    Number(f64),
    Flag(bool),
    /// `null`, a list or an object: what no condition asks for.
    Other,
    /// Below a key that stands twice.
    Doubtful,
}

impl Pointers {
    /// Whether no condition asks for a body.
    pub(super) fn are_none(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Takes the conditions of a match in.
    pub(super) fn rule(&mut self, conditions: &[BodyCondition], bytes: u32) -> BodyRule {
        let tests = conditions.iter().map(|condition| {
            let tokens = &condition.pointer.tokens;
            (self.slot(tokens), condition.clone())
        });
        BodyRule { bytes, tests: tests.collect() }
    }

    fn slot(&mut self, tokens: &[String]) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for token in tokens {
            at = match self.nodes[at].keys.get(token.as_str()) {
                Some(child) => *child,
                None => self.grow(at, token),
            };
        }
        let next = self.slots;
        let slot = *self.nodes[at].slot.get_or_insert(next);
        self.slots = self.slots.max(slot + 1);
        slot
    }

    fn grow(&mut self, at: usize, token: &str) -> usize {
        let child = self.nodes.len();
        self.nodes.push(Node::default());
        let node = &mut self.nodes[at];
        node.keys.insert(token.into(), child);
        // RFC 6901, section 4: digits without a leading zero.
        if let Some(place) = token.parse().ok().filter(|place: &usize| place.to_string() == token) {
            node.places.insert(place, child);
        }
        child
    }

    /// What a body holds at the pointers; `None` when no condition can hold.
    pub(super) fn read(&self, body: BodyView<'_>) -> Option<Values> {
        let BodyView::Whole(bytes) = body else { return None };
        let mut values = vec![Found::Nothing; self.slots];
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let root = (!self.nodes.is_empty()).then_some(0);
        Walk { nodes: &self.nodes, at: root, values: &mut values }.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(Values { bytes: bytes.len(), values })
    }
}

impl BodyRule {
    /// Whether it is worth reading the body of a request: it is JSON, not encoded, and not known to
    /// be too long.
    pub(super) fn reads(&self, head: &Head) -> bool {
        let fits = match head.body() {
            BodyLength::Exact(length) => length <= u64::from(self.bytes),
            BodyLength::Chunked | BodyLength::UntilEnd => true,
            BodyLength::Empty => false,
        };
        fits && is_json(head)
    }

    /// The first condition that does not hold.
    pub(super) fn failed(&self, head: &Head, values: Option<&Values>) -> Option<&BodyCondition> {
        let values = values.filter(|values| values.bytes <= self.bytes as usize && is_json(head));
        let holds = |(slot, condition): &&(usize, BodyCondition)| {
            values.is_some_and(|values| values.values[*slot].is(&condition.value))
        };
        self.tests.iter().find(|test| !holds(test)).map(|(_, condition)| condition)
    }
}

impl Found {
    fn is(&self, wanted: &BodyValue) -> bool {
        match (self, wanted) {
            (Self::Text(text), BodyValue::Exact(exact)) => text == exact,
            (Self::Text(text), BodyValue::Regex(regex)) => regex.is_match(text),
            (Self::Number(number), BodyValue::Number(exact)) => number == exact,
            (Self::Flag(flag), BodyValue::Flag(exact)) => flag == exact,
            _ => false,
        }
    }
}

/// Whether a body is said to be JSON (RFC 6839, section 3.1 for `+json`), once, and not encoded.
fn is_json(head: &Head) -> bool {
    let mut types = head.values("content-type");
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let suffix = essence.len().checked_sub(5).map(|at| &essence[at..]);
    let json = essence.eq_ignore_ascii_case(b"application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"));
    json && head.values("content-encoding").all(|coding| coding.eq_ignore_ascii_case(b"identity"))
}

/// Reads one value, and notes what stands at the pointers in it.
///
/// Values that no pointer leads to are walked like the others, so that all count as nesting.
struct Walk<'a> {
    nodes: &'a [Node],
    at: Option<usize>,
    values: &'a mut [Found],
}

impl Walk<'_> {
    fn note(&mut self, found: impl FnOnce() -> Found) {
        if let Some(slot) = self.at.and_then(|at| self.nodes[at].slot)
            && self.values[slot] != Found::Doubtful
        {
            self.values[slot] = found();
        }
    }

    fn below(&mut self, at: Option<usize>) -> Walk<'_> {
        Walk { nodes: self.nodes, at, values: &mut *self.values }
    }

    /// Gives up on everything at and below a node.
    fn doubt(&mut self, at: usize) {
        let node = &self.nodes[at];
        if let Some(slot) = node.slot {
            self.values[slot] = Found::Doubtful;
        }
        node.keys.values().for_each(|child| self.doubt(*child));
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(mut self, flag: bool) -> Result<(), E> {
        self.note(|| Found::Flag(flag));
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "no condition is beyond what a float holds")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "no condition is beyond what a float holds")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(mut self, number: f64) -> Result<(), E> {
        self.note(|| Found::Number(number));
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.note(|| Found::Text(text.to_owned()));
        Ok(())
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.note(|| Found::Other);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.note(|| Found::Other);
        let nodes = self.nodes;
        let node = self.at.map(|at| &nodes[at]);
        let mut place = 0;
        loop {
            let child = node.and_then(|node| node.places.get(&place).copied());
            if list.next_element_seed(self.below(child))?.is_none() {
                return Ok(());
            }
            place += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        self.note(|| Found::Other);
        let nodes = self.nodes;
        let node = self.at.map(|at| &nodes[at]);
        let mut seen = BTreeSet::new();
        while let Some(child) = object.next_key_seed(KeyOf { node })? {
            if let Some(child) = child.filter(|child| !seen.insert(*child)) {
                self.doubt(child);
            }
            object.next_value_seed(self.below(child))?;
        }
        Ok(())
    }
}

/// Reads a key as the child that it leads to, without keeping its text.
struct KeyOf<'a> {
    node: Option<&'a Node>,
}

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.node.and_then(|node| node.keys.get(key).copied()))
    }
}

impl fmt::Display for BodyCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "body {:?} ", self.pointer.text)?;
        match &self.value {
            BodyValue::Exact(text) => write!(f, "= {text:?}"),
            BodyValue::Regex(regex) => write!(f, "~ {regex}"),
            BodyValue::Number(number) => write!(f, "= {number}"),
            BodyValue::Flag(flag) => write!(f, "= {flag}"),
        }
    }
}
