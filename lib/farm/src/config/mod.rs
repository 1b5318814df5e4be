//! The configuration: one file, parsed once by the supervisor, every child gets its section.
//!
//! Decides what `grange.toml` may say and reports everything that is wrong with it at once, each with file, line,
//! column and cure. Does not decide what a parameter does: that is told where it is used.
//!
//! The way of a value: text → tree of places (`tree`) → its row in the [`registry`] (name, kind, range) → its field
//! in the typed sections. Defaults are such typed sections, and `show` walks the same rows back to text, so a
//! parameter is named in one place only.

mod address;
mod admission;
mod auth;
mod backend;
mod check;
mod check_all;
mod defaults;
mod dns_list;
mod field;
mod load;
mod parameter;
mod problem;
pub mod registry;
mod sections;
mod show;
mod source;
mod syntax;
mod tls;
mod tree;
mod units;

#[cfg(test)]
mod tests;

pub(crate) use address::{canonical_domain, is_domain, parse_network};
pub use admission::{Admission, Names, Penalty, Rule};
pub use auth::{Auth, DELAY_DOUBLINGS, MECHANISMS, Rate, RateError};
pub use backend::Backend;
pub(crate) use check::nearest;
pub use defaults::{CHANNELS, defaults};
pub use dns_list::DnsList;
pub(crate) use dns_list::parse_points;
pub use parameter::{Field, Kind, Number, Parameter};
pub use problem::{Problem, render};
pub use sections::*;
pub use syntax::{Syntax, Written, WrittenList};
pub use tls::{CertificateFiles, Tls};
pub use units::{parse_duration, parse_size, print_duration, print_size};
