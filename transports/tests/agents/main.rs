//! The agents in their loop: a fake scheduler and a fake supervisor at the channels, sinks on the loopback, a resolver
//! that answers from a table.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod deaths;
mod extensions;
mod plain;
mod rig;
mod sink;
mod smtp;
mod strides;
mod tls;
mod wire;
