//! A whole data plane between two hostile ends, over loopback.
//!
//! The input is a script: what clients send, in which pieces, when they close or reset; what the
//! servers answer, too early, too much, or not at all; and reloads in between. Every request
//! carries a mark in its path, and every byte that a server says carries the mark of the request it
//! heard last on that connection.
//!
//! What must hold: servers hear requests that a client asked, as it asked them, and no others. A
//! client hears well-formed responses, each with the mark of the request that it answers. Whatever
//! happened, afterwards nothing is in flight, no connection is left open, no task has panicked, and
//! an ordinary request is answered.
//!
//! `script` is what can happen, `speech` turns it into bytes, `pipe` is one end of a connection,
//! `hearing` reads what came out, `play` performs a script, and `stage` holds what outlives it.

mod hearing;
mod mark;
mod pipe;
mod play;
mod script;
mod speech;
mod stage;

use std::sync::{LazyLock, Mutex, PoisonError};

use arbitrary::{Arbitrary, Unstructured};
use tidegate_core::time::Duration;

use play::Play;
use script::Script;
use stage::Stage;

/// Without an event for so long, the data plane is taken to have nothing more to say.
const HASTY: Duration = Duration::from_micros(150);
/// The same when a finding is to be confirmed.
const PATIENT: Duration = Duration::from_millis(20);

/// One for the process: starting threads for each script would be most of a run.
static STAGE: LazyLock<Mutex<Stage>> = LazyLock::new(|| Mutex::new(Stage::start()));

/// Runs the check.
#[expect(clippy::print_stderr, reason = "who fuzzes reads it")]
pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let Err(finding) = Play::new(&mut stage, HASTY).run(&script) else { return };
    // Bytes of a server that cross the next request on their way answer it, for all anyone can
    // tell. With patience nothing crosses.
    match Play::new(&mut stage, PATIENT).run(&script) {
        Ok(()) => eprintln!("not confirmed: {finding}\n{script:?}"),
        Err(finding) => panic!("{finding}\n{script:#?}"),
    }
}
