//! The digest of what instances are launched from.
//!
//! It is FNV-1a (Fowler, Noll, Vo) over the parts with their lengths, because it is kept on disks
//! and in the marks of running processes: the same words give the same digest in every release. It
//! tells templates apart and protects nothing.

use crate::model::provider::Provider;

/// The digest of everything in a provider's settings that makes an instance what it is. Where its
/// output goes and how it is stopped does not.
#[must_use]
pub fn digest(provider: &Provider) -> u64 {
    let mut digest = Digest::new();
    match provider {
        Provider::Process(process) => {
            digest.take("process");
            digest.take_all(&process.command);
            for (name, value) in &process.env {
                digest.take(name);
                digest.take(value);
            }
            let directory = process.directory.as_ref().map(|path| path.to_string_lossy());
            digest.take(directory.as_deref().unwrap_or_default());
            digest.take(&process.cpus.map(|cpus| cpus.to_string()).unwrap_or_default());
            digest.take(&process.memory.map(|memory| memory.to_string()).unwrap_or_default());
        }
        Provider::Exec(exec) => {
            digest.take("exec");
            digest.take_all(&exec.start);
        }
    }
    digest.0
}

struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn take_all(&mut self, parts: &[String]) {
        self.take(&parts.len().to_string());
        parts.iter().for_each(|part| self.take(part));
    }

    fn take(&mut self, part: &str) {
        let length = (part.len() as u64).to_le_bytes();
        for byte in length.iter().chain(part.as_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::provider::Exec;
    use crate::time::Duration;

    fn of(start: &[&str]) -> u64 {
        let start = start.iter().map(|part| (*part).to_owned()).collect();
        let timeout = Duration::from_secs(60);
        digest(&Provider::Exec(Exec { list: Vec::new(), start, stop: Vec::new(), timeout }))
    }

    #[test]
    fn it_is_the_same_in_every_release_and_another_for_other_words() {
        assert_eq!(of(&["start", "a b"]), 0x3fa4_6ebd_bb21_7d28, "it is on disks out there");
        assert_ne!(of(&["start", "a b"]), of(&["start", "a", "b"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
