//! The accept master: accepts on the listeners that the supervisor bound, admits, and passes each connection to the
//! worker with the fewest sessions.
//!
//! | file | holds |
//! |---|---|
//! | `admission.rs` | who may come in: limits in all and per client (pure) |
//! | `custody.rs` | connections that no worker has taken yet, and who has which session (pure) |
//! | `run.rs` | the loop |
//! | `accept.rs` | accepting, pausing when descriptors run short |
//! | `workers.rs` | the farm of workers and what they say |

mod accept;
mod admission;
mod custody;
mod run;
mod workers;

pub use run::run;
