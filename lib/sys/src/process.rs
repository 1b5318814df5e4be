//! Starting programs and reaping them; facts about the process itself.

use crate::user::Account;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a program by exec with one descriptor as its standard input and nothing else but standard error.
///
/// The child leads a process group of its own, so that a terminal's Ctrl-C reaches only the supervisor. With an
/// account, it runs with that account's ids and no supplementary groups.
///
/// # Errors
/// As `fork(2)` and `execve(2)`: the program is missing or not executable, or a limit is reached.
pub fn spawn(
    program: &Path,
    argument: Option<&str>,
    channel: OwnedFd,
    account: Option<&Account>,
) -> io::Result<u32> {
    let mut command = Command::new(program);
    command.args(argument).stdin(Stdio::from(channel)).stdout(Stdio::null()).process_group(0);
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command.spawn().map(|child| child.id())
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its process id.
    pub pid: u32,
    /// The exit code, or the negated signal number.
    pub status: i32,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            code if code >= 0 => write!(f, "exit {code}"),
            signal => write!(f, "signal {}", -signal),
        }
    }
}

/// Reaps one child that has ended; `None` if none has.
pub fn reap() -> Option<Ended> {
    let ended = |pid: Pid, status| pid.as_raw().try_into().ok().map(|pid| Ended { pid, status });
    match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(pid, code)) => ended(pid, code),
        Ok(WaitStatus::Signaled(pid, signal, _)) => ended(pid, -(signal as i32)),
        _ => None,
    }
}

/// Kills a process for good. It is no error if it is gone already.
pub fn kill_now(pid: u32) {
    signal(pid, Signal::SIGKILL);
}

/// Asks a process to end. It is no error if it is gone already.
pub fn terminate(pid: u32) {
    signal(pid, Signal::SIGTERM);
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().filter(|&pid| pid > 1) {
        let _gone_already = kill(Pid::from_raw(pid), signal);
    }
}

/// This process leaves its terminal and starts a session of its own.
///
/// # Errors
/// `EPERM` if it leads a process group already.
pub fn leave_terminal() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(())
}

/// Octets of memory that this process has resident; 0 where the system does not tell.
pub fn resident_memory() -> u64 {
    const PAGE: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}

/// The name of this host as the system knows it.
///
/// # Errors
/// As `gethostname(2)`.
pub fn hostname() -> io::Result<String> {
    Ok(nix::unistd::gethostname()?.to_string_lossy().into_owned())
}
