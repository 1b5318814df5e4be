//! The event loop: readiness of descriptors, and the time of the turn. The only file that names mio.
//!
//! Readiness is edge-triggered: a source is announced once and then again only after it has been read or written until
//! it would block. Both directions are watched from the start, so nothing is ever registered twice.

use crate::clock::{self, Moment};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Which source is ready; numbers are the owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The number given at [`EventLoop::watch`].
    pub token: usize,
    /// Reading will not block (it may show the end).
    pub readable: bool,
    /// The other end has closed its side, or something is wrong: read until that shows. Without this, a read that gives
    /// less than it had room for has taken all there is, and what comes later is announced anew.
    pub ended: bool,
    /// Writing will not block.
    pub writable: bool,
}

/// A set of watched descriptors and the time of the current turn.
#[derive(Debug)]
pub struct EventLoop {
    poll: Poll,
    events: Events,
    now: Moment,
}

impl EventLoop {
    /// An empty set.
    ///
    /// # Errors
    /// As `epoll_create(2)` or its like.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(1024), now: clock::moment() })
    }

    /// The time of this turn: read once when the wait ended.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Watches a non-blocking descriptor for both directions. It must be forgotten before it is closed, or be closed
    /// with no duplicate left.
    ///
    /// # Errors
    /// As `epoll_ctl(2)` or its like.
    pub fn watch(&self, source: &impl AsRawFd, token: usize) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut SourceFd(&source.as_raw_fd()), mio::Token(token), interest)
    }

    /// Watches a non-blocking descriptor for reading only: listeners and notification sockets.
    ///
    /// # Errors
    /// As [`EventLoop::watch`].
    pub fn watch_readable(&self, source: &impl AsRawFd, token: usize) -> io::Result<()> {
        let source = source.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&source), mio::Token(token), Interest::READABLE)
    }

    /// Watches no longer. It is no error if it was not watched.
    pub fn forget(&self, source: &impl AsRawFd) {
        let _not_watched = self.poll.registry().deregister(&mut SourceFd(&source.as_raw_fd()));
    }

    /// Waits until something is ready or monotonic time reaches `deadline`, and starts a new turn.
    ///
    /// # Errors
    /// As `epoll_wait(2)`; being interrupted by a signal is no error but an empty turn.
    pub fn turn(&mut self, deadline: Option<u64>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let timeout = deadline.map(|at| Duration::from_millis(at.saturating_sub(clock::moment().mono)));
        let waited = self.poll.poll(&mut self.events, timeout);
        self.now = clock::moment();
        match waited {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        ready.extend(self.events.iter().map(|event| Ready {
            token: event.token().0,
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            ended: event.is_read_closed() || event.is_error(),
            writable: event.is_writable() || event.is_write_closed() || event.is_error(),
        }));
        Ok(())
    }
}
