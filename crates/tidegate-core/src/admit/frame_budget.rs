//! Budgets for the frames of one HTTP/2 connection with a client.
//!
//! HTTP/2 has frames that cost their sender nothing and their receiver something, and the protocol
//! bounds none of them. The budget watches both directions of a connection as raw bytes, between
//! the socket and the protocol library: it reads frame headers (RFC 9113, section 4.1) across any
//! cuts, skips payloads by their length, and says which abuse it is once an account is overdrawn.
//! A connection that was called abusive stays so; the answer is GOAWAY with ENHANCE_YOUR_CALM.
//!
//! | [`Abuse`] | what is counted | how many | what earns more |
//! |---|---|---|---|
//! | `RapidReset` | young streams that the client reset | 100 in 30 s | an answer: ¼, up to 100 |
//! | | of these the unanswered | 50 in a life | an answer: 1, up to 50 |
//! | `MadeYouReset` | streams that we reset for its errors | 500 in a life | |
//! | `Continuation` | CONTINUATION of one field block | 20 | |
//! | `EmptyFrames` | nothing but padding, and no end | 100 in 30 s | |
//! | `Ping` | PING, answers to none of ours | 100 in 30 s | DATA, HEADERS sent: 1, up to 100 |
//! | `Settings` | SETTINGS, answers to none of ours | 100 in 30 s | |
//! | `Priority` | PRIORITY | 100 in 30 s | a stream opened: 1, up to 1,000 |
//! | `WindowUpdate` | those of stream 0 | 100 in 30 s | DATA sent: 1, a KiB: 1, up to 65,536 |
//! | `UnknownFrames` | their bytes | 64 KiB in 30 s | a stream opened: 64, up to 64 KiB |
//!
//! A stream is young for one or two seconds. It is answered with the first HEADERS that are sent on
//! it, an interim response included. GOAWAY and PUSH_PROMISE, which a client has little or no use
//! for, count as unknown.
//!
//! What earns more is work done for the client. That is what tells heavy use from abuse: a gateway
//! that multiplexes the requests of thousands cancels more than 100 of them in 30 s, gRPC pings as
//! often as data comes, and who downloads opens windows; but none of them does so for nothing.
//! Streams that lived a while are reset freely, for they took one of the few places meanwhile: a
//! deadline that passes during an outage must not take the connection along.
//!
//! The protocol library bounds some of this itself (streams reset before they were accepted, small
//! DATA frames, the size of field blocks); these budgets add what it does not bound, and names.
//! Memory is fixed, nothing is allocated, and time that runs backwards adds nothing.

mod account;
mod frames;
mod streams;

use thiserror::Error;

use crate::telemetry::refusal::Refusal;
use crate::time::{Duration, Instant};
use account::{Account, Budget};
use frames::{Frame, Frames, Kind};
use streams::Streams;

const WINDOW: Duration = Duration::from_secs(30);
const LIFE: Duration = Duration::MAX;

/// In quarters of a stream: each answered one earns a quarter.
const RESETS: Budget = Budget { limit: 4 * 100, window: WINDOW, earned_max: 4 * 100 };
const UNANSWERED: Budget = Budget { limit: 50, window: LIFE, earned_max: 50 };
const RESETS_SENT: Budget = Budget { limit: 500, window: LIFE, earned_max: 0 };
const CONTINUATIONS_MAX: u32 = 20;
const EMPTY: Budget = Budget { limit: 100, window: WINDOW, earned_max: 0 };
const PINGS: Budget = Budget { limit: 100, window: WINDOW, earned_max: 100 };
const SETTINGS: Budget = Budget { limit: 100, window: WINDOW, earned_max: 0 };
const PRIORITIES: Budget = Budget { limit: 100, window: WINDOW, earned_max: 1_000 };
const WINDOW_UPDATES: Budget = Budget { limit: 100, window: WINDOW, earned_max: 65_536 };
/// In bytes, frame headers included.
const UNKNOWN: Budget = Budget { limit: 65_536, window: WINDOW, earned_max: 65_536 };
const UNKNOWN_PER_STREAM: u32 = 64;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    Received,
    /// To the client.
    Sent,
}

