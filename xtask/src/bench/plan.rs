//! The points to measure: those asked for, or those of the published tables.

use std::path::Path;

use serde::Serialize;

use super::Options;
use super::candidate::Candidate;
use super::load::{Aim, Handshake, Load};
use super::setting::{Scheme, Setting};

/// One point: what is asked for, by how many, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Point {
    pub(super) load: Load,
    pub(super) path: String,
    pub(super) connections: u32,
    #[serde(skip)]
    pub(super) setting: Setting,
}

impl Point {
    fn new(load: Load, path: &str, connections: u32) -> Self {
        let setting = Setting {
            http2: matches!(load, Load::Http2 { .. }),
            gzip: load == Load::Gzip,
            ..Setting::default()
        };
        Self { load, path: path.to_owned(), connections, setting }
    }

    /// The same, encrypted, with so many certificates to choose from.
    fn encrypted(mut self, certificates: usize) -> Self {
        self.setting = Setting { scheme: Scheme::Https, certificates, ..self.setting };
        self
    }

    /// Those of `candidates` that can take part: the relay understands nothing.
    pub(super) fn candidates(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        let plain = self.setting == Setting::default();
        let takes_part = |candidate: &&Candidate| plain || candidate.name != "relay";
        candidates.iter().filter(takes_part).cloned().collect()
    }

    /// What the load is aimed at, for the candidate on `port`.
    pub(super) fn aim<'a>(&'a self, port: u16, seconds: u64, directory: &'a Path) -> Aim<'a> {
        let (path, connections) = (self.path.as_str(), self.connections);
        Aim { scheme: self.setting.scheme, directory, port, path, connections, seconds }
    }

    /// For people: `1 KiB, 64 connections`.
    pub(super) fn title(&self) -> String {
        let title = self.load_title();
        match self.setting {
            Setting { scheme: Scheme::Http, .. } => title,
            Setting { certificates: 0 | 1, .. } => format!("TLS, {title}"),
            Setting { certificates, .. } => format!("TLS, {certificates} certificates, {title}"),
        }
    }

    fn load_title(&self) -> String {
        let size = self.path.get(3..).and_then(|digits| digits.parse().ok());
        let size = size.filter(|_| !self.path.starts_with("/c/"));
        let what = size.map_or_else(|| self.path.clone(), size_text);
        let connections = self.connections;
        match &self.load {
            Load::Wrk | Load::Gen => format!("{what}, {connections} connections"),
            Load::Users => format!("{what}, {connections} users with cookies"),
            Load::Close => format!("{what}, a connection per request, {connections} at a time"),
            Load::Gzip => format!("{what} of HTML in gzip, {connections} connections"),
            Load::Http2 { streams } => {
                format!("HTTP/2, {what}, {connections} connections, {streams} streams each")
            }
            Load::Handshake(Handshake::Full) => format!("full handshakes, {what}"),
            Load::Handshake(Handshake::Resumed) => format!("resumed handshakes, {what}"),
            Load::Idle(count) => format!("{count} idle connections"),
            Load::Command(command) => format!("{what}, {connections} connections, {command}"),
        }
    }
}

fn size_text(bytes: u64) -> String {
    match bytes {
        0x10_0000.. if bytes.is_multiple_of(0x10_0000) => format!("{} MiB", bytes / 0x10_0000),
        0x400.. if bytes.is_multiple_of(0x400) => format!("{} KiB", bytes / 0x400),
        _ => format!("{bytes} B"),
    }
}

/// The points that `options` ask for, in order.
pub(super) fn points(options: &Options) -> Vec<Point> {
    if options.releases {
        return vec![Point::new(Load::Users, "/s/1024", 64)];
    }
    if options.all {
        return if options.tls { published_web() } else { published() };
    }
    let dress = |point: Point| match options.tls {
        true => point.encrypted(options.certificates),
        false => point,
    };
    if let Load::Idle(_) = options.load {
        let path = options.paths.first().map_or("/s/100", String::as_str);
        return vec![dress(Point::new(options.load.clone(), path, 0))];
    }
    let pairs = options
        .paths
        .iter()
        .flat_map(|path| options.conns.iter().map(move |&connections| (path, connections)));
    let points =
        pairs.map(|(path, connections)| Point::new(options.load.clone(), path, connections));
    points.map(dress).collect()
}

fn published() -> Vec<Point> {
    vec![
        Point::new(Load::Wrk, "/s/100", 64),
        Point::new(Load::Wrk, "/s/1024", 64),
        Point::new(Load::Wrk, "/s/16384", 64),
        Point::new(Load::Wrk, "/s/1048576", 16),
        Point::new(Load::Wrk, "/s/1024", 512),
        Point::new(Load::Close, "/s/100", 64),
        Point::new(Load::Idle(10_000), "/s/100", 0),
    ]
}

/// What an edge does beside forwarding: encryption, HTTP/2, compression.
fn published_web() -> Vec<Point> {
    let full = || Point::new(Load::Handshake(Handshake::Full), "/s/100", 1);
    vec![
        full().encrypted(1),
        full().encrypted(500),
        Point::new(Load::Handshake(Handshake::Resumed), "/s/100", 1).encrypted(1),
        Point::new(Load::Wrk, "/s/1024", 64).encrypted(1),
        Point::new(Load::Wrk, "/s/1048576", 16).encrypted(1),
        Point::new(Load::Http2 { streams: 10 }, "/s/1024", 64).encrypted(1),
        Point::new(Load::Http2 { streams: 10 }, "/s/1024", 64),
        Point::new(Load::Gzip, "/h/65536", 16),
        Point::new(Load::Idle(1_000), "/s/100", 0).encrypted(1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_speak_of_sizes() {
        for (point, expected) in [
            (Point::new(Load::Wrk, "/s/100", 64), "100 B, 64 connections"),
            (Point::new(Load::Gen, "/s/1024", 1), "1 KiB, 1 connections"),
            (Point::new(Load::Wrk, "/s/1048576", 16), "1 MiB, 16 connections"),
            (Point::new(Load::Wrk, "/c/5", 2), "/c/5, 2 connections"),
            (Point::new(Load::Idle(7), "/s/1", 0), "7 idle connections"),
            (Point::new(Load::Wrk, "/s/100", 1).encrypted(1), "TLS, 100 B, 1 connections"),
            (
                Point::new(Load::Http2 { streams: 10 }, "/s/1024", 8),
                "HTTP/2, 1 KiB, 8 connections, 10 streams each",
            ),
        ] {
            assert_eq!(point.title(), expected);
        }
    }
}
