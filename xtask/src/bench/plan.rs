//! The points to measure: those asked for, or those of the published table.

use serde::Serialize;

use super::Options;
use super::load::Load;

/// One point: what is asked for, by how many, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Point {
    pub(super) load: Load,
    pub(super) path: String,
    pub(super) connections: u32,
}

impl Point {
    fn new(load: Load, path: &str, connections: u32) -> Self {
        Self { load, path: path.to_owned(), connections }
    }

    /// For people: `1 KiB, 64 connections`.
    pub(super) fn title(&self) -> String {
        let size = self.path.strip_prefix("/s/").and_then(|digits| digits.parse().ok());
        let what = size.map_or_else(|| self.path.clone(), size_text);
        let connections = self.connections;
        match &self.load {
            Load::Wrk | Load::Gen => format!("{what}, {connections} connections"),
            Load::Close => format!("{what}, a connection per request, {connections} at a time"),
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
    if options.all {
        return published();
    }
    if let Load::Idle(_) = options.load {
        let path = options.paths.first().map_or("/s/100", String::as_str);
        return vec![Point::new(options.load.clone(), path, 0)];
    }
    let pairs = options
        .paths
        .iter()
        .flat_map(|path| options.conns.iter().map(move |&connections| (path, connections)));
    pairs.map(|(path, connections)| Point::new(options.load.clone(), path, connections)).collect()
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
        ] {
            assert_eq!(point.title(), expected);
        }
    }
}