/// How a client abuses its connection.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Abuse {
    /// CVE-2023-44487: streams are opened to be reset.
    #[error("too many streams were reset by the client")]
    RapidReset,
    /// CVE-2025-8671: streams are made to be reset by us.
    #[error("too many streams had to be reset")]
    MadeYouReset,
    /// CVE-2024-27316: a field block that does not end.
    #[error("too many CONTINUATION frames")]
    Continuation,
    /// CVE-2019-9518.
    #[error("too many empty frames")]
    EmptyFrames,
    /// CVE-2019-9512.
    #[error("too many PING frames")]
    Ping,
    /// CVE-2019-9515.
    #[error("too many SETTINGS frames")]
    Settings,
    /// CVE-2019-9513.
    #[error("too many PRIORITY frames")]
    Priority,
    /// Windows that are opened for nothing.
    #[error("too many WINDOW_UPDATE frames")]
    WindowUpdate,
    /// Frames that mean nothing here.
    #[error("too many bytes of unknown frames")]
    UnknownFrames,
}

impl Abuse {
    /// What it is counted as.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::RapidReset => Refusal::H2RapidReset,
            Self::MadeYouReset => Refusal::H2MadeYouReset,
            Self::Continuation => Refusal::H2ContinuationFlood,
            Self::EmptyFrames => Refusal::H2EmptyFrames,
            Self::Ping => Refusal::H2PingFlood,
            Self::Settings => Refusal::H2SettingsFlood,
            Self::Priority => Refusal::H2PriorityFlood,
            Self::WindowUpdate => Refusal::H2WindowUpdateFlood,
            Self::UnknownFrames => Refusal::H2UnknownFrames,
        }
    }
}

/// Streams that did not become requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnedAway {
    /// Reset for what their client did.
    pub faulty: u64,
    /// Refused, as there were too many.
    pub refused: u64,
}

/// The accounts of one connection.
#[derive(Clone, Debug)]
pub struct FrameBudget {
    received: Frames,
    sent: Frames,
    streams: Streams,
    resets: Account,
    unanswered: Account,
    resets_sent: Account,
    continuations: u32,
    /// When the last field block began, if no other frame has come behind it.
    fields_since: Option<Instant>,
    /// Whether it goes on behind its last frame.
    fields_open: bool,
    empty: Account,
    pings: Account,
    settings: Account,
    priorities: Account,
    window_updates: Account,
    unknown: Account,
    /// Answers that the client owes: to our PINGs, and to our SETTINGS.
    pongs_due: u32,
    acknowledgements_due: u32,
    /// Streams that we reset for their errors, or refused, and nobody has asked about yet.
    turned_away: TurnedAway,
    abuse: Option<Abuse>,
}

