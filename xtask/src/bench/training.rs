//! What a program that is to be released is trained with: a second of everything that traffic goes
//! through.
//!
//! What is never run here is taken for rare and made small instead of fast, so this has to be wide:
//! both protocols on both sides, with and without TLS, every size of body, compression, the rules
//! of balancing, sessions and releases, the access log.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::candidate;
use super::fleet::{Fleet, ORIGIN_PORT};
use super::load::{Aim, Handshake, Load};
use super::release::Release;
use super::setting::{Scheme, Setting};
use crate::workspace;

/// Where `bench/training.toml` listens, in clear and encrypted.
const PLAIN: u16 = 9400;
const ENCRYPTED: u16 = 9401;
/// The same program with an access log; the other one's server on HTTP/2.
const LOGGING: u16 = 9420;
/// How long each load runs.
const SECONDS: u64 = 1;
/// wrk, with responses in brotli.
const BROTLI: &str = "wrk -t1 -c{conns} -d{dur}s -H Accept-Encoding:br {url} \
                      | sed -n 's/^ *\\([0-9]*\\) requests in.*/REQS \\1/p'";

/// Starts `program` in all its roles and runs the loads, one after the other.
///
/// # Errors
/// When something does not start, or answers nothing.
pub(super) fn run(program: &Path, directory: &Path) -> Result<()> {
    write_configs(directory)?;
    let mut candidates = vec![
        // For pools of two servers.
        candidate::origin("origin-2", ORIGIN_PORT + 1)?,
        candidate::tidegate("logging", LOGGING, program, directory),
        candidate::tidegate("training", PLAIN, program, directory),
    ];
    let releases = Release::ALL.into_iter();
    candidates.extend(releases.map(|release| candidate::releasing(release, program, directory)));
    let _fleet = Fleet::start(&candidates, directory, Setting::default(), 1024)?;
    for (load, scheme, port, path, connections) in loads() {
        let aim = Aim { scheme, directory, port, path, connections, seconds: SECONDS };
        load.run(aim).with_context(|| format!("{load:?} of {path} on port {port}"))?;
    }
    Ok(())
}

/// Each load, and what it is aimed at.
fn loads() -> Vec<(Load, Scheme, u16, &'static str, u32)> {
    let http2 = || Load::Http2 { streams: 10 };
    let mut loads = Vec::new();
    for (port, scheme) in [(PLAIN, Scheme::Http), (ENCRYPTED, Scheme::Https)] {
        for path in ["/s/100", "/s/1024", "/c/4096", "/s/16384"] {
            loads.push((Load::Wrk, scheme, port, path, 64));
        }
        loads.push((Load::Wrk, scheme, port, "/s/1024", 512));
        loads.push((Load::Wrk, scheme, port, "/s/1048576", 16));
        loads.push((Load::Close, scheme, port, "/s/100", 64));
        // Edits, then a server on HTTP/2.
        for path in ["/s/1024", "/s/600", "/s/700"] {
            loads.push((http2(), scheme, port, path, 64));
        }
    }
    for handshake in [Handshake::Full, Handshake::Resumed] {
        loads.push((Load::Handshake(handshake), Scheme::Https, ENCRYPTED, "/s/100", 1));
    }
    for path in ["/s/600", "/s/700", "/s/801", "/s/802", "/s/803", "/s/804"] {
        loads.push((Load::Wrk, Scheme::Http, PLAIN, path, 64));
    }
    for coded in [Load::Gzip, Load::Command(BROTLI.to_owned())] {
        loads.push((coded, Scheme::Http, PLAIN, "/h/65536", 16));
    }
    loads.push((Load::Wrk, Scheme::Http, LOGGING, "/s/1024", 64));
    for release in Release::ALL {
        loads.push((Load::Users, Scheme::Http, release.port(), "/s/1024", 64));
    }
    loads
}

fn write_configs(directory: &Path) -> Result<()> {
    let read = |name: &str| {
        let file = workspace::root().join("bench").join(name);
        fs::read_to_string(&file).with_context(|| format!("cannot read {file:?}"))
    };
    let training = read("training.toml")?;
    let logging = read("tidegate.toml")?
        .replace("127.0.0.1:9200", &format!("127.0.0.1:{LOGGING}"))
        .replace("127.0.0.1:9900", "127.0.0.1:9941")
        .replace("access = \"off\"", "access = \"/dev/null\"");
    for (name, text) in [("training.toml", training), ("logging.toml", logging)] {
        let file = directory.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {file:?}"))?;
    }
    Ok(())
}
