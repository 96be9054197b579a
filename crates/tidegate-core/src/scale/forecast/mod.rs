//! What demand will be until a server that is launched now serves.
//!
//! Several models say how the highest demand until then compares with demand now: one that knows
//! nothing of days (`reactive`), the ratio by which it grew at the same time of earlier hours, days
//! and weeks (`naive`), and a damped Holt-Winters of days (`holt_winters`). Each has its errors
//! kept (`errors`), in units of how much demand varies of late, and so knows how far above its word
//! demand may come. A model is listened to only after it has been cheaper than the reactive one on
//! what came in fact; until there is a day of data, nothing is believed but a wide margin. A flash
//! of demand (`flash`) silences all but the reactive one and is not learned as a shape of the day.
//!
//! Reading order: `bins` (what is remembered), the models, `errors`, `foresight`.

pub mod bins;
pub mod errors;
pub mod flash;
pub mod foresight;
pub mod holt_winters;
pub mod naive;
pub mod period;
