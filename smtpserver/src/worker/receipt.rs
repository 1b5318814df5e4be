//! The message that a session is receiving, from DATA to its end.

use super::hops::{self, Hops};
use proto::envelope::{Origin, Shape};
use proto::reply::Reply;
use proto::status::Status;
use spool::{Draft, SpoolError};

/// A message under way.
#[derive(Debug)]
pub(super) struct Receipt {
    /// `None` once the message is going to be refused.
    draft: Option<Draft>,
    /// What the spool said, if it could not take the content.
    failure: Option<SpoolError>,
    hops: Hops,
    /// Octets that came after the message was doomed.
    wasted: u64,
    /// The trace field that stands in front of the content.
    trace: Vec<u8>,
    /// The reverse-path in angle brackets, for the journal.
    pub(super) from: String,
    pub(super) origin: Origin,
}

impl Receipt {
    /// Begins with the trace field.
    ///
    /// # Errors
    /// As [`Draft::append`].
    pub(super) fn new(
        mut draft: Draft,
        trace: Vec<u8>,
        origin: Origin,
        from: String,
    ) -> Result<Self, SpoolError> {
        draft.append(&trace)?;
        let hops = Hops::default();
        Ok(Self { draft: Some(draft), failure: None, hops, wasted: 0, trace, from, origin })
    }

    /// Takes the next part of the content. If the spool cannot, the client is told at the end of data; the error is
    /// given back once.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        self.hops.feed(part);
        let Some(draft) = &mut self.draft else { return Ok(()) };
        if let Err(error) = draft.append(part) {
            self.draft = None;
            self.failure = Some(error.clone());
            return Err(error);
        }
        Ok(())
    }

    /// The message is refused at the end of data, whatever follows.
    pub(super) fn doom(&mut self) {
        self.draft = None;
    }

    /// Octets arrived; how many have arrived in vain by now.
    pub(super) fn waste(&mut self, octets: usize) -> u64 {
        if self.draft.is_none() {
            self.wasted += u64::try_from(octets).unwrap_or(u64::MAX);
        }
        self.wasted
    }

    /// At the end of data: the draft and the shape of all of it, or the refusal.
    pub(super) fn finish(self, shape: Shape) -> Result<(Draft, Shape, Origin), Reply> {
        if let Some(error) = self.failure {
            return Err(not_taken(&error));
        }
        if self.hops.count() > hops::MOST {
            let text = format!("passed {} hosts already; this is a mail loop", self.hops.count());
            return Err(Reply::new(554, Status::permanent(4, 6), text));
        }
        let draft = self.draft.ok_or_else(|| not_taken(&SpoolError::Stopped))?;
        Ok((draft, shape.prepend(&self.trace), self.origin))
    }
}

/// What a client is told when the spool cannot take its message.
///
/// Source: RFC 5321 section 4.2.3 (451, 452); RFC 3463 sections 3.4 and 3.5.
pub(super) fn not_taken(error: &SpoolError) -> Reply {
    match error {
        SpoolError::NoSpace => Reply::new(452, Status::transient(3, 1), "no space; try again later"),
        _ => Reply::new(451, Status::transient(3, 0), "the spool does not take it now; try again later"),
    }
}
