//! What the system knows of this process, as `/proc` tells it. What it does not tell is left out.

use std::fs;

/// What one look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
}

impl Process {
    pub(super) fn look() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
        Self {
            resident_bytes: number(&status, "VmRSS:").and_then(|kib| kib.checked_mul(1024)),
            // The look itself has the directory open.
            open_fds: open.map(|count| count.saturating_sub(1)),
            max_fds: number(&limits, "Max open files"),
        }
    }
}

/// The first number on the line that begins with `name`.
fn number(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_their_lines() {
        let text = "Name:\ttidegate\nVmRSS:\t    1234 kB\nMax open files    1024   4096   files\n";
        assert_eq!(number(text, "VmRSS:"), Some(1234));
        assert_eq!(number(text, "Max open files"), Some(1024));
        assert_eq!(number(text, "VmSwap:"), None);
        assert_eq!(number("Max open files unlimited unlimited files", "Max open files"), None);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let process = Process::look();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1 << 16), "{process:?}");
        assert!(process.open_fds.is_some_and(|count| count >= 3), "{process:?}");
    }
}
