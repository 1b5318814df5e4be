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
//! What a session may do stands in a [`Standing`]: the listener's service (SMTP, submission, LMTP), the client's
//! privileges, what is offered. Where our own side must find something out (a recipient, a draft, the policy, AUTH, VRFY,
//! ETRN), the session asks by an action and takes nothing in until it is answered; the answers are in `answers.rs`.
//!
//! | file | holds |
//! |---|---|
//! | `commands.rs` | what each command does in each state |
//! | `reading.rs`, `pace.rs` | what is done with octets, and how fast they must come |
//! | `wishes.rs` | the parameters of MAIL: whether they are offered, what becomes of them |
//! | `chunking.rs`, `receiving.rs` | content by BDAT and by DATA |
//! | `waiting.rs` | waiting for our own side |
//! | `guest.rs`, `standing.rs` | who the client is, and what it may do |
//! | `replies.rs`, `help.rs` | what is said, and why in the words of the journal |
//!
//! Invariants: end of data is answered `250` only by [`Session::committed`] with an id; a transaction never holds more
//! recipients than the limit; a state that waits for the client always has a deadline.
//!
//! Sources: RFC 5321 sections 3.3, 4.1.4 (order of commands), 4.3.2 (replies), 4.5.3.2 (time-outs); RFC 2920; each extension's is named in `lib/proto/src/extension.rs`.

mod action;
mod answers;
mod asking;
mod authenticating;
mod chunking;
mod commands;
mod committing;
mod config;
mod guest;
mod help;
mod identified;
mod opening;
mod pace;
mod reading;
mod receiving;
mod replies;
mod session;
mod standing;
mod states;
mod transacting;
mod transaction;
mod waiting;
mod wishes;

pub use action::{Action, Attributes, Close, Judgement, Phase, Question, Step, Verdict};
pub use config::Config;
pub use session::Session;
pub use standing::{Certificate, Mechanisms, Privileges, Security, Service, Standing};
pub use transaction::{Client, Transaction};

#[cfg(test)]
mod tests;
