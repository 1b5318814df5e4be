//! The server side of an SMTP session, as a pure machine.
//!
//! Decides what is answered to which command in which state, and which octets are content. It does not decide who may
//! relay, whether a recipient exists or whether there is room: it asks, waits, and goes on with the verdict. It keeps no
//! content and opens nothing.
//!
//! [`Session::advance`] takes the octets that have arrived and gives back exactly one [`Action`] and how many octets it
//! used up; the caller carries out the action and calls again. So a command that was sent in a group is not looked at
//! before the one in front of it is answered, and any split of the input gives the same actions.
//!
//! The state × verb table stands at the head of `states.rs`; a struct for each state holds what is known only there.
//!
//! Invariants: end of data is answered `250` only by [`Session::committed`] with an id; a transaction never holds more
//! recipients than the limit; a state that waits for the client always has a deadline.
//!
//! Sources: RFC 5321 sections 3.3, 4.1.4 (order of commands), 4.3.2 (replies), 4.5.3.2 (time-outs); RFC 2920.

mod action;
mod asking;
mod committing;
mod config;
mod identified;
mod opening;
mod receiving;
mod replies;
mod session;
mod states;
mod transacting;
mod transaction;

pub use action::{Action, Close, Question, Step, Verdict};
pub use config::Config;
pub use session::Session;
pub use transaction::{Client, Transaction};

#[cfg(test)]
mod tests;
