//! The one farm: how many workers there are, who gets the next piece of work, who is replaced, when a dead one is
//! started again.
//!
//! The smtpserver master, the router multiplexer and the scheduler (one farm per channel) each own [`Farm`]s. It decides;
//! it does not act: its owner tells it what happened, calls [`Farm::tick`] each turn, and carries out what
//! [`Farm::poll`] hands out. It knows neither descriptors nor process ids, and reads no clock: `now` is a `u64` of
//! monotonic milliseconds.
//!
//! | a worker is | it gets work | it leaves this state when |
//! |---|---|---|
//! | starting (a ticket) | no | [`Farm::spawned`], [`Farm::spawn_failed`] |
//! | fresh | yes | it is due for replacement (uses, age, memory, its own wish), or surplus and idle, or dead |
//! | retiring | when no fresh one can take it | enough others serve: it is drained |
//! | draining | no | it exits; after [`Policy::drain_grace`] it is killed |
//!
//! Invariants: starting + fresh + retiring workers are at most [`Policy::max`], and one more while a replacement for a
//! retiring one is on its way; workers that serve are drained only when as many as wanted remain, so a recycling worker
//! is replaced before it goes; below [`Policy::min`] a start is due at once or at the end of the back-off; a kill is asked
//! for only after a drain and its grace. [`FairQueue`] is the other half of fairness: between those who bring work.

mod backoff;
mod fair;
mod policy;
mod report;
mod settle;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub use fair::FairQueue;
pub use policy::Policy;
pub use report::{Death, Report, Why};
pub use state::{Action, Counts, Farm};
