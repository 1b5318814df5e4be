//! Content comes in, up to the end of data and not one octet further.

use super::committing::Committing;
use super::identified::Identified;
use super::pace::Pace;
use super::states::{Effect, Scene, State};
use super::{Action, Client, Service, Transaction, replies};
use crate::framing::{Chunk, ContentReader, Spoil};
use crate::reply::Reply;
use crate::terms::BodyKind;

#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) client: Client,
    pub(super) transaction: Transaction,
    reader: ContentReader,
    fault: Option<Fault>,
    /// Content or not.
    pub(super) pace: Pace,
}

/// Why the message is going to be refused at the end of data. The first one counts.
#[derive(Debug, Clone, Copy)]
enum Fault {
    TooLarge { size: u64, limit: u64 },
    Spoilt(Spoil),
}

/// What there is to do with the content.
#[derive(Debug)]
pub(super) enum Received<'a> {
    Need,
    Body(&'a [u8]),
    Abort,
    End,
}

impl Receiving {
    /// Content that ends with a dot.
    pub(super) fn new(client: Client, transaction: Transaction, now: u64) -> Self {
        Self::with(client, transaction, ContentReader::new(), now)
    }

    /// Content that is counted.
    pub(super) fn in_chunks(client: Client, transaction: Transaction, now: u64) -> Self {
        let reader = if transaction.terms.body == BodyKind::BinaryMime {
            ContentReader::binary()
        } else {
            ContentReader::counted()
        };
        Self::with(client, transaction, reader, now)
    }

    fn with(client: Client, transaction: Transaction, reader: ContentReader, now: u64) -> Self {
        Self { client, transaction, reader, fault: None, pace: Pace::new(now) }
    }

    /// Octets of content so far.
    pub(super) fn size(&self) -> u64 {
        self.reader.shape().size
    }

    /// Takes content; `limit` is its largest size in octets. Also says how many octets are used up.
    pub(super) fn advance<'a>(&mut self, input: &'a [u8], limit: u64) -> (usize, Received<'a>) {
        let mut used = 0;
        let received = loop {
            let rest = input.get(used..).unwrap_or_default();
            let (more, chunk) = self.reader.advance(rest);
            used += more;
            if let Some(received) = self.take(chunk, limit) {
                break received;
            }
        };
        self.pace.note(used);
        (used, received)
    }

    /// The counted octets are over. Gives what lacks at the end of the last line, then the end.
    pub(super) fn finish(&mut self, limit: u64) -> Received<'static> {
        let chunk = self.reader.finish();
        self.take(chunk, limit).unwrap_or(Received::End)
    }

    fn take<'a>(&mut self, chunk: Chunk<'a>, limit: u64) -> Option<Received<'a>> {
        match chunk {
            Chunk::Need => Some(Received::Need),
            Chunk::End => Some(Received::End),
            // A message that is too large is read to its end all the same: the client listens only there.
            Chunk::Clean(_) | Chunk::Spoilt(_) if self.fault.is_some() => None,
            Chunk::Clean(_) if self.size() > limit => {
                self.fault = Some(Fault::TooLarge { size: self.size(), limit });
                Some(Received::Abort)
            }
            Chunk::Clean(content) => Some(Received::Body(content)),
            Chunk::Spoilt(spoil) => {
                self.fault = Some(Fault::Spoilt(spoil));
                Some(Received::Abort)
            }
        }
    }

    /// Why the message is refused, if it is.
    pub(super) fn refusal(&self) -> Option<Reply> {
        match self.fault? {
            Fault::TooLarge { size, limit } => Some(replies::too_large(size, limit)),
            Fault::Spoilt(spoil) => Some(replies::spoilt(spoil)),
        }
    }

    /// At the end of data: the message is refused, or it is to be committed.
    pub(super) fn end(self, scene: &Scene<'_>) -> (State, Effect) {
        match self.refusal() {
            Some(reply) => self.refuse(reply, scene),
            None => self.complete(scene),
        }
    }

    /// The message is refused: with LMTP once for each recipient (RFC 2033 section 4.2).
    pub(super) fn refuse(self, reply: Reply, scene: &Scene<'_>) -> (State, Effect) {
        let copies = match scene.guest.standing.service {
            Service::Lmtp => self.transaction.recipients.len(),
            Service::Relay | Service::Submission => 1,
        };
        (State::Identified(Identified { client: self.client }), Effect::RefuseEach(reply, copies))
    }

    pub(super) fn complete(self, scene: &Scene<'_>) -> (State, Effect) {
        let recipients = match scene.guest.standing.service {
            Service::Lmtp => self.transaction.recipients.iter().map(|r| r.address.clone()).collect(),
            Service::Relay | Service::Submission => Vec::new(),
        };
        let action = Action::EndOfBody { shape: self.reader.shape(), transaction: self.transaction };
        let committing = Committing { client: self.client, recipients };
        (State::Committing(committing), Effect::Do(action))
    }
}
