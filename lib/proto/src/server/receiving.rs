//! Content comes in, up to the end of data and not one octet further.

use super::committing::Committing;
use super::identified::Identified;
use super::states::State;
use super::{Action, Client, Transaction, replies};
use crate::framing::{Chunk, ContentReader, Spoil};

#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) client: Client,
    pub(super) transaction: Transaction,
    reader: ContentReader,
    fault: Option<Fault>,
    begun: bool,
}

/// Why the message is going to be refused at the end of data. The first one counts.
#[derive(Debug, Clone, Copy)]
enum Fault {
    TooLarge { limit: u64 },
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
    pub(super) fn new(client: Client, transaction: Transaction) -> Self {
        Self { client, transaction, reader: ContentReader::new(), fault: None, begun: false }
    }

    /// Whether some octet has come.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Takes content; `limit` is its largest size in octets. Also says how many octets are used up.
    pub(super) fn advance<'a>(&mut self, input: &'a [u8], limit: u64) -> (usize, Received<'a>) {
        self.begun |= !input.is_empty();
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (more, chunk) = self.reader.advance(rest);
            used += more;
            match chunk {
                Chunk::Need => return (used, Received::Need),
                Chunk::End => return (used, Received::End),
                // A message that is too large is read to its end all the same: the client listens only there.
                Chunk::Clean(_) | Chunk::Spoilt(_) if self.fault.is_some() => {}
                Chunk::Clean(_) if self.reader.shape().size > limit => {
                    self.fault = Some(Fault::TooLarge { limit });
                    return (used, Received::Abort);
                }
                Chunk::Clean(content) => return (used, Received::Body(content)),
                Chunk::Spoilt(spoil) => {
                    self.fault = Some(Fault::Spoilt(spoil));
                    return (used, Received::Abort);
                }
            }
        }
    }

    /// At the end of data: the message is refused, or it is to be committed.
    pub(super) fn end(self) -> (State, Action<'static>) {
        let refusal = match self.fault {
            Some(Fault::TooLarge { limit }) => replies::too_large(limit),
            Some(Fault::Spoilt(spoil)) => replies::spoilt(spoil),
            None => {
                let action = Action::EndOfBody { shape: self.reader.shape(), transaction: self.transaction };
                return (State::Committing(Committing { client: self.client }), action);
            }
        };
        (State::Identified(Identified { client: self.client }), Action::Reply(refusal))
    }
}
