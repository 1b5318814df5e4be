//! The closed list of events.

use super::field::write_to;
use super::{MessageEvent, ProgramEvent, SessionEvent};
use proto::id::SpoolId;

/// What happened, and to whom: the subject stands first in the line.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// To a message: `01J8X4K2M7Q3RD0042 delivered to=<..> ..`
    Message(SpoolId, MessageEvent<'a>),
    /// To a client's session: `session 7f3a9 closed client=.. ..`
    Session(u64, SessionEvent<'a>),
    /// To a program of the farm, named as in `grange status`: `scheduler ready time=0.4s`
    Program(&'a str, ProgramEvent<'a>),
}

impl Event<'_> {
    /// Appends the line, without time stamp and line feed.
    pub fn write_line(&self, line: &mut String) {
        match self {
            Self::Message(id, event) => {
                // The verbs of the usual events align, for reading; fields are separated by one or more blanks.
                write_to(line, format_args!("{id} {:<9}", event.verb()));
                event.write_fields(line);
            }
            Self::Session(session, event) => {
                write_to(line, format_args!("session {session:x} {}", event.verb()));
                event.write_fields(line);
            }
            Self::Program(program, event) => {
                write_to(line, format_args!("{program} {}", event.verb()));
                event.write_fields(line);
            }
        }
    }

    /// The word for the event, as in grange-journal(5).
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Message(_, event) => event.verb(),
            Self::Session(_, event) => event.verb(),
            Self::Program(_, event) => event.verb(),
        }
    }
}
