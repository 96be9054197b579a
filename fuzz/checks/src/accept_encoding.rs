//! Accept-Encoding from arbitrary bytes: the first says what is on offer, the rest is one field.
//!
//! What is chosen is on offer, and accepted when it is the only one on offer; order matters among
//! equals alone; cutting the field at a comma into two changes nothing.

use tidegate_core::compress::negotiate::negotiate;
use tidegate_core::model::compression::Coding;

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some((first, field)) = data.split_first() else { return };
    let mut offered: Vec<Coding> =
        Coding::ALL.into_iter().filter(|coding| first >> (*coding as u8) & 1 == 1).collect();
    let turn = usize::from(first >> 4) % offered.len().max(1);
    offered.rotate_left(turn);
    let chosen = negotiate([field], &offered);
    for (comma, _) in field.iter().enumerate().filter(|(_, byte)| **byte == b',') {
        let halves = [&field[..comma], &field[comma + 1..]];
        assert_eq!(negotiate(halves, &offered), chosen, "cut at {comma}");
    }
    let alone = |coding: &Coding| negotiate([field], &[*coding]).is_some();
    match chosen {
        Some(coding) => {
            assert!(offered.contains(&coding), "it is on offer");
            assert!(alone(&coding), "it is accepted for itself");
            let others: Vec<Coding> = offered.iter().copied().filter(|o| *o != coding).collect();
            let last = [others.as_slice(), &[coding]].concat();
            let again = negotiate([field], &last).expect("something is accepted");
            assert_eq!(negotiate([field], &[coding, again]), Some(coding), "none is liked better");
            check_mentioned(coding, field);
        }
        None => assert!(!offered.iter().any(alone), "none of them is accepted"),
    }
}

/// Nobody is sent a coding without a word that stands for it.
fn check_mentioned(coding: Coding, field: &[u8]) {
    let text = field.to_ascii_lowercase();
    let name = coding.as_str().as_bytes();
    let named = text.windows(name.len()).any(|window| window == name);
    assert!(named || text.contains(&b'*'), "{} is mentioned", coding.as_str());
}
