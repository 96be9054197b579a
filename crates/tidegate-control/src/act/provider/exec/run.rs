//! Runs one command: what it reads, what it prints, how long it may take.
//!
//! It runs in a process group of its own, and the whole group is killed when time is over or nobody
//! waits for it any more.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// The most bytes that a command may print.
const OUTPUT_MAX: u64 = 1024 * 1024;

/// How much of the end of its errors is kept.
const ERRORS_MAX: usize = 1024;

/// `EX_TEMPFAIL` of sysexits.h.
const TEMPORARY: i32 = 75;

/// Runs a command with this input, and returns what it printed.
pub(super) async fn run(
    command: &[String],
    input: &[u8],
    within: Duration,
) -> Result<Vec<u8>, ProviderFailure> {
    let mut running = Running::start(command)
        .map_err(|error| ProviderFailure::Refused(format!("the command cannot be run: {error}")))?;
    match tokio::time::timeout(within, running.talk(input)).await {
        Err(_) => Err(ProviderFailure::Timeout),
        Ok(Err(error)) => Err(ProviderFailure::Broken(error.to_string())),
        Ok(Ok(ended)) => ended.judge(),
    }
}

/// A command that runs; dropping it kills its group.
struct Running(Child);

/// A command that has ended.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Running {
    fn start(command: &[String]) -> io::Result<Self> {
        let (program, words) =
            command.split_first().ok_or_else(|| io::Error::other("it is empty"))?;
        let mut command = Command::new(program);
        command.args(words).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    async fn talk(&mut self, input: &[u8]) -> io::Result<Ended> {
        let missing = || io::Error::other("it has no pipes");
        let mut stdin = self.0.stdin.take().ok_or_else(missing)?;
        let stdout = self.0.stdout.take().ok_or_else(missing)?;
        let stderr = self.0.stderr.take().ok_or_else(missing)?;
        let write = async move {
            // A command need not read what it does not want to know.
            let _ = stdin.write_all(input).await;
        };
        let ((), output, errors) = tokio::join!(write, whole(stdout), end(stderr));
        Ok(Ended { output: output?, errors: errors?, status: self.0.wait().await? })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has no number once it was reaped, and until then nobody else has its.
        let number = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = number.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Ended {
    fn judge(self) -> Result<Vec<u8>, ProviderFailure> {
        if self.status.success() {
            return Ok(self.output);
        }
        let why = format!("{}{}", self.status, said(&self.errors));
        Err(match self.status.code() {
            Some(TEMPORARY) => ProviderFailure::Quota(why),
            Some(64..=69 | 77) => ProviderFailure::Refused(why),
            _ => ProviderFailure::Broken(why),
        })
    }
}

/// All that is printed, unless it is too much.
async fn whole(stdout: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    stdout.take(OUTPUT_MAX + 1).read_to_end(&mut output).await?;
    if output.len() as u64 > OUTPUT_MAX {
        return Err(io::Error::other(format!("it printed more than {OUTPUT_MAX} bytes")));
    }
    Ok(output)
}

/// The end of what is printed.
async fn end(mut stderr: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let (mut errors, mut chunk) = (Vec::new(), [0; ERRORS_MAX]);
    loop {
        let read = stderr.read(&mut chunk).await?;
        if read == 0 {
            return Ok(errors);
        }
        errors.extend_from_slice(&chunk[..read]);
        let surplus = errors.len().saturating_sub(ERRORS_MAX);
        errors.drain(..surplus);
    }
}

/// The last lines of the errors, as one line for people.
fn said(errors: &[u8]) -> String {
    let text = String::from_utf8_lossy(errors);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" / ");
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    if plain.is_empty() { plain } else { format!(": {plain}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<Vec<u8>, ProviderFailure> {
        let command = ["sh", "-c", script].map(str::to_owned);
        run(&command, b"input", Duration::from_secs(20)).await
    }

    #[tokio::test]
    async fn a_command_reads_and_prints() {
        assert_eq!(shell("cat").await, Ok(b"input".to_vec()));
        assert_eq!(shell("exec <&-; echo yes").await, Ok(b"yes\n".to_vec()), "it need not read");
    }

    #[tokio::test]
    async fn how_it_ends_says_what_to_think_of_it() {
        let quota = shell("echo first >&2; printf 'no \\033more\\n' >&2; exit 75").await;
        let why = "exit status: 75: first / no more";
        assert_eq!(quota, Err(ProviderFailure::Quota(why.to_owned())));
        assert!(matches!(shell("exit 77").await, Err(ProviderFailure::Refused(_))));
        assert!(matches!(shell("exit 1").await, Err(ProviderFailure::Broken(_))));
        assert!(matches!(shell("kill -9 $$").await, Err(ProviderFailure::Broken(_))));
        let nobody = run(&["/nobody/there".to_owned()], b"", Duration::from_secs(20)).await;
        assert!(matches!(nobody, Err(ProviderFailure::Refused(_))));
    }

    #[tokio::test]
    async fn what_it_prints_is_bounded() {
        let endless = shell("yes").await;
        assert!(matches!(endless, Err(ProviderFailure::Broken(why)) if why.contains("more than")));
        let noisy = shell("head -c 3000000 /dev/zero >&2; echo done >&2; exit 1").await;
        assert!(matches!(noisy, Err(ProviderFailure::Broken(why)) if why.ends_with("done")));
    }

    #[tokio::test]
    async fn whoever_takes_too_long_is_killed_with_what_it_started() {
        // The pipe ends when nobody holds it any more: everything that was started is gone.
        let (mut reader, writer) = io::pipe().expect("descriptors are free");
        let path =
            format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&writer));
        let script = format!("exec 3>{path}; sleep 1000 & sleep 1000");
        let command = ["sh", "-c", &script].map(str::to_owned);
        let timeout = run(&command, b"", Duration::from_millis(300)).await;
        assert_eq!(timeout, Err(ProviderFailure::Timeout));
        drop(writer);
        let ended = tokio::task::spawn_blocking(move || io::Read::read(&mut reader, &mut [0; 1]));
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        assert_eq!(ended.expect("it ends").expect("no panic").expect("it can be read"), 0);
    }
}
