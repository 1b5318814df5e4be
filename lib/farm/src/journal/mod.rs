//! The operator's journal: one line per event, made for grep.
//!
//! An [`Event`] says what happened; a [`Journal`] buffers lines and writes them once per turn of the loop. The lines are
//! an interface, described in grange-journal(5) and pinned by golden tests: a field is never renamed or moved, new ones
//! come at the end. The developers' log (the `log` crate) is another stream.
//!
//! | file | holds |
//! |---|---|
//! | `event.rs` | the closed list of events, by subject |
//! | `message.rs`, `session.rs`, `program.rs` | events about a message, a client's session, a program |
//! | `field.rs` | how values are written |
//! | `writer.rs` | the buffer, the time stamp, what is lost when nothing can be written |
//! | `sink.rs`, `syslog.rs` | stderr and files; the system log |
//!
//! Invariants: one event is one line whatever a client put into its values; a journal that cannot be written drops
//! lines, counts them and says so later, and never stops mail.

mod event;
mod field;
mod message;
mod program;
mod session;
mod sink;
mod syslog;
#[cfg(test)]
mod tests;
mod writer;

pub use event::Event;
pub use field::{Micros, Octets, Span, remark};
pub use message::{Accepted, Attempt, MessageEvent};
pub use program::{Failure, ProgramEvent, TurnedAway};
pub use session::{AuthFailed, Closed, Play, Refused, SessionEvent};
pub use writer::Journal;
