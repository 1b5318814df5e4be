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
//! | `conversation.rs` | one session: its turns and its message |
//! | `acting.rs` | carries out what [`proto::server::Session`] asks for |
//! | `securing.rs` | handshakes, and what follows from them |
//! | `receipt.rs` | the message that a session is receiving |
//! | `asking.rs` | a session's questions about recipients |
//! | `verifying.rs` | VRFY and EXPN |
//! | `xclient.rs` | a client that speaks for another one |
//! | `judging.rs` | the policy's word on a session |
//! | `rulebook.rs` | the policy table: read, renewed, doubted |
//! | `playing.rs` | a session that is only played, and explains itself |
//! | `reporting.rs` | what the journal is told about a session |
//! | `authenticating.rs` | AUTH: exchanges, and who has proved itself |
//! | `accounts.rs` | what an account may do |
//! | `auth_link.rs` | the channel to authd |
//! | `client.rs` | who is at the other end |
//! | `house.rs` | what all new sessions have in common: names, limits, who may relay |
//! | `desk.rs` | what all sessions of the worker share |
//! | `route_cache.rs` | the router's answers, for a while |
//! | `router_link.rs` | the channel to the router |
//! | `transactions.rs` | the open transactions, and which of them may soon end |
//! | `commits.rs` | the spool: drafts, the open batch, hints |
//! | `fixups.rs` | what a new message lacks |
//! | `hops.rs` | counts the hosts that a message has passed |
//! | `rehearsal.rs` | a disk that fails when it is told to |
//!
//! Invariants: a session that waits for the spool stays until the spool has answered, whether its client does or not;
//! a client that does not read gets nothing further to read; one turn of a session is bounded.

mod accounts;
mod acting;
mod asking;
mod auth_link;
mod authenticating;
mod client;
mod commits;
mod conversation;
mod desk;
mod etrn;
mod fixups;
mod hops;
mod house;
mod judging;
mod owner;
mod playing;
mod receipt;
mod rehearsal;
mod reporting;
mod route_cache;
mod router_link;
mod rulebook;
mod run;
mod seat;
mod seats;
mod securing;
mod socket;
#[cfg(test)]
mod tests;
mod transactions;
mod verifying;
mod xclient;

pub use run::run;
