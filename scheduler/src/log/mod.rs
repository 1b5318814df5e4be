//! The scheduler's log: what must survive a restart, and how it comes back.
//!
//! `lib/spool` knows how lines get to the disk; here is decided what they say and when they are flushed. The order of
//! lines carries a promise: a cursor stands behind the lines that speak for everything before it.
//!
//! | file | does |
//! |---|---|
//! | `ledger.rs` | appends, writes each turn, flushes within 20 ms, knows what is durable |
//! | `syncer.rs` | the thread that waits for the disk |
//! | `said.rs` | a retry time and a last answer as one line |
//! | `replay.rs` | folds the lines of an old log into what still counts |
//! | `book.rs` | turns what happened in a turn of the loop into lines |
//! | `checkpoint.rs` | all that counts, written afresh |

mod book;
mod checkpoint;
mod ledger;
mod replay;
mod said;
mod syncer;

use proto::disposition::{Disposition, Outcome};

pub(crate) use book::{Book, clock_line};
pub(crate) use checkpoint::Checkpoint;
pub(crate) use ledger::{Ledger, Mark};
pub(crate) use replay::{Decided, Finished, Replay, word_of};

/// Reads when a recipient is tried again (UTC milliseconds) and what was said about it last.
pub(crate) fn heard(why: &str) -> (Option<u64>, Option<Disposition>) {
    said::parse(why, Outcome::Deferred)
}
