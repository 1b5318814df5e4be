//! Two sessions against each other.

mod clients;
mod handshakes;
mod streams;
pub(crate) mod world;
