//! The multiplexer: takes questions from all callers, is fair to them, keeps a bounded set of workers. It resolves
//! nothing itself.
//!
//! | file | holds |
//! |---|---|
//! | `asks.rs` | open questions, and whose turn it is (pure) |
//! | `expansions.rs` | messages to expand: once, again later, not again (pure) |
//! | `blame.rs` | addresses that workers died of (pure) |
//! | `desk.rs`, `hands.rs` | which worker gets what, and what follows a death (pure) |
//! | `claims.rs` | what hints say, before it is verified (pure) |
//! | `run.rs` | the loop |
//! | `callers.rs`, `workers.rs`, `notify.rs` | the three sides of it |
//! | `status.rs` | what it says of itself |

mod asks;
mod blame;
mod callers;
mod claims;
mod desk;
mod expansions;
mod hands;
mod notify;
mod run;
mod status;
#[cfg(test)]
mod tests;
mod workers;

pub(crate) use run::Section;
pub use run::run;
