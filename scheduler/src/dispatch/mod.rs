//! Handing out jobs and hearing what became of them.
//!
//! The queue decides; here its decisions reach the agents and the journal, and the agents' words reach the queue.
//!
//! | file | does |
//! |---|---|
//! | `records.rs` | envelopes, loaded when they are needed, a few kept |
//! | `agents.rs` | the connected agents: channels, files they hold, jobs in their hands |
//! | `act.rs` | carries out the actions of the queue |
//! | `feed.rs` | a job with its descriptor |
//! | `heard.rs` | what agents say, and their ends |
//! | `events.rs` | what the journal says about an attempt |
//! | `policy.rs` | the configuration in the words of the queue |

mod act;
mod agents;
mod contents;
mod events;
mod feed;
mod heard;
mod policy;
mod records;

pub(crate) use agents::{Agents, Link, Origin};
pub(crate) use contents::Contents;
pub(crate) use policy::{farm_policy, policy};
pub(crate) use records::Records;
