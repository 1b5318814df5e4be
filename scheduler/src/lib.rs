//! The scheduler: the only owner of queue state.
//!
//! It decides what is delivered when, hands jobs to transport agents and takes their dispositions, tells senders about
//! failures, and deletes what is finished. It never opens a network connection and never parses the content of a message.
//! A message stays where its writer put it; the scheduler knows its place, reads its envelope when it is needed, and
//! passes descriptors.
//!
//! | module | does |
//! |---|---|
//! | [`queue`] | the pure core: threads, retry clocks, limits |
//! | `state.rs` | the scheduler without its surroundings, and what one turn does |
//! | `intake/` | hints, segments, expansions: how messages come in |
//! | `dispatch/` | jobs to agents, dispositions from them |
//! | `log/` | what survives a restart |
//! | `keeper/` | segments with little left in them are emptied; what is finished is removed |
//! | `notices/` | delivery status notifications |
//! | `tools/` | `grange queue` and `grange status` |
//! | [`process`] | the process: event loop, supervisor, farms of agents, rendezvous, router |
//!
//! One thread runs the loop. Three more wait for the disk in its place: one flushes the log, one commits notices, one
//! copies and removes segments.

mod dispatch;
mod intake;
mod keeper;
mod log;
mod notices;
pub mod process;
pub mod queue;
mod state;
#[cfg(test)]
mod tests;
mod tools;
