//! The processes of this machine, as `/proc` shows them.
//!
//! Two small files of each process are read by hand: that is less code than a dependency would
//! need around it. A process that ends while it is looked at is not there; one that has ended and
//! waits to be reaped is not there either. That we could not look, for want of a descriptor, is an
//! error: it must not read as if nothing ran.

use std::fs;
use std::io::{self, ErrorKind};

use rustix::io::Errno;

/// A process. The number alone may be given to another later; with its start it is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProcessId {
    /// When it began, in ticks since the boot.
    pub(super) start: u64,
    pub(super) number: i32,
}

/// What is read of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: ProcessId,
    /// The number of its process group.
    pub(super) group: i32,
    /// CPU time of it and of children it has waited for, in ticks.
    pub(super) ticks: u64,
    /// Pages in memory.
    pub(super) pages: u64,
}

/// All processes.
pub(super) fn processes() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        processes.extend(process(number)?);
    }
    Ok(processes)
}

/// The process of this number; `None`: there is none.
pub(super) fn process(number: i32) -> io::Result<Option<Process>> {
    let stat = file(number, "stat")?;
    Ok(stat.and_then(|stat| read(number, &String::from_utf8_lossy(&stat))))
}

/// Reads `stat` (proc_pid_stat(5)). The second field is the program's name in parentheses, which
/// may itself hold any.
fn read(number: i32, stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    Some(Process {
        id: ProcessId { start: field(22)?, number },
        group: fields.get(2)?.parse().ok()?,
        ticks: field(14)? + field(15)? + field(16)? + field(17)?,
        pages: field(24)?,
    })
}

/// The environment that a process was started with, unless it has written over it.
pub(super) fn environment(number: i32) -> io::Result<Vec<u8>> {
    Ok(file(number, "environ")?.unwrap_or_default())
}

/// A file of a process; `None`: it is not there any more, or not for us to read.
fn file(number: i32, name: &str) -> io::Result<Option<Vec<u8>>> {
    match fs::read(format!("/proc/{number}/{name}")) {
        Ok(content) => Ok(Some(content)),
        Err(error) => {
            let is_gone = error.raw_os_error() == Some(Errno::SRCH.raw_os_error());
            let expected =
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
            if is_gone || expected { Ok(None) } else { Err(error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let tail = "S 1 42 42 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 777 9999 55 18446744073709551615";
        for name in ["sh", ") R 1 (", "a b", "()"] {
            let process = read(7, &format!("7 ({name}) {tail}")).expect("it can be read");
            let id = ProcessId { start: 777, number: 7 };
            assert_eq!(process, Process { id, group: 42, ticks: 10, pages: 55 });
        }
        assert_eq!(read(7, &format!("7 (sh) Z{}", &tail[1..])), None, "it has ended");
        for text in ["", "7 (sh", "7 (sh) S", "7 (sh) S x y"] {
            assert_eq!(read(7, text), None);
        }
    }

    #[test]
    fn this_process_is_among_them() {
        let own = i32::try_from(std::process::id()).expect("numbers are small");
        let processes = processes().expect("descriptors are free");
        assert!(processes.iter().any(|process| process.id.number == own));
    }
}
