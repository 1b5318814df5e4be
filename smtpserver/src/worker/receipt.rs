//! The message that a session is receiving, from DATA to its end.

use super::fixups::Fixing;
use super::hops::Hops;
use proto::envelope::{Origin, Shape};
use proto::reply::{Cause, Reply};
use proto::status::Status;
use spool::{Draft, SpoolError};

/// A message under way.
#[derive(Debug)]
pub(super) struct Receipt {
    /// `None` once the message is going to be refused.
    draft: Option<Draft>,
    /// The header section of a submission, until it is complete.
    fixing: Option<Box<Fixing>>,
    /// What the client is told at the end, if the content is not acceptable.
    refusal: Option<Reply>,
    /// What the spool said, if it could not take the content.
    failure: Option<SpoolError>,
    /// The session has given it up.
    doomed: bool,
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
        let (fixing, refusal, failure) = (None, None, None);
        Ok(Self {
            draft: Some(draft),
            fixing,
            refusal,
            failure,
            doomed: false,
            hops,
            wasted: 0,
            trace,
            from,
            origin,
        })
    }

    /// The header section is to be completed.
    pub(super) fn fix(&mut self, fixing: Option<Box<Fixing>>) {
        self.fixing = fixing;
    }

    /// Takes the next part of the content. If the spool cannot, the client is told at the end of data; the error is
    /// given back once.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        self.hops.feed(part);
        let Some(fixing) = self.fixing.as_mut().filter(|_| self.draft.is_some()) else {
            return self.append(part);
        };
        match fixing.take(part) {
            Ok(true) => self.complete(),
            Ok(false) => Ok(()),
            Err(reply) => {
                self.refuse(reply);
                Ok(())
            }
        }
    }

    /// The header section is complete: what it lacks goes in front.
    fn complete(&mut self) -> Result<(), SpoolError> {
        let Some(fixing) = self.fixing.take() else { return Ok(()) };
        match fixing.finish() {
            Ok((added, content)) => {
                self.append(&added)?;
                self.trace.extend_from_slice(&added);
                self.append(content)
            }
            Err(reply) => {
                self.refuse(reply);
                Ok(())
            }
        }
    }

    fn append(&mut self, part: &[u8]) -> Result<(), SpoolError> {
        let Some(draft) = &mut self.draft else { return Ok(()) };
        if let Err(error) = draft.append(part) {
            self.draft = None;
            self.failure = Some(error.clone());
            return Err(error);
        }
        Ok(())
    }

    /// The content is not acceptable; the client is told at its end.
    fn refuse(&mut self, reply: Reply) {
        self.draft = None;
        self.refusal = Some(reply);
    }

    /// The message is refused at the end of data, whatever follows.
    pub(super) fn doom(&mut self) {
        self.draft = None;
        self.doomed = true;
    }

    /// Whether the session has given it up already.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed
    }

    /// Octets arrived; how many have arrived in vain by now.
    pub(super) fn waste(&mut self, octets: usize) -> u64 {
        if self.draft.is_none() {
            self.wasted += u64::try_from(octets).unwrap_or(u64::MAX);
        }
        self.wasted
    }

    /// At the end of data: the draft and the shape of all of it, or the refusal; more Received fields than `most_hops`
    /// are a loop.
    pub(super) fn finish(mut self, shape: Shape, most_hops: u32) -> Result<(Draft, Shape, Origin), Reply> {
        // The failure is noted, and told below.
        let _noted = self.complete();
        if let Some(reply) = self.refusal {
            return Err(reply);
        }
        if let Some(error) = self.failure {
            return Err(not_taken(&error));
        }
        let hops = self.hops.count();
        if hops > most_hops {
            let text = format!("passed {hops} hosts already; this is a mail loop");
            let cause = Cause::beyond("hops", hops, most_hops);
            return Err(Reply::new(554, Status::permanent(4, 6), text).because(cause));
        }
        let draft = self.draft.ok_or_else(|| not_taken(&SpoolError::Stopped))?;
        let mut shape = shape.prepend(&self.trace);
        if self.trace.ends_with(b"\r\n\r\n") {
            // The content had no header section; now it has.
            shape.header = u64::try_from(self.trace.len()).unwrap_or(u64::MAX);
        }
        Ok((draft, shape, self.origin))
    }
}

/// What a client is told when the spool cannot take its message.
///
/// Source: RFC 5321 section 4.2.3 (451, 452); RFC 3463 sections 3.4 and 3.5.
pub(super) fn not_taken(error: &SpoolError) -> Reply {
    match error {
        SpoolError::NoSpace => {
            Reply::new(452, Status::transient(3, 1), "no space; try again later").because(Cause::of("space"))
        }
        _ => Reply::new(451, Status::transient(3, 0), "the spool does not take it now; try again later")
            .because(Cause::of("spool")),
    }
}
