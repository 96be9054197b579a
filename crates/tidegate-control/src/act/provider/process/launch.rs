//! How an instance is started: its port, its words, its marks.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use tidegate_core::model::provider::Process;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tokio::process::{Child, Command};

use super::log;
use super::mark::{Mark, Owner};

/// A port of the range that nobody of ours has and nobody listens at.
pub(super) fn port(range: (u16, u16), taken: &BTreeSet<u16>) -> Result<u16, ProviderFailure> {
    let is_free = |port: &u16| {
        !taken.contains(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
    };
    (range.0..=range.1).find(is_free).ok_or_else(|| {
        ProviderFailure::Quota(format!("no port of {}-{} is free", range.0, range.1))
    })
}

/// Starts the process of an instance, in a group of its own: what is typed at our terminal, and our
/// own end, are not for it.
pub(super) fn spawn(settings: &Process, mark: &Mark, owner: &Owner) -> io::Result<Child> {
    let fill = |text: &String| fill(text, &mark.id, mark.port);
    let mut words = settings.command.iter().map(fill);
    let program = words.next().ok_or_else(|| io::Error::other("the command is empty"))?;
    let (output, error) = log::open(settings.logs.as_deref(), &mark.id)?;
    let mut command = Command::new(program);
    command
        .args(words)
        .envs(settings.env.iter().map(|(name, value)| (name, fill(value))))
        .envs(mark.variables(owner))
        .stdin(std::process::Stdio::null())
        .stdout(output)
        .stderr(error)
        .process_group(0)
        .kill_on_drop(false);
    if let Some(directory) = &settings.directory {
        command.current_dir(directory);
    }
    command.spawn()
}

/// Puts the port and the name in. What is put in is not looked at again.
fn fill(text: &str, id: &InstanceId, port: u16) -> String {
    text.replace("{port}", &port.to_string()).replace("{name}", id.as_str())
}

/// What a failed start means for a further one.
pub(super) fn failure(error: &io::Error) -> ProviderFailure {
    match error.kind() {
        // No processes, no memory, no descriptors: there may be some later.
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            ProviderFailure::Quota(error.to_string())
        }
        _ => ProviderFailure::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_out_once_and_only_if_nobody_listens_there() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port_taken = listener.local_addr().expect("it is bound").port();
        let quota = port((port_taken, port_taken), &BTreeSet::new());
        assert!(matches!(quota, Err(ProviderFailure::Quota(_))), "somebody listens there");
        drop(listener);
        let range = (port_taken, port_taken);
        assert_eq!(port(range, &BTreeSet::new()), Ok(port_taken));
        assert!(port(range, &BTreeSet::from([port_taken])).is_err(), "it was given out");
    }

    #[test]
    fn variables_are_filled_in_wherever_they_stand() {
        let id = InstanceId::parse("shop-1").expect("a name");
        assert_eq!(fill("--at=:{port}/{name}{port}", &id, 9100), "--at=:9100/shop-19100");
        assert_eq!(fill("{other} {", &id, 9100), "{other} {");
    }
}
