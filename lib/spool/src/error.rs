//! What can go wrong with the spool, split by what the caller does about it.

use proto::id::SpoolId;
use std::io;

/// Why the spool did not do what it was asked for.
///
/// [`SpoolError::NoSpace`] is answered 452, every other failure of a commit 451 (RFC 5321 section 4.2.3); nothing was
/// promised for the message in either case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk is full, or so nearly that the reserve would be touched.
    #[error("no space in the spool")]
    NoSpace,
    /// A call to the storage failed.
    #[error("{call} {path}: {kind}")]
    Broken {
        /// What was tried: `write`, `flush`, `open` and so on.
        call: &'static str,
        /// The file or directory, relative to the root of the spool.
        path: String,
        /// What the storage said.
        kind: io::ErrorKind,
    },
    /// Two commits in a row failed; this writer accepts nothing more until it is opened anew.
    #[error("the spool stopped accepting after two failures in a row")]
    Stopped,
    /// All 4,096 writer leases are held by living processes.
    #[error("every writer lease is taken")]
    NoLease,
    /// The bound of the lease could not be pushed ahead and every id below it is used.
    #[error("the writer lease is used up and could not be renewed")]
    LeaseSpent,
    /// There is no such segment (any more).
    #[error("no segment {0}")]
    Absent(SpoolId),
    /// What stands there is not an intact record.
    #[error("segment {segment} at {offset}: {defect}")]
    Damaged {
        /// The segment.
        segment: SpoolId,
        /// The offset in octets.
        offset: u64,
        /// What is wrong.
        defect: Defect,
    },
    /// The caller may not remove a segment that it has not taken over.
    #[error("segment {0} was not taken over")]
    NotOurs(SpoolId),
    /// The spool was not prepared, or its `host` file is damaged.
    #[error("the spool is not prepared: no valid host number")]
    NotPrepared,
    /// The log belongs to a living process.
    #[error("log {0} is locked by a living process")]
    LogBusy(String),
    /// A line of a log has a valid checksum but this version does not know it.
    #[error("log {log} at {offset}: this version does not know the record {keyword:?}")]
    UnknownLogRecord {
        /// The log.
        log: SpoolId,
        /// The offset of the line in octets.
        offset: u64,
        /// Its first word.
        keyword: String,
    },
}

/// What is wrong with the octets at some place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Defect {
    /// The header of the segment is not whole.
    #[error("the segment header is not valid")]
    Header,
    /// No valid record line stands there.
    #[error("no record line")]
    Line,
    /// The record reaches over the end of the file, or of the range asked for.
    #[error("the record reaches over the end")]
    Length,
    /// The envelope does not match its checksum.
    #[error("the envelope does not match its checksum")]
    Envelope,
    /// The content does not match its checksum.
    #[error("the content does not match its checksum")]
    Content,
    /// The file of a large message is missing or has another length or checksum.
    #[error("the file of the large message is missing or does not match")]
    Large,
    /// An expansion refers to something that is not a message.
    #[error("the record refers to something that is not a message")]
    Reference,
}

impl SpoolError {
    /// Names a failed storage call; a full disk and an exhausted quota become [`SpoolError::NoSpace`].
    pub(crate) fn from_io(call: &'static str, path: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            kind => Self::Broken { call, path: path.to_owned(), kind },
        }
    }
}

/// Gives a storage result the name of its call and path.
pub(crate) trait Context<T> {
    /// Turns the error into a [`SpoolError`].
    fn during(self, call: &'static str, path: &str) -> Result<T, SpoolError>;
}

impl<T> Context<T> for io::Result<T> {
    fn during(self, call: &'static str, path: &str) -> Result<T, SpoolError> {
        self.map_err(|error| SpoolError::from_io(call, path, &error))
    }
}
