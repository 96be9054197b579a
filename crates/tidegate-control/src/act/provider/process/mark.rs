//! How a process is known to be an instance of ours: by variables that it was started with.
//!
//! They are there from its first instruction, so that one that was started a moment before we were
//! killed is found again. What it starts itself inherits them and belongs to it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use tidegate_core::scale::fleet::id::InstanceId;

const INSTANCE: &str = "TIDEGATE_INSTANCE";
const POOL: &str = "TIDEGATE_POOL";
const TEMPLATE: &str = "TIDEGATE_TEMPLATE";
const PORT: &str = "TIDEGATE_PORT";
const STATE: &str = "TIDEGATE_STATE";

/// Whose instances they are: those of one pool of the balancer that keeps its state there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pool: String,
    pub(super) state: OsString,
}

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: InstanceId,
    pub(super) template: u64,
    pub(super) port: u16,
}

impl Mark {
    /// The variables that say it.
    pub(super) fn variables(&self, owner: &Owner) -> [(&'static str, OsString); 5] {
        [
            (INSTANCE, self.id.as_str().into()),
            (POOL, owner.pool.clone().into()),
            (TEMPLATE, format!("{:016x}", self.template).into()),
            (PORT, self.port.to_string().into()),
            (STATE, owner.state.clone()),
        ]
    }

    /// Reads an environment as `/proc` shows it; `None`: the process is not the owner's.
    pub(super) fn read(environment: &[u8], owner: &Owner) -> Option<Self> {
        let value = |name: &str| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.find_map(|one| one.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
        };
        let text = |name| std::str::from_utf8(value(name)?).ok();
        let state = OsString::from_vec(value(STATE)?.to_owned());
        if state != owner.state || text(POOL)? != owner.pool {
            return None;
        }
        Some(Self {
            id: InstanceId::parse(text(INSTANCE)?)?,
            template: u64::from_str_radix(text(TEMPLATE)?, 16).ok()?,
            port: text(PORT)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pool: &str, state: &str) -> Owner {
        Owner { pool: pool.into(), state: state.into() }
    }

    #[test]
    fn what_is_written_is_read_by_its_owner_alone() {
        let id = InstanceId::parse("shop-1").expect("a name");
        let mark = Mark { id, template: 0xfeed, port: 9100 };
        let shop = owner("shop", "/var/lib/tidegate");
        let mut environment = b"PATH=/bin\0".to_vec();
        for (name, value) in mark.variables(&shop) {
            environment.extend_from_slice(name.as_bytes());
            environment.push(b'=');
            environment.extend(value.into_vec());
            environment.push(0);
        }
        assert_eq!(Mark::read(&environment, &shop), Some(mark));
        for other in [owner("toys", "/var/lib/tidegate"), owner("shop", "/var/lib/other")] {
            assert_eq!(Mark::read(&environment, &other), None);
        }
        assert_eq!(Mark::read(b"", &shop), None);
        assert_eq!(Mark::read(&environment[..40], &shop), None);
    }
}
