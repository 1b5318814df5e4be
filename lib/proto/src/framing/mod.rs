//! Where a line ends, and where a message ends: the only two modules that look for line ends in what a client sends.
//!
//! A line ends at CRLF, content at CRLF `.` CRLF, and at nothing else. A bare CR or bare LF never ends anything; it
//! spoils the line or the content it stands in, which is then refused as a whole. So two servers in a row cannot
//! disagree about where a message ends, which is all that smuggling needs.
//!
//! Both readers work on borrowed input, copy nothing, and give the same result for any split of the input.
//!
//! Sources: RFC 5321 sections 2.3.8 (lines) and 4.1.1.4 (DATA).

mod content;
mod line;

pub use content::{Chunk, ContentReader, Spoil, SpoilKind};
pub use line::{Line, LineError, LineReader};
