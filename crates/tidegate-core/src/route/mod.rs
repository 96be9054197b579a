//! Which route takes a request.
//!
//! A table is built once per configuration and answers from an index: maps by host, then by path,
//! and at the end a short list whose entries differ only in what maps cannot tell apart. The search
//! visits these buckets from the most specific to the least, and the first entry whose predicates
//! all hold wins. A bucket in which none does is left for the next one, so the answer is always
//! that of a walk through all routes in order of specificity; a test holds the two against each
//! other.
//!
//! Order: a named listener before all; an exact host, the longest wildcard, any host; an exact
//! path, the longest prefix, a regex, any path; a method; more conditions on headers, cookies,
//! query, client and body; the higher priority; the earlier name.
//!
//! A body is not there yet when the head is. So where a route's conditions on it could decide,
//! the search says how much of the body it needs, and is asked again with it.
//!
//! Not here: weights between pools, and what a route does once it is chosen.
//!
//! Reading order: `table` (the whole), `host` and `path` (its two stages), `text_map` (what both
//! look up in), `predicate` and `body` (what is left to check), `specificity` (the order),
//! `explain` (the same search, told step by step).

pub mod body;
pub mod table;

mod host;
mod path;
mod text_map;

mod predicate;
mod specificity;

pub mod explain;

#[cfg(test)]
mod tests;
