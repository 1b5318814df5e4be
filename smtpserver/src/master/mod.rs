//! The accept master: accepts on the listeners that the supervisor bound, admits, and passes each connection to the
//! worker with the fewest sessions.
//!
//! | file | holds |
//! |---|---|
//! | `admission/` | who may come in: counts, rates, access, lists, silence, tarpit (pure) |
//! | `reception.rs` | carries out what admission decides: lets in, holds, turns away; headers of balancers |
//! | `held.rs` | connections that are not let in yet, or are turned away |
//! | `access.rs` | the way to the access table |
//! | `custody.rs` | connections that no worker has taken yet, and who has which session (pure) |
//! | `run.rs` | the loop |
//! | `accept.rs` | accepting, pausing when descriptors run short |
//! | `status.rs` | what `grange status` shows |
//! | `workers.rs` | the farm of workers and what they say |

mod accept;
mod access;
mod admission;
mod custody;
mod held;
mod reception;
mod run;
mod status;
mod workers;

pub use run::run;
