//! The scheduler on a real spool in a temporary directory, with agents that are played.

mod checkpoints;
mod compaction;
mod deliveries;
mod expansions;
mod notices;
mod restarts;
mod site;
mod sparse;
mod terms;
mod tooling;
