//! What the figures were measured on: versions, kernel and processor.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::peers;

/// One line a fact, for the head of a report. What cannot be found out is left out.
/// `program` is the tidegate that is measured.
pub(super) fn describe(program: &Path) -> String {
    let mut facts = vec![
        first_line(&program.to_string_lossy(), "--version"),
        first_line("haproxy", "-v"),
        first_line("nginx", "-v"),
        first_line("wrk", "-v"),
        first_line("rustc", "--version"),
    ];
    facts.push(
        file("/proc/sys/kernel/osrelease").map(|release| format!("Linux {}", release.trim())),
    );
    facts.push(file("/proc/cpuinfo").as_deref().and_then(processor));
    facts.into_iter().flatten().collect::<Vec<String>>().join("\n")
}

/// The first line that a program prints of itself; some print it as an error.
fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .env("PATH", peers::search_path())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&text).lines().next()?.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

fn file(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// How many processors of which model.
fn processor(cpuinfo: &str) -> Option<String> {
    let models: Vec<&str> = cpuinfo
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, model)| model.trim())
        .collect();
    models.first().map(|model| format!("{} x {model}", models.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_by_model() {
        let cpuinfo =
            "processor\t: 0\nmodel name\t: Some CPU\n\nprocessor\t: 1\nmodel name\t: Some CPU\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("2 x Some CPU"));
        assert_eq!(processor(""), None);
    }

    #[test]
    fn a_program_that_is_missing_has_no_line() {
        assert_eq!(first_line("no-program-has-this-name", "-v"), None);
        assert!(first_line("rustc", "--version").is_some_and(|line| line.starts_with("rustc ")));
    }
}
