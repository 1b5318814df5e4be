//! The process around the scheduler: what it hears, and from whom.
//!
//! | file | does |
//! |---|---|
//! | `setup.rs` | the log's lock, the spool, the restored scheduler |
//! | `run.rs` | the loop |
//! | `supervisor.rs` | what the supervisor says |
//! | `farms.rs` | a farm of agents per channel, and those that outlived an earlier scheduler |
//! | `router.rs` | asks the router again about what its hint should have brought it |

mod farms;
mod router;
mod run;
mod setup;
mod supervisor;

pub use run::run;
