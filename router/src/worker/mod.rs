//! A worker: answers where addresses go, and expands messages into a segment of its own.
//!
//! It has the tables in memory and no network. Questions are answered in the turn in which they come; messages are
//! expanded one per turn, so that questions that came meanwhile go first, and share a flush that runs in a thread.
//!
//! | file | holds |
//! |---|---|
//! | `expansion.rs` | the recipients of a message, with aliases and lists replaced by what they stand for (pure) |
//! | `parts.rs` | an expansion cut into records, and when it may be closed (pure) |
//! | `writer.rs` | the spool: lease, segment, commits |
//! | `run.rs` | the loop |
//! | `answers.rs`, `expanding.rs` | the two kinds of work |

mod answers;
mod expanding;
mod expansion;
mod parts;
mod run;
mod writer;

pub use run::run;
