//! A worker: converses with thousands of clients in one loop.
//!
//! It never waits for the disk (the spool's flusher is a thread), for the router (questions and answers travel over a
//! channel) or for a client (every socket is non-blocking and every wait has a deadline).
//!
//! | file | holds |
//! |---|---|
//! | `run.rs` | the loop |
//! | `owner.rs` | what the master and the supervisor say, draining, the end |
//! | `seats.rs` | the sessions and their turns: who may read, who has waited too long, who leaves |
//! | `seat.rs` | one session's place: its socket, its buffers |
//! | `conversation.rs` | one session: carries out what [`proto::server::Session`] asks for |
//! | `receipt.rs` | the message that a session is receiving |
//! | `asking.rs` | a session's questions about recipients |
//! | `reporting.rs` | what the journal is told about a session |
//! | `client.rs` | who is at the other end |
//! | `house.rs` | what all new sessions have in common: names, limits, who may relay |
//! | `desk.rs` | what all sessions of the worker share |
//! | `route_cache.rs` | the router's answers, for a while |
//! | `router_link.rs` | the channel to the router |
//! | `commits.rs` | the spool: drafts, the open batch, hints |
//! | `hops.rs` | counts the hosts that a message has passed |
//! | `rehearsal.rs` | a disk that fails when it is told to |
//!
//! Invariants: a session that waits for the spool stays until the spool has answered, whether its client does or not;
//! a client that does not read gets nothing further to read; one turn of a session is bounded.

mod asking;
mod client;
mod commits;
mod conversation;
mod desk;
mod hops;
mod house;
mod owner;
mod receipt;
mod rehearsal;
mod reporting;
mod route_cache;
mod router_link;
mod run;
mod seat;
mod seats;
mod socket;
#[cfg(test)]
mod tests;

pub use run::run;
