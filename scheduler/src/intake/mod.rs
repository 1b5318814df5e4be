//! How messages come into the queue: hints, segments, expansions.
//!
//! A hint only says where to look; what counts is read from the segment, from our own cursor on. Above the high-water
//! mark of the queue messages stay in their segments.
//!
//! | file | does |
//! |---|---|
//! | `track.rs` | how far each segment is read, and which of its records are not dealt with yet |
//! | `unrouted.rs` | messages that wait for the router, and the attempts at expanding them |
//! | `hints.rs` | what is announced, by datagram or by ourselves |
//! | `read.rs` | reads on, within the budget of a turn |
//! | `arrive.rs` | from an entry to the queue |
//! | `enter.rs` | from there into the queue, some hosts per turn |
//! | `expand.rs` | the first closed attempt wins |
//! | `expanded.rs` | the recipients that it gave, in little memory |
//! | `scan.rs` | each minute: dead writers, finished segments, messages that never got an attempt |
//! | `restore.rs` | the start: log, then segments |

mod arrive;
mod enter;
mod expand;
mod expanded;
mod hints;
mod read;
mod restore;
mod scan;
mod track;
mod unrouted;

pub(crate) use enter::Entrance;
pub(crate) use expand::{EXPANDED, Expanding};
pub(crate) use expanded::{Expanded, Kept};
pub(crate) use restore::Parts;
pub(crate) use scan::Scan;
pub(crate) use track::Tracks;
pub(crate) use unrouted::Unrouted;
