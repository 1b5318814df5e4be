//! Tests of the spool as a whole.

mod backends;
mod compaction;
mod crash;
mod damage;
mod failure;
mod logs;
mod power_cut;
mod rotation;
pub(crate) mod world;
