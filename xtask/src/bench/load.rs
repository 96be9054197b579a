//! What makes the requests: its command line, and how to read what it prints.

use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use serde::Serialize;

use super::fleet::LOADING;
use super::setting::Scheme;
use crate::workspace;

/// A way to load a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Load {
    /// wrk, keep-alive, one request under way a connection.
    Wrk,
    /// wrk with a new connection for every request.
    Close,
    /// wrk, and a response that is compressed with gzip.
    Gzip,
    /// h2load: so many requests under way a connection, on HTTP/2.
    Http2 {
        /// Streams of a connection.
        streams: u32,
    },
    /// TLS connections one after the other, each with a request.
    Handshake(Handshake),
    /// The generator of this project, in the manner of wrk.
    Gen,
    /// The same, each connection a user with cookies.
    Users,
    /// So many connections that say nothing after one request.
    Idle(u32),
    /// Any command that prints `REQS n`.
    Command(String),
}

/// How a TLS connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Handshake {
    /// With certificates and a new secret.
    Full,
    /// With the ticket of the connection before.
    Resumed,
}

/// What a load is aimed at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim<'a> {
    pub(super) scheme: Scheme,
    /// Where the certificate is, in `0.pem`.
    pub(super) directory: &'a Path,
    pub(super) port: u16,
    pub(super) path: &'a str,
    pub(super) connections: u32,
    pub(super) seconds: u64,
}

/// What came of a load.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answers {
    /// Requests answered.
    pub(super) requests: u64,
    /// Median and 99th percentile of the latency in microseconds, where the load tells them.
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// Errors, as the load words them.
    pub(super) complaint: Option<String>,
}

impl FromStr for Load {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "wrk" => Self::Wrk,
            "close" => Self::Close,
            "gen" => Self::Gen,
            "users" => Self::Users,
            "gzip" => Self::Gzip,
            "handshake:full" => Self::Handshake(Handshake::Full),
            "handshake:resumed" => Self::Handshake(Handshake::Resumed),
            _ => match text.split_once(':') {
                Some(("idle", count)) => Self::Idle(count.parse().context("idle: needs a number")?),
                Some(("h2", streams)) => {
                    Self::Http2 { streams: streams.parse().context("h2: needs a number")? }
                }
                _ if text.contains([' ', '/']) => Self::Command(text.to_owned()),
                _ => bail!(
                    "expected wrk, close, gen, users, gzip, h2:N, handshake:full, \
                     handshake:resumed, idle:N or a command"
                ),
            },
        })
    }
}

impl Load {
    /// Runs against `aim` and returns what came of it.
    ///
    /// # Errors
    /// When the program cannot be run, or nothing was answered.
    pub(super) fn run(&self, aim: Aim<'_>) -> Result<Answers> {
        self.run_under(&[], aim)
    }

