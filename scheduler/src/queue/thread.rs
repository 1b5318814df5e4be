//! A thread: all vertices for one (channel, host), with the one retry clock they share.
//!
//! ```text
//! tap      what may go                     leaves it
//! Open     up to jobs-per-host at once     a job of this round is host-deferred  -> Shut, the round ends
//! Shut     nothing; retry_at is agenda     retry_at, or the operator             -> Due
//! Due      one vertex: the probe           the probe is handed out               -> Probing
//! Probing  nothing                         host-deferred -> Shut; lost -> Due; any other answer -> Open
//! ```
//!
//! In every state an answer that is not host-deferred proves the host alive and opens the tap. A round is what was
//! handed out between two failures: however many of its jobs fail, the clock advances once. A new arrival does not
//! touch the tap.

use super::action::AgentId;
use super::admission::{Channel, Group};
use super::names::{Name, Reason};
use super::ranks::Ranks;
use super::store::Key;
use super::vertex::List;

/// All vertices for one (channel, host).
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) channel: Key<Channel>,
    pub(super) host: Name,
    pub(super) group: Key<Group>,
    /// Vertices that may go, by priority and then in order of arrival; those that were deferred alone and are due again
    /// stand in front of their priority.
    pub(super) ready: List,
    pub(super) ranks: Ranks,
    /// Vertices that wait for a time of their own.
    pub(super) own: List,
    pub(super) held: u32,
    pub(super) in_flight: u32,
    pub(super) tap: Tap,
    /// Failed rounds in a row.
    pub(super) attempts: u16,
    /// Counts the rounds; a job remembers in which it was handed out.
    pub(super) round: u32,
    /// The next probe, UTC milliseconds; meaningful while shut.
    pub(super) retry_at: u64,
    /// What was said when the last round failed.
    pub(super) reason: Option<Reason>,
    /// The agent that has its jobs; set while something is in flight.
    pub(super) agent: Option<AgentId>,
    pub(super) queued: Queued,
    /// The lane of the ring in which it stands, if it stands there.
    pub(super) lane: i8,
    /// The stamp of its place there.
    pub(super) stamp: u32,
    /// The operator froze the host.
    pub(super) frozen: bool,
}

/// Whether a thread lets anything go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tap {
    Open,
    Shut,
    Due,
    Probing,
}

/// Where a thread waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    No,
    /// In the ring of its channel.
    Ring,
    /// With its agent, which has no credits left.
    Parked(AgentId),
    /// With its group, which is at its limit.
    Blocked,
}

impl Thread {
    pub(super) fn new(channel: Key<Channel>, host: Name, group: Key<Group>, frozen: bool) -> Self {
        Self {
            channel,
            host,
            group,
            ready: List::default(),
            ranks: Ranks::default(),
            own: List::default(),
            held: 0,
            in_flight: 0,
            tap: Tap::Open,
            attempts: 0,
            round: 0,
            retry_at: 0,
            reason: None,
            agent: None,
            queued: Queued::No,
            lane: 0,
            stamp: 0,
            frozen,
        }
    }

    /// Whether a vertex may go as far as the thread itself is concerned.
    pub(super) fn eligible(&self, jobs_per_host: u32) -> bool {
        let open = matches!(self.tap, Tap::Open | Tap::Due);
        open && !self.frozen && self.ready.length > 0 && self.in_flight < jobs_per_host
    }

    /// Whether this is its place in the ring.
    pub(super) fn stands(&self, stamp: u32) -> bool {
        self.queued == Queued::Ring && self.stamp == stamp
    }

    /// Whether no vertex is left.
    pub(super) fn empty(&self) -> bool {
        self.messages() == 0
    }

    /// How many vertices, and so messages, it has.
    pub(super) fn messages(&self) -> u32 {
        self.ready.length + self.own.length + self.held + self.in_flight
    }
}