impl FrameBudget {
    /// The budget of a connection from its first byte, that of the client's preface.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let account = Account::new(now);
        Self {
            received: Frames::after_preface(),
            sent: Frames::default(),
            streams: Streams::new(now),
            resets: account,
            unanswered: account,
            resets_sent: account,
            continuations: 0,
            fields_since: None,
            fields_open: false,
            empty: account,
            pings: account,
            settings: account,
            priorities: account,
            window_updates: account,
            unknown: account,
            pongs_due: 0,
            acknowledgements_due: 0,
            turned_away: TurnedAway::default(),
            abuse: None,
        }
    }

    /// Takes bytes that passed, in order. An error is final: from then on there is no other answer.
    pub fn observe(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        now: Instant,
    ) -> Result<(), Abuse> {
        if let Some(abuse) = self.abuse {
            return Err(abuse);
        }
        let judged = match direction {
            Direction::Received => self.receive(&mut bytes, now),
            Direction::Sent => self.send(&mut bytes, now),
        };
        self.abuse = judged.err();
        judged
    }

    /// Since when the client has been within a field block, if it is.
    #[must_use]
    pub fn fields_since(&self) -> Option<Instant> {
        self.fields_since.filter(|_| self.fields_open || !self.received.is_whole())
    }

    /// The streams that were turned away since this was asked before.
    pub fn take_turned_away(&mut self) -> TurnedAway {
        std::mem::take(&mut self.turned_away)
    }

    fn receive(&mut self, bytes: &mut &[u8], now: Instant) -> Result<(), Abuse> {
        while let Some(frame) = self.received.next(bytes) {
            self.count_received(&frame, now)?;
        }
        Ok(())
    }

    fn count_received(&mut self, frame: &Frame, now: Instant) -> Result<(), Abuse> {
        if frame.kind != Kind::Continuation {
            self.continuations = 0;
            self.fields_since = (frame.kind == Kind::Headers).then_some(now);
        }
        self.fields_open = frame.leaves_fields_open();
        let (account, budget, amount, abuse) = match frame.kind {
            Kind::Data | Kind::Headers | Kind::Continuation => return self.carry(frame, now),
            Kind::ResetStream => return self.reset(frame, now),
            Kind::Priority => (&mut self.priorities, &PRIORITIES, 1, Abuse::Priority),
            Kind::Settings if frame.is_ack() && take(&mut self.acknowledgements_due) => {
                return Ok(());
            }
            Kind::Settings => (&mut self.settings, &SETTINGS, 1, Abuse::Settings),
            Kind::Ping if frame.is_ack() && take(&mut self.pongs_due) => return Ok(()),
            Kind::Ping => (&mut self.pings, &PINGS, 1, Abuse::Ping),
            Kind::WindowUpdate if frame.stream != 0 => return Ok(()),
            Kind::WindowUpdate => {
                (&mut self.window_updates, &WINDOW_UPDATES, 1, Abuse::WindowUpdate)
            }
            Kind::Other => (&mut self.unknown, &UNKNOWN, frame.bytes(), Abuse::UnknownFrames),
        };
        budget.spend(account, amount, now).ok_or(abuse)
    }

    /// A frame that carries a part of a message.
    fn carry(&mut self, frame: &Frame, now: Instant) -> Result<(), Abuse> {
        if frame.kind == Kind::Continuation {
            self.continuations += 1;
            if self.continuations > CONTINUATIONS_MAX {
                return Err(Abuse::Continuation);
            }
        }
        if frame.kind == Kind::Headers && self.streams.open(frame.stream, now) {
            PRIORITIES.earn(&mut self.priorities, 1);
            UNKNOWN.earn(&mut self.unknown, UNKNOWN_PER_STREAM);
        }
        if frame.content() > 0 || frame.ends_stream() {
            return Ok(());
        }
        EMPTY.spend(&mut self.empty, 1, now).ok_or(Abuse::EmptyFrames)
    }

    fn reset(&mut self, frame: &Frame, now: Instant) -> Result<(), Abuse> {
        let reset = self.streams.reset(frame.stream, now);
        if !reset.young {
            return Ok(());
        }
        RESETS.spend(&mut self.resets, 4, now).ok_or(Abuse::RapidReset)?;
        if reset.answered {
            return Ok(());
        }
        UNANSWERED.spend(&mut self.unanswered, 1, now).ok_or(Abuse::RapidReset)
    }

    fn send(&mut self, bytes: &mut &[u8], now: Instant) -> Result<(), Abuse> {
        while let Some(frame) = self.sent.next(bytes) {
            self.count_sent(&frame, now)?;
        }
        Ok(())
    }

    fn count_sent(&mut self, frame: &Frame, now: Instant) -> Result<(), Abuse> {
        match frame.kind {
            Kind::Data => {
                WINDOW_UPDATES.earn(&mut self.window_updates, 1 + frame.content() / 1024);
                PINGS.earn(&mut self.pings, 1);
            }
            Kind::Headers => {
                PINGS.earn(&mut self.pings, 1);
                if self.streams.answer(frame.stream) {
                    RESETS.earn(&mut self.resets, 1);
                    UNANSWERED.earn(&mut self.unanswered, 1);
                }
            }
            Kind::ResetStream if frame.blames_the_peer() => {
                self.turned_away.faulty += 1;
                return RESETS_SENT.spend(&mut self.resets_sent, 1, now).ok_or(Abuse::MadeYouReset);
            }
            Kind::ResetStream if frame.refuses() => self.turned_away.refused += 1,
            Kind::Ping if !frame.is_ack() => self.pongs_due = self.pongs_due.saturating_add(1),
            Kind::Settings if !frame.is_ack() => {
                self.acknowledgements_due = self.acknowledgements_due.saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Takes one off, if there is one.
fn take(due: &mut u32) -> bool {
    let any = *due > 0;
    *due = due.saturating_sub(1);
    any
}

#[cfg(test)]
mod tests;