    /// Runs with `prefix` before the command, for example a program that counts meanwhile.
    ///
    /// # Errors
    /// When either program cannot be run, or nothing was answered.
    pub(super) fn run_under(&self, prefix: &[String], aim: Aim<'_>) -> Result<Answers> {
        let mut words = prefix.to_vec();
        words.extend(LOADING.pin());
        words.extend(self.command(aim)?);
        let output = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", words.join(" ")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answers = self.read(&text).filter(|answers| answers.requests > 0);
        answers.with_context(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            format!("nothing was answered to {}:\n{text}{errors}", words.join(" "))
        })
    }

    fn command(&self, aim: Aim<'_>) -> Result<Vec<String>> {
        let Aim { scheme, directory, port, path, connections, seconds } = aim;
        let url = format!("{}://127.0.0.1:{port}{path}", scheme.as_str());
        let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wrk = || words(format!("wrk -t1 -c{connections} -d{seconds}s --latency {url}"));
        Ok(match self {
            Self::Wrk => wrk(),
            Self::Close => {
                let mut command = wrk();
                command.extend(["-H".to_owned(), "Connection: close".to_owned()]);
                command
            }
            Self::Gzip => {
                let mut command = wrk();
                command.extend(["-H".to_owned(), "Accept-Encoding: gzip".to_owned()]);
                command
            }
            Self::Http2 { streams } => {
                let clients = format!("-c{connections} -m{streams}");
                words(format!("h2load -t1 {clients} --warm-up-time=0 -D{seconds} {url}"))
            }
            Self::Handshake(handshake) => {
                let program = workspace::target()?.join("release/handshakes");
                let certificate = directory.join("0.pem").to_string_lossy().into_owned();
                let kind = match handshake {
                    Handshake::Full => "full",
                    Handshake::Resumed => "resumed",
                };
                let mut command = vec![program.to_string_lossy().into_owned()];
                command.extend(words(format!("{port} {path} {seconds} {kind}")));
                command.push(certificate);
                command
            }
            Self::Gen | Self::Users => {
                let program = workspace::target()?.join("release/loadgen");
                let mut command = vec![program.to_string_lossy().into_owned()];
                command.extend(words(format!("{port} {path} {connections} {seconds}")));
                command.extend((*self == Self::Users).then(|| "--users".to_owned()));
                command
            }
            Self::Command(template) => {
                let command = template
                    .replace("{url}", &url)
                    .replace("{port}", &port.to_string())
                    .replace("{path}", path)
                    .replace("{conns}", &connections.to_string())
                    .replace("{dur}", &seconds.to_string());
                vec!["sh".to_owned(), "-c".to_owned(), format!("exec {command}")]
            }
            Self::Idle(_) => bail!("idle connections make no load"),
        })
    }

    fn read(&self, text: &str) -> Option<Answers> {
        match self {
            Self::Wrk | Self::Gzip => read_wrk(text, Endings::AreErrors),
            Self::Http2 { .. } => read_h2load(text),
            Self::Close => read_wrk(text, Endings::AreExpected),
            _ => read_plain(text),
        }
    }
}

/// What to think of connections that end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endings {
    AreErrors,
    /// wrk counts every connection closed after its answer as an error.
    AreExpected,
}

fn read_wrk(text: &str, endings: Endings) -> Option<Answers> {
    let line =
        |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in "))?.0;
    let sockets = line("Socket errors:").filter(|_| endings == Endings::AreErrors);
    let statuses = line("Non-2xx or 3xx responses:").map(|count| format!("{count} not 2xx or 3xx"));
    let complaints: Vec<String> = sockets.map(str::to_owned).into_iter().chain(statuses).collect();
    Some(Answers {
        requests: requests.parse().ok()?,
        p50_us: line("50%").and_then(micros),
        p99_us: line("99%").and_then(micros),
        complaint: (!complaints.is_empty()).then(|| complaints.join(", ")),
    })
}

