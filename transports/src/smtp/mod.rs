//! The channel `smtp`: delivery over SMTP, many sessions in one process.
//!
//! ```text
//! job ──► Host (queue, limits, what the resolver said) ──► Connection (socket, proto session, content) ──► desk
//!              ▲ next job for an idle connection, next exchanger after a failure ┘
//! ```
//!
//! A host has never more connections than jobs that need one, and two at most before the first has been greeted. To a
//! host that is quick, few connections carry one job after the other: a short job goes out in the stride of another, its
//! commands with the other's final dot, and another connection is taken only when several jobs wait for each
//! (`pace.rs`). A connection tries the exchangers in the order of the resolver, those that failed lately last; refusal, time-out, a bad
//! greeting and a loss before the first transaction lead to the next one. When the last has failed and no connection
//! stands, everything that waits for the host is deferred with the reason of the last.
//!
//! | file | holds |
//! |---|---|
//! | `agent.rs` | [`Smtp`]: the tables, and a turn of the loop |
//! | `dispatch.rs` | which job on which connection, when to open one |
//! | `outcome.rs` | what comes back from a connection |
//! | `host.rs`, `pace.rs` | one host: its queue and its connections; how it keeps up |
//! | `delivery.rs` | one job, and who of its recipients is left |
//! | `connection.rs`, `pump.rs`, `outgoing.rs` | one connection; its octets; the content on its way out |
//! | `wire.rs`, `securing.rs`, `demand.rs` | the socket, in plain text or under TLS; the handshake; how much TLS a job needs |
//! | `conversion.rs` | a content that goes out in another form |
//! | `stride.rs` | a job behind another on the same connection |
//! | `target.rs`, `limits.rs`, `hops.rs` | what a host means; how much it may get; where to connect |

mod agent;
mod connection;
mod conversion;
mod delivery;
mod demand;
mod dispatch;
mod hops;
mod host;
mod limits;
mod outcome;
mod outgoing;
mod pace;
mod pump;
mod securing;
mod stride;
mod target;
mod wire;

pub use agent::Smtp;

use crate::agent::run as run_agent;
use farm::config::Channel;
use farm::exit::Fatal;
use farm::skeleton::Child;
use ipc::contact::Contact;

/// Runs the agent.
///
/// # Errors
/// As [`crate::agent::run`].
pub fn run(child: Child<Option<Channel>>) -> Result<(), Fatal> {
    run_agent(child, |settings, callers| Ok(Smtp::new(settings, callers.dial(Contact::Dns)?)))
}
