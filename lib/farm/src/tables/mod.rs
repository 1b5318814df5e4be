//! The flat files an administrator knows: what their lines mean.
//!
//! Decides the syntax of aliases and routes, for `grange config check` and the router alike. Does not decide where an
//! address goes: the router does, with these tables. A line that cannot be understood is a [`Problem`], and the parsed
//! table remembers that it has a gap, because a table with a gap may not say "not found".
//!
//! [`Problem`]: crate::config::Problem

mod aliases;
mod flat;
mod routes;

pub use aliases::{Alias, Aliases, Target, TargetError, parse_list};
pub use flat::{LogicalLine, logical_lines};
pub(crate) use routes::unknown_channel;
pub use routes::{Hop, HopError, PatternError, RouteEntry, RouteTable, parse_pattern, parse_target};
