//! System calls per request, counted for a second of load.
//!
//! perf counts without slowing anyone down, where the kernel lets it; strace counts anywhere that
//! lets a process be traced, but slows the candidate so much that batches grow smaller: its number
//! is a little too high.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};

use super::account::family;
use super::fleet::Member;
use super::load::Aim;
use super::plan::Point;
use crate::peers;

/// Counts for a second; `None` when this machine cannot count.
///
/// # Errors
/// When nothing was answered meanwhile.
pub(super) fn per_request(point: &Point, member: &Member, directory: &Path) -> Result<Option<f64>> {
    let aim = point.aim(member.port, 1, directory);
    let file = directory.join(format!("{}.syscalls", member.name));
    // What an earlier point counted must not be taken for this one; mostly there is nothing yet.
    let _ = fs::remove_file(&file);
    if peers::PERF.is_there()
        && let Some(count) = by_perf(point, member, aim, &file)?
    {
        return Ok(Some(count));
    }
    if peers::STRACE.is_there() {
        return by_strace(point, member, aim, &file);
    }
    Ok(None)
}

fn by_perf(point: &Point, member: &Member, aim: Aim<'_>, file: &Path) -> Result<Option<f64>> {
    let processes: Vec<String> = family(member.id()).iter().map(u32::to_string).collect();
    let file = file.to_string_lossy();
    // The counter runs for as long as the load, which perf starts itself.
    let prefix: Vec<String> = [
        "perf",
        "stat",
        "-x,",
        "-e",
        "raw_syscalls:sys_enter",
        "-o",
        &file,
        "-p",
        &processes.join(","),
        "--",
    ]
    .map(str::to_owned)
    .into();
    // Where perf may not count it does not run the load either.
    let Ok(answers) = point.load.run_under(&prefix, aim) else { return Ok(None) };
    let count = read_perf(&fs::read_to_string(&*file).unwrap_or_default());
    Ok(count.map(|count| count as f64 / answers.requests as f64))
}

/// The number at the start of the line of the counter, after comments.
fn read_perf(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("raw_syscalls:sys_enter"))?;
    line.split(',').next()?.parse().ok()
}

fn by_strace(point: &Point, member: &Member, aim: Aim<'_>, file: &Path) -> Result<Option<f64>> {
    let mut strace = Command::new("strace");
    strace.args(["-c", "-f", "-o"]).arg(file);
    for process in family(member.id()) {
        strace.args(["-p", &process.to_string()]);
    }
    let mut strace =
        strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().context("cannot run strace")?;
    // It says so once it is attached; when it says nothing more, it could not be.
    let mut attached = String::new();
    if let Some(stderr) = strace.stderr.take() {
        BufReader::new(stderr).read_line(&mut attached)?;
    }
    let answers = point.load.run(aim);
    if let Some(id) = Pid::from_raw(strace.id().cast_signed()) {
        // An error means that it has ended already, and its file says what it counted.
        let _ = rustix::process::kill_process(id, Signal::INT);
    }
    strace.wait()?;
    let requests = answers?.requests;
    let count = read_strace(&fs::read_to_string(file).unwrap_or_default());
    Ok(count.map(|count| count as f64 / requests as f64))
}

/// The sum of the calls column: share, seconds, time per call, calls, perhaps errors, name.
fn read_strace(text: &str) -> Option<u64> {
    let calls = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_row = words.len() >= 5 && words[0].parse::<f64>().is_ok();
        (is_row && words.last() != Some(&"total")).then(|| words[3].parse::<u64>().ok()).flatten()
    });
    let sum = calls.sum();
    (sum > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perf_is_read_past_its_comments() {
        let text = "# started on Sat\n\n4321,,raw_syscalls:sys_enter,960643,100.00,,\n";
        assert_eq!(read_perf(text), Some(4321));
        assert_eq!(read_perf("<not counted>,,raw_syscalls:sys_enter,0,0,,\n"), None);
    }

    #[test]
    fn strace_is_summed_without_its_own_total() {
        let text = "% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.006000           3      2000           write
 40.00    0.004000           2      1500        12 read
------ ----------- ----------- --------- --------- ----------------
100.00    0.010000           2      3500        12 total
";
        assert_eq!(read_strace(text), Some(3500));
        assert_eq!(read_strace(""), None);
    }
}
