//! The tables that routing asks: aliases, routes, the users of the system, lists.
//!
//! Decides how a table is found, read, renewed and doubted; not what its lines mean (`farm::tables`) nor where an
//! address goes ([`crate::routing`]). Every question is answered with a [`Lookup`], in which "not found" is told from
//! "not now" and from "broken": only the first may refuse mail.

mod generation;
mod lists;
mod store;
mod users;

pub use farm::tables::{Lookup, Stamp, stamp};
pub use lists::{FileLists, Lists};
pub use store::{Refresh, RouteFound, Tables};
pub use users::{SystemUsers, Users};
