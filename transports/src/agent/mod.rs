//! What all agents share.
//!
//! ```text
//! scheduler ──File, Job, Release──► Desk ──Work──► Transport (smtp, mailbox, hold, error)
//!           ◄─Hungry, Settled, Late── Desk ◄─settle──┘
//! ```
//!
//! A [`Transport`] decides what becomes of a job and how many it works on at a time. The [`Desk`] keeps the books: which
//! jobs are open, which file each needs, what is not yet reported, how many credits are due. [`Agent`] is the loop around
//! them.
//!
//! When the scheduler's channel ends, the transport drops what has not passed its point of no return (for SMTP the final
//! dot) and keeps the rest. A new scheduler is called through the rendezvous, every 100 ms until the call goes out; it
//! gets first, as [`Late`](ipc::agent::FromAgent::Late), what it may not know, and then `Hungry`: at once, or when what
//! was kept is settled, two seconds at most.
//!
//! Invariants: every recipient of an accepted job is settled at most once, and exactly once unless the scheduler dies or
//! the agent is told to stop; a result is forgotten only when a live channel has taken it, and one that matters for ever
//! (delivered, failed) not before a minute has passed, so that a scheduler that died with it in its socket gets it again
//! from us; a repeated `Late` is harmless.

mod body;
mod desk;
mod hearing;
mod link;
mod serve;
mod settings;
mod start;
mod transport;

pub use body::{Body, Passage};
pub use desk::{Desk, Ticket, Work};
pub use link::{Dial, SchedulerChannel};
pub use serve::{Agent, Parts};
pub use settings::Settings;
pub use start::{Callers, run};
pub use transport::{Transport, Turn};
