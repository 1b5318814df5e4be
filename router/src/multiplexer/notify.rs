//! Hints: from the notification socket to messages that are to be expanded.
//!
//! Anybody who may write to the socket may write junk: it is counted, and said at most once a second. Reading is bounded
//! per turn, of datagrams and of records.

use super::run::Multiplexer;
use farm::journal::ProgramEvent;
use ipc::hint::{Hint, LONGEST};
use spool::{Announced, Entry, Kind, Spool, SpoolError, Walked};
use std::os::unix::net::UnixDatagram;

/// Datagrams read in one turn.
const DATAGRAMS: usize = 64;

/// Records read in one turn.
const RECORDS: usize = 256;

/// Between two reports about dropped hints, in milliseconds.
const REPORT: u64 = 1_000;

/// The notification socket, and what was dropped of what came.
pub(super) struct Notify {
    socket: UnixDatagram,
    waiting: bool,
    dropped: u64,
    why: &'static str,
    report_at: u64,
}

impl Notify {
    pub(super) fn new(socket: UnixDatagram) -> Self {
        Self { socket, waiting: true, dropped: 0, why: "", report_at: 0 }
    }

    pub(super) fn socket(&self) -> &UnixDatagram {
        &self.socket
    }

    /// The loop says so.
    pub(super) fn is_readable(&mut self) {
        self.waiting = true;
    }

    /// Something may be there to be read.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// When dropped hints may be reported.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        (self.dropped > 0).then_some(self.report_at)
    }

    fn drop_one(&mut self, why: &'static str) {
        self.dropped += 1;
        self.why = why;
    }

    /// The next datagram, if it is a hint; `None` when there is none.
    fn receive(&mut self) -> Option<Option<Hint>> {
        let mut buffer = [0; LONGEST + 1];
        match self.socket.recv(&mut buffer) {
            Ok(octets) => Some(buffer.get(..octets).and_then(Hint::decode)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Some(None),
            Err(error) => {
                if error.kind() != std::io::ErrorKind::WouldBlock {
                    log::error!("notification socket: {error}");
                }
                self.waiting = false;
                None
            }
        }
    }
}

impl Multiplexer {
    /// Reads hints, a bounded number.
    pub(super) fn read_notifications(&mut self) {
        for _ in 0..DATAGRAMS {
            if !self.notify.waiting {
                break;
            }
            match self.notify.receive() {
                Some(Some(hint)) if self.claims.add(hint) => {}
                Some(Some(_)) => self.notify.drop_one("too many at once"),
                Some(None) => self.notify.drop_one("not a hint"),
                None => break,
            }
        }
        self.report_dropped();
    }

    fn report_dropped(&mut self) {
        let now = self.event_loop.now().mono;
        if self.notify.dropped > 0 && now >= self.notify.report_at {
            self.notify.report_at = now + REPORT;
            let (count, why) = (std::mem::take(&mut self.notify.dropped), self.notify.why);
            self.note(ProgramEvent::HintsDropped { count, why });
        }
    }

    /// Reads what hints claim, a bounded number of records, unless enough waits to be expanded.
    pub(super) fn read_claims(&mut self) {
        let mut room = RECORDS;
        while room > 0 && !self.desk.expansions.is_full() {
            let Some(range) = self.claims.next() else { break };
            match self.read_range(range, room) {
                Ok(walked) => {
                    room = room.saturating_sub(walked.entries.len().max(1));
                    self.claims.went(range, walked.next);
                    for entry in walked.entries.iter().filter(|entry| needs_expansion(entry)) {
                        self.desk.expansions.wish(entry.place);
                    }
                }
                Err(error) => {
                    log::debug!("{} {}..{}: {error}", range.segment, range.from, range.to);
                    room -= 1;
                    self.claims.failed();
                    self.notify.drop_one("no such place");
                }
            }
        }
    }

    fn read_range(&mut self, range: Announced, limit: usize) -> Result<Walked, SpoolError> {
        self.reader.spool(self.event_loop.now().mono)?.walk(range, limit)
    }
}

/// It is a message of which some recipient has no route, and nothing keeps it from delivery.
fn needs_expansion(entry: &Entry) -> bool {
    let message = !matches!(entry.kind, Kind::Expansion(_));
    message && entry.held.is_none() && entry.envelope.recipients.iter().any(|r| r.route.is_none())
}
