//! What a record of the spool says: one message, one notice, or one part of an expansion.

use proto::envelope::Envelope;
use proto::id::SpoolId;
use proto::place::Place;

/// A record as read from the spool, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The id of the message; for an expansion that of the message expanded.
    pub id: SpoolId,
    /// Where it lies.
    pub place: Place,
    /// The offset at which the record ends, in octets; reading goes on there.
    pub end: u64,
    /// What it is.
    pub kind: Kind,
    /// Sender, recipients and facts. For a held entry: what could be understood of it.
    pub envelope: Envelope,
    /// Why the entry must not be delivered, if this version does not understand all of it.
    pub held: Option<Held>,
    /// Optional lines that this version does not know; a copy of the entry carries them along.
    pub preserved: Vec<String>,
    /// Where its content lies.
    pub content: Content,
    /// The record is a copy of the one that lay there. It counts once the scheduler's log says that it was moved.
    pub copied: Option<Place>,
}

impl Entry {
    /// The content lies in a file of its own.
    pub fn is_large(&self) -> bool {
        matches!(self.content, Content::File { .. })
    }
}

/// Where the content of an entry lies, as its record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// In the record itself.
    Record {
        /// Offset in the segment, in octets.
        offset: u64,
        /// Octets.
        length: u64,
        /// Checksum, seeded with segment and offset.
        sum: u32,
    },
    /// In the file `large/<id>`.
    File {
        /// The name of the file; that of the message, if the record is not forged.
        id: SpoolId,
        /// Octets.
        length: u64,
        /// Checksum, seeded with the id.
        sum: u32,
    },
}

/// What a record stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// A message as accepted.
    #[default]
    Message,
    /// A notice that Grange made about another message.
    Notice {
        /// The message that caused it.
        of: SpoolId,
    },
    /// A part of the router's expansion of a message; it has no content of its own.
    Expansion(Expansion),
}

/// Which part of which expansion a record is.
///
/// The recipients of all parts of an attempt, in order of `first`, are the recipients of the message; the attempt counts
/// once its closing part is there, and the first closed attempt wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Where the message lies that was expanded.
    pub of: Place,
    /// Which attempt at expanding it, from 1.
    pub attempt: u32,
    /// The index of this part's first recipient among all of the attempt.
    pub first: u32,
    /// This is the last part.
    pub closed: bool,
}

/// Why an entry is held: it is intact, but not all of it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// A line that must be understood has a keyword that this version does not know.
    #[error("unknown mandatory line {0:?}")]
    UnknownLine(String),
    /// A line has a form that this version does not know.
    #[error("line {0:?} cannot be read")]
    BadLine(String),
    /// There is no such line, and there must be one.
    #[error("no {0} line")]
    Missing(&'static str),
    /// The envelope is not text.
    #[error("the envelope is not UTF-8 text")]
    NotText,
}
