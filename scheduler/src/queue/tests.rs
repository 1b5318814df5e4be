//! The queue, one behaviour per test. The invariants are checked after every step of the bench.

mod admission;
mod bench;
mod deaths;
mod growth;
mod listing;
mod notices;
mod operator;
mod retry;
mod size;
mod special;
mod warnings;
