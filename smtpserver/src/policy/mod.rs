//! Who is refused, held or marked, by the operator's table. Pure.
//!
//! Decides which rules of a [`PolicyTable`](farm::tables::PolicyTable) hold for what is known of a client, and what
//! follows; not what a line means (`farm::tables`), nor how a table is read, nor what the client is told when it cannot
//! be.
//!
//! | file | holds |
//! |---|---|
//! | `facts.rs` | what is known at a moment of a session |
//! | `holds.rs` | whether a test holds, and what it met |
//! | `ruling.rs` | what the rules of a phase say together |
//! | `scope.rs` | what earlier phases have settled, and for how long |
//!
//! Invariants: rules are asked in the order of the file; the first that accepts, refuses or holds ends its phase; a rule
//! that warns never changes what happens.

mod facts;
mod holds;
mod ruling;
mod scope;

pub use facts::{Facts, To};
pub use ruling::{Ruling, Step, Verdict, judge};
pub use scope::Scopes;

#[cfg(test)]
mod tests;
