//! One client under examination.
//!
//! States: examined (something is still awaited: silence, or answers of the DNS), and decided but kept waiting in the
//! tarpit. Invariant: a candidate always has a deadline, at which it goes on or out.

use super::findings::{Findings, Refusal};
use ipc::resolve::Ask;
use std::net::IpAddr;

/// Whom the examination is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A connection that is held.
    Session(u64),
    /// A worker that wants to know.
    Worker {
        /// Its number.
        child: u32,
        /// Its session.
        session: u64,
    },
}

/// One client under examination.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) client: IpAddr,
    pub(super) findings: Findings,
    /// It is let in, whatever else is found.
    pub(super) accepted: bool,
    /// It was looked at as a stranger is, and nothing was left open, so that passing means something.
    pub(super) examined: bool,
    /// Questions about it that are not answered.
    pub(super) awaiting: Vec<Ask>,
    /// They are waited for until then.
    pub(super) answers_by: u64,
    /// It must be silent until then.
    pub(super) silent_until: Option<u64>,
    /// It is decided: what is said at that time.
    pub(super) tarpit: Option<(u64, Option<Refusal>)>,
}

impl Candidate {
    pub(super) fn new(client: IpAddr, findings: Findings, answers_by: u64) -> Self {
        let (accepted, examined, awaiting) = (false, false, Vec::new());
        Self { client, findings, accepted, examined, awaiting, answers_by, silent_until: None, tarpit: None }
    }

    /// Nothing more can change what follows.
    pub(super) fn is_complete(&self) -> bool {
        self.accepted || (self.awaiting.is_empty() && self.silent_until.is_none())
    }

    /// When time changes something.
    pub(super) fn deadline(&self) -> u64 {
        if let Some((until, _)) = &self.tarpit {
            return *until;
        }
        let answers = if self.awaiting.is_empty() { u64::MAX } else { self.answers_by };
        self.silent_until.unwrap_or(u64::MAX).min(answers)
    }
}
