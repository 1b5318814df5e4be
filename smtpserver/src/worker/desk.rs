//! What all sessions of a worker share. A session gets it in hand for its turn.

use super::auth_link::AuthLink;
use super::commits::Commits;
use super::house::House;
use super::rehearsal::Switches;
use super::route_cache::RouteCache;
use super::router_link::RouterLink;
use super::transactions::Transactions;
use farm::clock::Moment;
use farm::fault::Faults;
use farm::journal::{Event, Failure, Journal, MessageEvent, ProgramEvent, SessionEvent};
use ipc::smtp_worker::FromWorker;
use ipc::supervisor::FromChild;
use proto::id::SpoolId;
use spool::{Draft, SpoolError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The tools of a session.
#[derive(Debug)]
pub(super) struct Desk {
    /// The time of this turn of the loop.
    pub(super) now: Moment,
    pub(super) house: House,
    pub(super) cache: RouteCache,
    pub(super) router: RouterLink,
    pub(super) authd: AuthLink,
    pub(super) commits: Commits,
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    pub(super) switches: Arc<Switches>,
    /// Sessions with an open transaction, from MAIL to the end of data.
    pub(super) transactions: Transactions,
    /// What the master is to be asked about clients that are only played.
    pub(super) consults: Vec<FromWorker>,
    /// What the supervisor is to be asked: queues that clients want started.
    pub(super) starts: Vec<FromChild>,
    /// Messages answered 250.
    pub(super) accepted: u64,
}

impl Desk {
    /// Opens a draft.
    ///
    /// # Errors
    /// As [`Commits::create`]; it is in the journal already.
    pub(super) fn create(&mut self) -> Result<Draft, SpoolError> {
        let created = if self.faults.strikes("space") {
            Err(SpoolError::NoSpace)
        } else {
            self.commits.create(self.now.utc)
        };
        created.inspect_err(|error| self.note_spool_error("create", error, "refused a message"))
    }

    /// Sets a fault switch of this program.
    pub(super) fn arm(&mut self, point: &str, times: u32) {
        match point {
            "flush" => self.switches.flush.store(times, Ordering::Relaxed),
            "slow-flush" => self.switches.slow_flush.store(times, Ordering::Relaxed),
            _ => self.faults.arm(point, times),
        }
    }

    /// Notes that the spool failed, and what follows.
    pub(super) fn note_spool_error(&mut self, operation: &str, error: &SpoolError, then: &str) {
        let (file, text) = match error {
            SpoolError::Broken { call, path, kind } => (path.as_str(), format!("{call}: {kind}")),
            _ => ("", error.to_string()),
        };
        let failure = Failure { operation, file, error: &text, then };
        self.journal.note_own(ProgramEvent::SpoolError(failure), self.now.utc);
    }

    /// Notes an event of a session.
    pub(super) fn note_session(&mut self, session: u64, event: SessionEvent<'_>) {
        self.journal.note(&Event::Session(session, event), self.now.utc);
    }

    /// Notes an event of a message.
    pub(super) fn note_message(&mut self, id: SpoolId, event: MessageEvent<'_>) {
        self.journal.note(&Event::Message(id, event), self.now.utc);
    }
}
