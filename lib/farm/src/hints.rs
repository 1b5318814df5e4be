//! The sending side of a notification socket.
//!
//! Socket queues are short. A hint that meets a full one stays owed, is merged with the next one for the same segment,
//! and is tried again after 20 ms; the receiver's slow scan covers whatever never arrives.

use crate::profile::{self, Operation};
use ipc::hint::Hint;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Milliseconds after which an owed hint is tried again.
const RETRY: u64 = 20;

/// Milliseconds after which the last known end is announced again.
const REPEAT: u64 = 60_000;

/// Hints from one writer to one notification socket.
#[derive(Debug)]
pub struct Hints {
    socket: UnixDatagram,
    path: PathBuf,
    owed: Vec<Hint>,
    last: Option<Hint>,
    retry_at: Option<u64>,
    repeat_at: u64,
}

impl Hints {
    /// A sender to the socket at `path`, which need not exist yet.
    ///
    /// # Errors
    /// As `socket(2)`.
    pub fn to(path: &Path) -> std::io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            path: path.into(),
            owed: Vec::new(),
            last: None,
            retry_at: None,
            repeat_at: REPEAT,
        })
    }

    /// This range is durable: tell the receiver, now or soon.
    pub fn announce(&mut self, hint: Hint, now: u64) {
        match &mut self.last {
            Some(last) if last.segment == hint.segment => last.to = last.to.max(hint.to),
            last => *last = Some(hint),
        }
        if !self.owed.iter_mut().any(|owed| owed.merge(hint)) {
            self.owed.push(hint);
        }
        self.repeat_at = now + REPEAT;
        self.pay(now);
    }

    /// The receiver has restarted: tell it once more where the segment that is being written ends.
    pub fn reannounce(&mut self, now: u64) {
        if let Some(last) = self.last {
            self.announce(last, now);
        }
    }

    /// Tries again what is owed, and repeats the last end each minute.
    pub fn tick(&mut self, now: u64) {
        if now >= self.repeat_at {
            self.repeat_at = now + REPEAT;
            self.reannounce(now);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.pay(now);
        }
    }

    /// When [`Hints::tick`] wants to be called.
    pub fn next_deadline(&self) -> u64 {
        self.retry_at.unwrap_or(self.repeat_at).min(self.repeat_at)
    }

    fn pay(&mut self, now: u64) {
        let (socket, path) = (&self.socket, &self.path);
        self.owed.retain(|hint| {
            let word = hint.encode();
            profile::timed(Operation::Hint, || socket.send_to(word.as_bytes(), path)).is_err()
        });
        self.retry_at = (!self.owed.is_empty()).then_some(now + RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::id::SpoolId;

    fn hint(from: u64, to: u64) -> Hint {
        Hint { segment: SpoolId::new(1, 2, 3, 4), from, to }
    }

    #[test]
    fn an_owed_hint_is_merged_and_paid_when_the_receiver_appears() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let mut hints = Hints::to(&path).unwrap();
        hints.announce(hint(10, 20), 1000);
        hints.announce(hint(20, 30), 1001);
        let receiver = UnixDatagram::bind(&path).unwrap();
        hints.tick(hints.next_deadline());
        let mut buffer = [0; 100];
        let octets = receiver.recv(&mut buffer).unwrap();
        assert_eq!(Hint::decode(&buffer[..octets]), Some(hint(10, 30)));
        receiver.set_nonblocking(true).unwrap();
        assert!(receiver.recv(&mut buffer).is_err(), "merged, so only one");
    }

    #[test]
    fn the_end_is_repeated_each_minute() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let mut hints = Hints::to(&path).unwrap();
        hints.announce(hint(10, 20), 1000);
        assert_eq!(hints.next_deadline(), 61_000);
        hints.tick(61_000);
        let mut buffer = [0; 100];
        for _ in 0..2 {
            let octets = receiver.recv(&mut buffer).unwrap();
            assert_eq!(Hint::decode(&buffer[..octets]), Some(hint(10, 20)));
        }
    }
}
