//! How rollouts are defined, one way for each seed.

use std::num::NonZeroU32;

use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::ratio::{Limit, Ratio};
use tidegate_core::model::rollout::{
    Analysis, Errors, OnBreach, Rollout, Share, Smoke, Strategy, UserKey,
};
use tidegate_core::time::Duration;

use super::HOLD;

pub(super) fn definition(seed: u64) -> Rollout {
    let steps = [1.0, 5.0, 25.0, 100.0].map(|it| Share::percent(it).expect("it is one"));
    let canary = Strategy::Canary { steps: steps.to_vec(), hold: HOLD };
    let on_breach = [OnBreach::Rollback, OnBreach::Rollback, OnBreach::Freeze, OnBreach::Alert];
    let analysis = Analysis {
        errors: Errors { status: true, reset: true, timeout: true, grpc: true },
        max_error_rate: None,
        max_p99: None,
        compare: true,
        false_alarm: Ratio::new(0.05).expect("it is one"),
        min_requests: 200,
        on_breach: on_breach[(seed / 5 % 4) as usize],
        custom: Vec::new(),
    };
    let smoke = Smoke {
        path: "/healthz".to_owned(),
        status: vec![(200, 200)],
        timeout: Duration::from_secs(1),
        times: NonZeroU32::MIN,
    };
    Rollout {
        name: RolloutName::new("shop-v2"),
        pool: PoolName::new("shop"),
        candidate: PoolName::new("shop-v2"),
        routes: Vec::new(),
        strategy: if seed % 5 == 4 { Strategy::BlueGreen } else { canary },
        user: vec![UserKey::Assign],
        always: Vec::new(),
        only: Vec::new(),
        never: Vec::new(),
        smoke: seed.is_multiple_of(2).then_some(smoke),
        bake: Duration::from_secs(40),
        keep_old: Duration::from_secs(60),
        keep_size: 2,
        max_total: Limit::Unlimited,
        freeze_during: Vec::new(),
        mirror: None,
        analysis: (seed % 7 != 6).then_some(analysis),
    }
}