/// A time as wrk prints it, `812.00us`, `1.20ms`, `2.00s` or `1.00m`, in microseconds.
fn micros(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let scale = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 6e7,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

/// The lines `finished in 1.01s, 9876.50 req/s` and `requests: 10 total, …, 9 succeeded, 1 failed`.
fn read_h2load(text: &str) -> Option<Answers> {
    let line = text.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let count = |what: &str| {
        let part = line.split(", ").find_map(|part| part.strip_suffix(what))?;
        part.parse::<u64>().ok()
    };
    let failed = count(" failed").unwrap_or_default();
    Some(Answers {
        requests: count(" succeeded")?,
        p50_us: None,
        p99_us: None,
        complaint: (failed > 0).then(|| format!("{failed} failed")),
    })
}

/// `REQS n`, and perhaps `FAIL n` and `LAT p50 p99`.
fn read_plain(text: &str) -> Option<Answers> {
    let words = |start: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        line.map(|line| line.split_whitespace().collect::<Vec<_>>()).unwrap_or_default()
    };
    let latency = words("LAT ");
    let time = |index: usize| latency.get(index).and_then(|word| word.parse().ok());
    let failed = words("FAIL ").first().filter(|count| **count != "0").copied();
    Some(Answers {
        requests: words("REQS ").first()?.parse().ok()?,
        p50_us: time(0),
        p99_us: time(1),
        complaint: failed.map(|count| format!("{count} failed")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "Running 1s test @ http://127.0.0.1:9101/s/100
  1 threads and 64 connections
  Latency Distribution
     50%    1.02ms
     75%    1.30ms
     90%    1.71ms
     99%  812.50us
  61234 requests in 1.10s, 15.36MB read
  Socket errors: connect 0, read 12, write 0, timeout 0
  Non-2xx or 3xx responses: 7
Requests/sec:  55667.27
";

    #[test]
    fn wrk_is_read_with_its_complaints() {
        let answers = Load::Wrk.read(WRK).expect("it is complete");
        assert_eq!(answers.requests, 61_234);
        assert_eq!((answers.p50_us, answers.p99_us), (Some(1020.0), Some(812.5)));
        let complaint = "connect 0, read 12, write 0, timeout 0, 7 not 2xx or 3xx";
        assert_eq!(answers.complaint.as_deref(), Some(complaint));
    }

    #[test]
    fn ended_connections_are_no_errors_when_every_one_is_to_end() {
        let answers = Load::Close.read(WRK).expect("it is complete");
        assert_eq!(answers.complaint.as_deref(), Some("7 not 2xx or 3xx"));
    }

    #[test]
    fn h2load_is_read_with_its_failures() {
        let text = "finished in 1.00s, 40000.00 req/s, 44.7MB/s\n\
            requests: 40010 total, 40002 done, 40000 succeeded, 2 failed\n";
        let answers = Load::Http2 { streams: 10 }.read(text).expect("it is complete");
        assert_eq!(answers.requests, 40_000);
        assert_eq!(answers.complaint.as_deref(), Some("2 failed"));
    }

    #[test]
    fn other_loads_print_a_plain_form() {
        let answers = Load::Gen.read("REQS 12\nFAIL 0\nLAT 3 4.5\n").expect("it is complete");
        let expected =
            Answers { requests: 12, p50_us: Some(3.0), p99_us: Some(4.5), complaint: None };
        assert_eq!(answers, expected);
        let failed = Load::Gen.read("REQS 12\nFAIL 3\n").expect("it is complete");
        assert_eq!(failed.complaint.as_deref(), Some("3 failed"));
        assert_eq!(Load::Gen.read("nothing"), None);
    }

    #[test]
    fn loads_are_read_from_the_command_line() {
        for (text, expected) in [
            ("wrk", Load::Wrk),
            ("close", Load::Close),
            ("gen", Load::Gen),
            ("users", Load::Users),
            ("idle:10000", Load::Idle(10_000)),
            ("gzip", Load::Gzip),
            ("h2:10", Load::Http2 { streams: 10 }),
            ("handshake:full", Load::Handshake(Handshake::Full)),
            ("./mine {port}", Load::Command("./mine {port}".to_owned())),
        ] {
            assert_eq!(text.parse::<Load>().expect("it is a load"), expected);
        }
        for text in ["wkr", "idle:", "idle:x", "h2:", "handshake:", ""] {
            assert!(text.parse::<Load>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_command_gets_its_aim() {
        let load = Load::Command("x {url} {port} {path} {conns} {dur}".to_owned());
        let directory = Path::new("/");
        let scheme = Scheme::Http;
        let aim = Aim { scheme, directory, port: 9, path: "/s/1", connections: 2, seconds: 3 };
        let command = load.command(aim).expect("it makes load");
        assert_eq!(command, ["sh", "-c", "exec x http://127.0.0.1:9/s/1 9 /s/1 2 3"]);
    }
}
