//! The router: where an address goes, and whom an alias stands for.
//!
//! The multiplexer takes questions from all callers, is fair to them, and keeps a few workers busy; it resolves nothing
//! itself. A worker reads the tables, answers, and expands messages into a segment of its own. A worker may crash: what
//! it had in hand is tried again one by one, and what is to blame is put aside.
//!
//! | module | holds |
//! |---|---|
//! | [`multiplexer`] | queues, fairness, blame, hints, the farm of workers |
//! | [`worker`] | answering and expanding |
//! | [`routing`] | the decisions themselves |
//! | [`tables`] | what they rest on |

pub mod multiplexer;
mod reader;
pub mod routing;
pub mod tables;
pub mod worker;
