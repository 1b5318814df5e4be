//! The spool: the only crate that knows files and formats on disk.
//!
//! What it keeps is one promise: a message whose commit completed is there after any crash, byte for byte, until every
//! recipient of it is finished and its segment is removed. It decides nothing about mail: not where a message goes, nor
//! when, nor what becomes of it; it has no clock, and but for the [flusher](Segments::start_flusher) no threads. The
//! [`Keeper`] is made for a thread of its caller.
//!
//! Three backends stand behind the trait [`Spool`]: [`Segments`] on a [`Disk`], which alone keeps the promise; the same on
//! files in memory that are never flushed ([`Disk::with_flushes`]); and [`Null`], which keeps nothing. The last two tell
//! the cost of the disk from all other costs.
//!
//! # The table of states
//!
//! Which files exist for a message in each state, who may take them away, and what happens when everything dies.
//!
//! | state | `large/<id>` | `segments/<n>` | scheduler's log | who may remove | after a crash |
//! |---|---|---|---|---|---|
//! | S0 nothing | – | – | – | – | – |
//! | S1 draft in memory | – | – | – | – | S0 |
//! | S2 draft with a large content | growing, locked | – | – | its writer; once that is dead, the take-over | S0 |
//! | S3 batch being written | complete | record, perhaps torn | – | nobody | S0 or S4 |
//! | **S4 committed** | complete | record | – | nobody | S4 |
//! | S5 waiting | complete | record | `Waiting` | nobody | S5 |
//! | C1 being copied | complete | record; copy, perhaps torn | `Waiting` | nobody | S5 or C2 |
//! | C2 copied | complete | record, copy | `Waiting` | nobody the record; keeper the copy, with its segment | C2: the record is the message |
//! | C3 moved | complete | record, copy | `Moved` | keeper the record, with its segment; nobody the copy | C3: the copy is the message |
//! | S6 finished | any | record | `Done` or `Notice` | keeper, with the segment; a large content at once | S6 |
//! | S7 segment finished | any | all records in S6 or C3 | cursor at its end | keeper: first the large contents, then the segment | S7 or S8 |
//! | S8 gone | – | – | `Removed` | – | S8, or S5 at the place of the copy |
//!
//! The step from S3 to S4 is the **instant of responsibility**: `fdatasync` of the segment returned (and before it, in this
//! order: that of the large content, that of `large/`, the header of the segment, that of `segments/`). Only after it does
//! a [`Completion`] say so, and only then may anybody answer 250.
//!
//! A copy is a record with the same id and one line more, in a segment whose header says that it holds copies. It counts
//! only once the log says `Moved`, which is written when the copy is durable, and the record that it was made of goes only
//! when `Moved` is durable: at every instant exactly one of the two is the message, and it is there. A copy that was never
//! moved, or whose message was finished meanwhile, is read as finished; only where the segment that it names is gone lines
//! of the log are lost, and it is the message. A large content goes with the last segment that
//! refers to it; what cannot be read counts as referring.
//!
//! The keeper is a thread of the scheduler; the scheduler says what it may remove, and the keeper holds the locks that make
//! it the only one who could.
//!
//! Beside messages:
//!
//! | file | written by | removed by |
//! |---|---|---|
//! | `host` | [`prepare`], once | nobody |
//! | `leases/<n>` | the process that holds its lock | nobody |
//! | `segments/<n>.new`, without its name yet | its writer | its writer; once that is dead, the take-over |
//! | `segments/<n>` | the process that holds its lock: its writer for life, then the scheduler, which may cut it where its successor says that it ended | the keeper of the scheduler that holds its lock |
//! | `logs/<owner>.<id>` | the owner that holds its lock | the owner, after a checkpoint is durable |
//!
//! # Invariants
//!
//! - No file is written by two processes at a time; a lock on it says by whom.
//! - No octet of an acknowledged batch is written again, and no file after a write or flush of it failed.
//! - No id and no segment number is drawn twice (`lease.rs`).
//! - A checksum holds at one offset of one file only (`seal.rs`).
//! - A descriptor that is passed on was opened for reading and carries no lock.
//!
//! The formats are written down in spool(5).

pub mod batch;
pub mod body;
pub mod check;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod disk_thread;
mod draft;
mod entry;
mod error;
mod flusher;
mod layout;
mod lease;
pub mod log;
mod null;
mod seal;
mod segment;
mod segments;
mod sheet;
mod spool;
pub mod storage;
mod words;

pub use batch::{Batcher, Closing, Gathering};
pub use body::{Body, Checksum, identity, identity_in};
pub use check::{Report, check};
pub use disk_thread::{Desk, DiskThread};
pub use draft::Draft;
pub use entry::{Content, Entry, Expansion, Held, Kind};
pub use error::{Defect, SpoolError};
pub use flusher::Clock;
pub use layout::{NAMES, Tuning, prepare};
pub use log::{Log, LogRecord};
pub use null::Null;
pub use segments::{Copied, Keeper, Kept, Lying, Segments, Survey};
pub use spool::{Announced, Committed, Completion, Damage, Spool, Takeover, Ticket, Walked};
pub use storage::Disk;

#[cfg(test)]
mod tests;
