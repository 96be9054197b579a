//! `[pool.NAME.autoscale.process]` and `[pool.NAME.autoscale.exec]`: what starts and stops
//! instances.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::command::{ARGUMENT, VALUE, VARIABLE};
use crate::config::text::duration::{DURATION, WAIT};
use crate::config::text::place::DIRECTORY;
use crate::config::text::ports::PORTS;
use crate::config::text::size::LIMIT_SIZE;

const COMMAND: Kind = Kind::Some(&Kind::Text(&ARGUMENT));

/// `[pool.NAME.autoscale.process]`.
pub(crate) static PROCESS: Section = Section {
    doc: "Instances that are children of the balancer and listen on 127.0.0.1.",
    keys: &[
        Key::new(
            "command",
            COMMAND,
            Default::Required,
            "The program and its arguments, an item each; no shell reads them. `{port}` and \
             `{name}` are replaced in arguments.",
        )
        .also(&["cmd", "exec", "run"]),
        Key::new(
            "ports",
            Kind::Text(&PORTS),
            Default::Required,
            "The ports that are given out, both ends included; nothing else may listen on them.",
        )
        .also(&["port", "port_range"]),
        Key::new(
            "env",
            Kind::Map { key: &VARIABLE, value: &Kind::Text(&VALUE) },
            Default::Absent("the balancer's own alone"),
            "Variables on top of the balancer's own, which are passed on: secrets need not stand \
             here. `{port}` and `{name}` are replaced in values.",
        )
        .also(&["environment"]),
        Key::new(
            "directory",
            Kind::Text(&DIRECTORY),
            Default::Absent("that of the main file"),
            "Where it runs; a program with a `/` in its name is looked for from here.",
        )
        .also(&["cwd", "working_directory", "dir"]),
        Key::new(
            "logs",
            Kind::Text(&DIRECTORY),
            Default::Absent("the balancer's log"),
            "A directory for what each instance prints, a file each.",
        ),
        Key::new(
            "cpus",
            Kind::Number { min: 0.01, max: 1024.0 },
            Default::Absent("no bound"),
            "CPUs that an instance may use, by cgroup.",
        )
        .also(&["cpu"]),
        Key::new(
            "memory",
            Kind::Text(&LIMIT_SIZE),
            Default::Absent("no bound"),
            "Memory that an instance may use, by cgroup.",
        )
        .also(&["mem"]),
        Key::new(
            "stop_timeout",
            Kind::Text(&DURATION),
            Default::Text("10s"),
            "How long an instance has between SIGTERM and SIGKILL.",
        )
        .also(&["grace"]),
        Key::new(
            "on_exit",
            Kind::Word(&["keep", "stop"]),
            Default::Text("keep"),
            "What becomes of the children when the balancer ends: they run on and are adopted at \
             the next start, or are stopped.",
        ),
    ],
};

/// `[pool.NAME.autoscale.exec]`.
pub(crate) static EXEC: Section = Section {
    doc: "Instances that three commands list, start and stop; JSON in and out. A program with a \
          `/` in its name is looked for from the directory of the main file.",
    keys: &[
        Key::new("list", COMMAND, Default::Required, "Prints all instances."),
        Key::new("start", COMMAND, Default::Required, "Starts the instance that it reads of."),
        Key::new("stop", COMMAND, Default::Required, "Stops the instance that it reads of."),
        Key::new("timeout", Kind::Text(&WAIT), Default::Text("60s"), "For one command."),
    ],
};
