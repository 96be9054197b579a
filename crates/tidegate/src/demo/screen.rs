//! What people see while the demo runs: a picture that is drawn anew, or a line a second.

use std::io::{self, Write};

use rustix::termios::tcgetwinsize;
use tidegate_core::time::Duration;

use super::chart::Chart;
use super::stage::{Crew, RATE_EACH};
use super::summary::Event;
use super::tally::{Latencies, Tally};

/// What a line begins with that goes on with the one before.
const INDENT: &str = "           ";
/// To the top left corner; each line clears what it leaves of the one before.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
const CLEAR_ALL: &str = "\x1b[2J";

/// How the demo shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// A picture on standard output, which is a terminal.
    Picture,
    /// Lines on standard output.
    Lines,
    /// Lines on standard error, since standard output is for the summary.
    LinesAside,
}

impl Show {
    /// From one view to the next.
    pub(super) const fn period(self) -> Duration {
        match self {
            Self::Picture => Duration::from_millis(250),
            Self::Lines | Self::LinesAside => Duration::from_secs(1),
        }
    }
}

/// What is seen at one moment.
pub(super) struct Scene<'a> {
    /// Since the load began.
    pub(super) at: Duration,
    /// Requests that customers make in a second.
    pub(super) demand: f64,
    pub(super) crew: Crew,
    /// Of what ended in the last second.
    pub(super) recent: &'a Latencies,
    pub(super) tally: &'a Tally,
    pub(super) retries: u64,
    pub(super) chart: &'a Chart,
    pub(super) events: &'a [Event],
}

/// Shows scenes.
#[derive(Debug)]
pub(super) struct Screen {
    show: Show,
    /// A few lines about the whole.
    title: String,
    /// Events shown so far, as lines.
    told: usize,
}

impl Screen {
    pub(super) fn open(show: Show, title: String) -> io::Result<Self> {
        let mut screen = Self { show, title, told: 0 };
        match show {
            Show::Picture => io::stdout().lock().write_all(CLEAR_ALL.as_bytes())?,
            Show::Lines | Show::LinesAside => {
                let title = std::mem::take(&mut screen.title);
                screen.write(&title)?;
            }
        }
        Ok(screen)
    }

    pub(super) fn draw(&mut self, scene: &Scene<'_>) -> io::Result<()> {
        if self.show == Show::Picture {
            return self.draw_picture(scene);
        }
        let mut text = String::new();
        let news = scene.events[self.told..].iter().filter(|event| is_news(event));
        news.for_each(|event| text.push_str(&format!("{event}\n")));
        self.told = scene.events.len();
        text.push_str(&format!("{}  {}", now(scene), totals(scene).trim_start()));
        self.write(&text)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        match self.show {
            Show::LinesAside => {
                // The summary is what was asked for; that nobody listens to this does not spoil it.
                let _ = writeln!(io::stderr().lock(), "{text}");
                Ok(())
            }
            Show::Picture | Show::Lines => crate::output::line(text),
        }
    }

    fn draw_picture(&self, scene: &Scene<'_>) -> io::Result<()> {
        let (rows, columns) = size();
        let fixed =
            format!("{}\n\n{}\n{}\n\n{}\n", self.title, now(scene), totals(scene), scene.chart);
        let news = scene.events.iter().filter(|event| is_news(event));
        let news: Vec<String> =
            news.flat_map(|event| wrapped(&event.to_string(), columns)).collect();
        // The last row stays free: a line end there would move everything up.
        let room = rows.saturating_sub(fixed.lines().count() + 1);
        let newest = news.len().saturating_sub(room);
        let lines = fixed.lines().chain(news[newest..].iter().map(String::as_str));
        let mut text = HOME.to_owned();
        for line in lines.take(rows.saturating_sub(1)) {
            text.extend([&clipped(line, columns), CLEAR_LINE, "\n"]);
        }
        text.push_str(CLEAR_BELOW);
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// Rows and columns of the terminal; what most have, if it does not say.
fn size() -> (usize, usize) {
    let size = tcgetwinsize(io::stdout()).ok();
    let size = size.filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or((24, 80), |size| (size.ws_row.into(), size.ws_col.into()))
}

/// As much of a line as fits. Colours take no room.
fn clipped(line: &str, columns: usize) -> String {
    let mut room = columns;
    let mut is_colour = false;
    let fits = |letter: &char| {
        is_colour |= *letter == '\x1b';
        let takes = usize::from(!is_colour);
        is_colour &= *letter != 'm';
        let fits = room >= takes;
        room = room.saturating_sub(takes);
        fits
    };
    line.chars().filter(fits).collect()
}

/// A text without colours in lines that fit, broken between words.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let taken = lines.last().map_or(0, |line| line.chars().count());
        if taken > INDENT.len() && taken + word.trim_end().chars().count() > columns {
            lines.push(INDENT.to_owned());
        }
        lines.last_mut().expect("there is a first line").push_str(word);
    }
    lines
}

/// Whether people are told: the steps in the life of an instance are too many.
fn is_news(event: &Event) -> bool {
    !matches!(event.kind, "instance" | "server-up")
}

/// How it is now.
fn now(scene: &Scene<'_>) -> String {
    let Crew { serving, starting, draining, down } = scene.crew;
    let (at, capacity) = (scene.at.as_secs(), serving * RATE_EACH as usize);
    let mut text = format!(
        "{at:>4} s  demand {:>4.0}/s  capacity {capacity:>4}/s  {serving:>2} serving {starting:>2} \
         starting {draining:>2} draining",
        scene.demand
    );
    if down > 0 {
        text.push_str(&format!(" {down} down"));
    }
    text
}

/// What customers meet.
fn totals(scene: &Scene<'_>) -> String {
    let Tally { requests, failed, .. } = scene.tally;
    let (p50, p99) = (scene.recent.quantile_ms(0.5), scene.recent.quantile_ms(0.99));
    let retries = scene.retries;
    format!(
        "        p50 {p50:>4.0} ms  p99 {p99:>4.0} ms  {requests:>6} requests  {failed} failed  \
         {retries} retries"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_clipped_by_what_is_seen_of_it() {
        for (line, seen) in [
            ("abc", "abc"),
            ("abcd", "abc"),
            ("\x1b[36mab\x1b[0mcd", "\x1b[36mab\x1b[0mc"),
            ("▁▂▃▄", "▁▂▃"),
            ("abcd\x1b[0m", "abc\x1b[0m"),
        ] {
            assert_eq!(clipped(line, 3), seen, "{line:?}");
        }
    }

    #[test]
    fn a_long_text_goes_on_in_the_next_line() {
        let lines = wrapped("   4.7 s  want 12 servers", 20);
        assert_eq!(lines, ["   4.7 s  want 12 ", &format!("{INDENT}servers")]);
        assert_eq!(wrapped("short", 20), ["short"]);
        let lines = wrapped("a word-that-fits-in-no-line b", 14);
        assert_eq!(lines.concat().replace(' ', ""), "aword-that-fits-in-no-lineb");
    }
}
