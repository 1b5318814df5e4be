//! Signals as octets on a socket, so that an event loop sees them like everything else.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

pub use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

/// Ignores these signals from now on: whoever is told over its channel when to end must not be ended by a signal to all
/// of a service's processes.
///
/// # Errors
/// As `sigaction(2)`.
pub fn ignore(numbers: &[i32]) -> io::Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    for &number in numbers {
        let number = Signal::try_from(number)?;
        // SAFETY: ignoring installs no handler, so no code runs in a signal context.
        unsafe { signal(number, SigHandler::SigIgn) }?;
    }
    Ok(())
}

/// Some signals, turned into readability of one descriptor.
#[derive(Debug)]
pub struct Signals {
    pipes: Vec<(i32, UnixStream)>,
}

impl Signals {
    /// Listens for these signals from now on.
    ///
    /// # Errors
    /// As `socketpair(2)` and `sigaction(2)`.
    pub fn new(numbers: &[i32]) -> io::Result<Self> {
        let mut pipes = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            signal_hook::low_level::pipe::register(number, write)?;
            pipes.push((number, read));
        }
        Ok(Self { pipes })
    }

    /// The descriptors that become readable, with their signals.
    pub fn descriptors(&self) -> impl Iterator<Item = (i32, Source<'_>)> {
        self.pipes.iter().map(|(number, pipe)| (*number, Source(pipe)))
    }

    /// The signals that have come since the last call.
    pub fn take(&mut self) -> Vec<i32> {
        let mut come = Vec::new();
        let mut buffer = [0; 64];
        for (number, pipe) in &mut self.pipes {
            let mut seen = false;
            while matches!(pipe.read(&mut buffer), Ok(octets) if octets > 0) {
                seen = true;
            }
            if seen {
                come.push(*number);
            }
        }
        come
    }
}

/// A descriptor to watch for reading.
#[derive(Debug)]
pub struct Source<'a>(&'a UnixStream);

impl AsRawFd for Source<'_> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Source<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
