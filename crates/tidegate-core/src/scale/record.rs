//! What a planner keeps over a restart: what it has learned of demand and of its servers, and what
//! was spent today. A JSON document of its own beside the record of instances.
//!
//! It is knowledge, not fact: without it a planner is only slower to foresee and begins to learn
//! anew, so one that cannot be read is left out. What was learned of a server is of one launch
//! template, and forgotten with it.

use serde::{Deserialize, Serialize};

use super::budget;
use super::capacity::Learned;
use super::forecast::foresight::Forecast;
use super::plan::Memory;

/// What is kept of a planner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannerRecord {
    version: u32,
    /// The digest of the launch template, in hexadecimal digits.
    template: String,
    learned: Learned,
    forecast: Forecast,
    /// Days since 1970, and what was spent on that one.
    spent: (u64, f64),
}

/// The version that is written and read.
const VERSION: u32 = 1;

impl PlannerRecord {
    /// What a planner has learned of instances that are launched from this template.
    #[must_use]
    pub fn of(memory: &Memory, template: u64) -> Self {
        Self {
            version: VERSION,
            template: format!("{template:016x}"),
            learned: memory.policy.slo.learned,
            forecast: memory.policy.slo.forecast.clone(),
            spent: memory.budget.spent(),
        }
    }

    /// A planner that knows it, for instances that are launched from this template.
    #[must_use]
    pub fn restore(self, template: u64) -> Memory {
        let mut memory = Memory::default();
        if self.template == format!("{template:016x}") {
            memory.policy.slo.learned = self.learned;
        }
        memory.policy.slo.forecast = self.forecast;
        memory.budget = budget::Memory::restored(self.spent.0, self.spent.1);
        memory
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings have a JSON form")
    }

    /// Reads the document; `None`: it is anything else.
    #[must_use]
    pub fn from_json(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|record: &Self| record.version == VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixTime;

    fn memory() -> Memory {
        let mut memory = Memory::default();
        for minute in 0..3000_u32 {
            let rate = 100.0 + f64::from(minute % 60);
            let at = UnixTime::from_millis(1_700_000_000_000 + u64::from(minute) * 60_000);
            memory.policy.slo.forecast.observe(rate, at);
        }
        memory.budget = budget::Memory::restored(20_000, 12.5);
        memory
    }

    #[test]
    fn what_was_learned_outlives_a_restart() {
        let kept = PlannerRecord::of(&memory(), 7);
        let read = PlannerRecord::from_json(&kept.to_json()).expect("it was written so");
        let restored = read.restore(7);
        let (before, after) = (memory().policy.slo.forecast, restored.policy.slo.forecast);
        assert!(before.known() > 0 && after.known() == before.known());
        assert_eq!(restored.budget.spent(), (20_000, 12.5));
    }

    #[test]
    fn what_was_learned_of_a_server_goes_with_its_template() {
        let mut record = PlannerRecord::of(&memory(), 7);
        let learned = r#"{"rate":90.0,"in_flight":2.0,"looks":60.0,"roomy":true}"#;
        record.learned = serde_json::from_str(learned).expect("it is written so");
        assert_ne!(record.clone().restore(7).policy.slo.learned, Learned::default());
        record.template = "00000000000000ff".to_owned();
        assert_eq!(record.clone().restore(7).policy.slo.learned, Learned::default());
        assert!(record.restore(255).policy.slo.forecast.known() > 0, "demand is the same");
    }

    #[test]
    fn anything_else_is_left_out() {
        let mut other = PlannerRecord::of(&memory(), 7);
        other.version = 2;
        for text in [&b""[..], b"[]", b"{\"version\":1}", &other.to_json()] {
            assert_eq!(PlannerRecord::from_json(text), None);
        }
    }
}
