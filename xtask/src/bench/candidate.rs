//! Who is measured: a name, a port and the command that listens on it.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use super::fleet::ORIGIN_PORT;
use super::release::Release;
use crate::{peers, workspace};

/// One program between load and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// As shown in tables.
    pub(super) name: String,
    /// Where it listens, on 127.0.0.1.
    pub(super) port: u16,
    /// Program and arguments.
    pub(super) command: Vec<String>,
    /// What to run once it listens: program and arguments, or nothing.
    pub(super) then: Vec<String>,
}

/// A candidate known by name; its configuration is written to `directory` before it starts.
/// `program` is the tidegate that is measured.
///
/// # Errors
/// When the name is not known, or its program not found.
pub(super) fn known(name: &str, program: &Path, directory: &Path) -> Result<Candidate> {
    if let Some(release) = Release::ALL.into_iter().find(|release| release.name() == name) {
        return Ok(releasing(release, program, directory));
    }
    if name == "tidegate" {
        return Ok(tidegate(name, 9200, program, directory));
    }
    let file = |name: &str| text(&directory.join(name));
    let (port, command) = match name {
        "haproxy" => (9101, vec![installed(name)?, "-db".into(), "-f".into(), file("haproxy.cfg")]),
        "nginx" => (
            9102,
            vec![
                installed(name)?,
                "-p".into(),
                text(directory),
                "-e".into(),
                "nginx.err".into(),
                "-c".into(),
                file("nginx.conf"),
            ],
        ),
        "relay" => (9103, vec![built(name)?, "9103".into(), ORIGIN_PORT.to_string()]),
        _ => bail!("no candidate is called `{name}`; give it as NAME|PORT|COMMAND"),
    };
    Ok(Candidate { name: name.to_owned(), port, command, then: Vec::new() })
}

/// A tidegate with sessions or a rollout.
pub(super) fn releasing(release: Release, program: &Path, directory: &Path) -> Candidate {
    let order = release.order().map(|order| [vec![text(program)], order.to_vec()].concat());
    let then = order.unwrap_or_default();
    Candidate { then, ..tidegate(release.name(), release.port(), program, directory) }
}

/// A tidegate with the configuration that is called like it.
pub(super) fn tidegate(name: &str, port: u16, program: &Path, directory: &Path) -> Candidate {
    let file = text(&directory.join(format!("{name}.toml")));
    let command = vec![text(program), "run".into(), "-c".into(), file];
    Candidate { name: name.to_owned(), port, command, then: Vec::new() }
}

/// An origin.
///
/// # Errors
/// When it is not known where cargo builds.
pub(super) fn origin(name: &str, port: u16) -> Result<Candidate> {
    let command = vec![built("origin")?, port.to_string()];
    Ok(Candidate { name: name.to_owned(), port, command, then: Vec::new() })
}

fn installed(program: &str) -> Result<String> {
    let path = peers::find(program).with_context(|| format!("{program} is not installed"))?;
    Ok(text(&path))
}

fn built(program: &str) -> Result<String> {
    Ok(text(&workspace::target()?.join("release").join(program)))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl FromStr for Candidate {
    type Err = Error;

    /// Reads `NAME|PORT|COMMAND`; the command is given to the shell.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.splitn(3, '|');
        let (Some(name), Some(port), Some(command)) = (parts.next(), parts.next(), parts.next())
        else {
            bail!("expected NAME|PORT|COMMAND");
        };
        let port = port.parse().with_context(|| format!("`{port}` is no port"))?;
        // `exec` makes the command the process that is measured, not a child of a shell.
        let command = vec!["sh".to_owned(), "-c".to_owned(), format!("exec {command}")];
        Ok(Self { name: name.to_owned(), port, command, then: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_read_from_name_port_and_command() {
        let candidate: Candidate = "mine|9300|./mine 'a|b' c".parse().expect("it is complete");
        assert_eq!((candidate.name.as_str(), candidate.port), ("mine", 9300));
        assert_eq!(candidate.command, ["sh", "-c", "exec ./mine 'a|b' c"]);
    }

    #[test]
    fn an_incomplete_candidate_is_refused() {
        for text in ["mine", "mine|9300", "mine|port|./mine", "mine|70000|./mine"] {
            assert!(text.parse::<Candidate>().is_err(), "{text}");
        }
        assert!(known("nobody", Path::new("/"), Path::new("/")).is_err());
    }
}
