//! `[pool.NAME.autoscale.process]` and `[pool.NAME.autoscale.exec]` to the model.

use std::path::Path as FilePath;

use super::autoscale::Scaled;
use super::whole::Site;
use crate::config::raw::report::Mistake;
use crate::config::raw::tree::{Path, Table, quote};
use crate::config::text::duration::{duration, wait};
use crate::config::text::{command, place, ports, size};
use crate::model::autoscale::Bounds;
use crate::model::provider::{Exec, OnExit, Process, Provider};

pub(crate) fn provider(
    scaled: Scaled<'_>,
    bounds: Option<Bounds>,
    site: &mut Site<'_>,
) -> Option<Provider> {
    let (name, path) = (scaled.table.text("provider")?, scaled.path);
    let (table, path) = (scaled.table.table(name)?, path.key(name));
    match name {
        "process" => {
            let process = process(table, &path, site)?;
            instances_are_told_apart(table, &process, &path, site);
            if let Some(bounds) = bounds {
                ports_suffice(scaled, bounds, &process, site);
            }
            Some(Provider::Process(process))
        }
        "exec" => exec(table, &path, site).map(Provider::Exec),
        _ => None,
    }
}

fn process(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Process> {
    let command = program_and_arguments(table, "command", path, site);
    let here = site.files.directory();
    let resolve = |key| table.optional(key, |path| Some(here.join(path.parse(place::path)?)));
    let beside = Some(here.to_owned()).filter(|here| here != FilePath::new(""));
    Some(Process {
        command: command?,
        ports: table.parse("ports", ports::ports)?,
        env: table.optional("env", |env| variables(env.table()?))?.unwrap_or_default(),
        directory: resolve("directory")?.or(beside),
        logs: resolve("logs")?,
        cpus: table.optional("cpus", |_| table.number("cpus"))?,
        memory: table.optional("memory", |memory| memory.parse(size::limit_size))?,
        stop_timeout: table.parse("stop_timeout", duration)?,
        on_exit: match table.text("on_exit")? {
            "keep" => OnExit::Keep,
            "stop" => OnExit::Stop,
            _ => return None,
        },
    })
}

fn variables<T: FromIterator<(String, String)>>(table: &Table) -> Option<T> {
    table
        .iter()
        .map(|(name, entry)| {
            Some((command::variable(name).ok()?, entry.value.parse(command::argument)?))
        })
        .collect()
}

fn exec(table: &Table, path: &Path<'_>, site: &mut Site<'_>) -> Option<Exec> {
    let mut command = |key: &str| {
        let mut words = program_and_arguments(table, key, path, site)?;
        // A name without a `/` is looked for where programs are.
        if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
            let path = site.files.directory().join(&*program);
            *program = path.to_str().map(str::to_owned)?;
        }
        Some(words)
    };
    let (list, start, stop) = (command("list"), command("start"), command("stop"));
    Some(Exec { list: list?, start: start?, stop: stop?, timeout: table.parse("timeout", wait)? })
}

/// A command that names its program.
fn program_and_arguments(
    table: &Table,
    key: &str,
    path: &Path<'_>,
    site: &mut Site<'_>,
) -> Option<Vec<String>> {
    let words = table.parse_list(key, command::argument)?;
    let (program, value) = (words.first()?, table.list(key)?.first()?);
    let path = path.key(key);
    if program.is_empty() {
        let mistake = Mistake::new(value.at()?, &path, format!("`{path}` names no program"));
        site.report.add(mistake.expected("a program, then its arguments"));
        return None;
    }
    if words.len() == 1 && program.contains(' ') {
        let items: Vec<String> = program.split_whitespace().map(quote).collect();
        let message = format!("{} is taken for the name of a program", quote(program));
        let mistake = Mistake::doubt(value.at()?, &path, message);
        let mistake = mistake.expected("an item for the program and one for each argument");
        site.report.add(mistake.nearest(Some(format!("[{}]", items.join(", ")))));
    }
    Some(words)
}

/// An instance that is not told its port cannot be on it, unless there is only one.
fn instances_are_told_apart(
    table: &Table,
    process: &Process,
    path: &Path<'_>,
    site: &mut Site<'_>,
) {
    let (first, last) = process.ports;
    let mut texts = process.command.iter().skip(1).chain(process.env.values());
    let at = table.entry("command").and_then(|entry| entry.key);
    if let (true, Some(at)) = (first < last && !texts.any(|text| text.contains("{port}")), at) {
        let path = path.key("command");
        let message = "no argument and no variable tells an instance its port";
        let mistake = Mistake::new(at, &path, message);
        site.report.add(mistake.expected("`{port}` in one of them"));
    }
}

/// Each instance needs a port of its own.
fn ports_suffice(scaled: Scaled<'_>, bounds: Bounds, process: &Process, site: &mut Site<'_>) {
    let (first, last) = process.ports;
    let count = u32::from(last - first) + 1;
    let (listed, path) = (scaled.listed(), scaled.path.key("process"));
    let Some(at) = scaled.table.table("process").and_then(|table| table.entry("ports")?.key) else {
        return;
    };
    let path = path.key("ports");
    let most = listed.saturating_add(count);
    let words = match listed {
        0 => String::new(),
        1 => " beside 1 listed server".to_owned(),
        _ => format!(" beside {listed} listed servers"),
    };
    if most < bounds.min {
        let message = format!("ports for {count}{words} never make the {} of `min`", bounds.min);
        let needed = bounds.min.saturating_sub(listed);
        site.report.add(Mistake::new(at, &path, message).expected(format!("{needed} at least")));
        return;
    }
    let warm: Option<u32> = scaled.table.table("warm").and_then(|warm| warm.integer("size"));
    let wanted = bounds.max.saturating_add(warm.unwrap_or_default());
    if most < wanted {
        let message =
            format!("ports for {count}{words} do not suffice for `max` and the warm pool");
        let mistake = Mistake::doubt(at, &path, message);
        let needed = wanted.saturating_sub(listed);
        site.report.add(mistake.expected(format!("{needed}, and some for those that drain")));
    }
}
