//! What people see while the demo runs: a table that is drawn anew, or a line a second.

use std::io::{self, Write};

use tidegate_control::status::server::ServerStatus;

use super::summary::Event;
use super::tally::Tally;
use crate::table::{Sheet, Tone, cell, millis};

/// Events that the table has room for.
const EVENTS_SHOWN: usize = 8;
/// To the top left corner; each line clears what it leaves of the one before.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
const CLEAR_ALL: &str = "\x1b[2J";

/// How the demo shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// A table on standard output, which is a terminal.
    Table,
    /// Lines on standard output.
    Lines,
    /// Lines on standard error, since standard output is for the summary.
    LinesAside,
}

/// What is seen at one moment.
pub(super) struct Scene<'a> {
    /// One line about the whole.
    pub(super) title: &'a str,
    /// Whole seconds since the load began.
    pub(super) second: u64,
    pub(super) servers: &'a [ServerStatus],
    /// Requests to each server in the last second.
    pub(super) rates: &'a [u64],
    pub(super) tally: &'a Tally,
    pub(super) retries: u64,
    pub(super) events: &'a [Event],
}

/// Shows scenes.
#[derive(Debug)]
pub(super) struct Screen {
    show: Show,
    /// Events shown so far, as lines.
    told: usize,
}

impl Screen {
    pub(super) fn open(show: Show) -> io::Result<Self> {
        if show == Show::Table {
            io::stdout().lock().write_all(CLEAR_ALL.as_bytes())?;
        }
        Ok(Self { show, told: 0 })
    }

    pub(super) fn draw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        match self.show {
            Show::Table => draw_table(scene),
            Show::Lines => self.write_lines(scene, &mut io::stdout().lock()),
            Show::LinesAside => {
                // The summary is what was asked for; that nobody listens to this does not spoil it.
                let _ = self.write_lines(scene, &mut io::stderr().lock());
                Ok(())
            }
        }
    }

    fn write_lines(&mut self, scene: &Scene<'_>, out: &mut dyn Write) -> io::Result<()> {
        for event in &scene.events[self.told..] {
            writeln!(out, "{event}")?;
        }
        self.told = scene.events.len();
        let up = scene.servers.iter().filter(|server| server.availability == "healthy").count();
        let rate: u64 = scene.rates.iter().sum();
        let (second, all) = (scene.second, scene.servers.len());
        write!(out, "{second:>4} s  {up} of {all} servers  {rate:>5} req/s  ")?;
        writeln!(out, "{}", totals(scene))?;
        out.flush()
    }
}

fn draw_table(scene: &Scene<'_>) -> io::Result<()> {
    let newest = scene.events.len().saturating_sub(EVENTS_SHOWN);
    let mut text = format!("{}\n\n{}\n\n{}\n\n", scene.title, servers(scene), totals(scene));
    for event in &scene.events[newest..] {
        text.push_str(&format!("{event}\n"));
    }
    let mut out = io::stdout().lock();
    out.write_all(HOME.as_bytes())?;
    for line in text.lines() {
        writeln!(out, "{line}{CLEAR_LINE}")?;
    }
    out.write_all(CLEAR_BELOW.as_bytes())?;
    out.flush()
}

fn servers(scene: &Scene<'_>) -> Sheet {
    let mut sheet = Sheet::new(&["SERVER", "STATE", "IN FLIGHT", "REQ/S", "P99", "REASON"]);
    for (server, rate) in scene.servers.iter().zip(scene.rates) {
        sheet.row(
            Tone::of(server.availability),
            [
                cell(&server.name.as_str().into()),
                cell(&server.availability.into()),
                cell(&server.in_flight.into()),
                cell(&(*rate).into()),
                millis(&server.p99_ms.into()),
                cell(&server.reason.as_str().into()),
            ],
        );
    }
    sheet
}

fn totals(scene: &Scene<'_>) -> String {
    let Tally { requests, failed, checkouts, .. } = scene.tally;
    let (p50, p99) = (scene.tally.quantile_ms(0.5), scene.tally.quantile_ms(0.99));
    let retries = scene.retries;
    format!(
        "{requests} requests  {failed} failed  {retries} retries  {checkouts} checkouts  \
         p50 {p50:.1} ms  p99 {p99:.1} ms"
    )
}
