//! The flat files an administrator knows: what their lines mean.
//!
//! Decides the syntax of access, aliases, routes, users, senders and policy, for `grange config check` and the programs alike.
//! Does not decide where an address goes, nor who is refused or who a client is: the programs do, with these tables. A line that cannot be
//! understood is a [`Problem`], and the parsed table remembers that it has a gap, because a table with a gap may not say
//! "not found".
//!
//! [`Problem`]: crate::config::Problem

mod access;
mod aliases;
mod flat;
mod lookup;
mod policy;
mod routes;
mod senders;
mod stamp;
mod users;
mod watched;

pub use access::{AccessAction, AccessEntry, AccessTable};
pub use aliases::{Alias, Aliases, Target, TargetError, parse_list};
pub use flat::{LogicalLine, logical_lines};
pub use lookup::Lookup;
pub use policy::{
    Action, AddressPattern, Condition, NamePattern, Phase, Placeholder, PolicyTable, Refusal, Rule, Template,
    Test,
};
pub(crate) use routes::unknown_channel;
pub use routes::{Hop, HopError, PatternError, RouteEntry, RouteTable, parse_pattern, parse_target};
pub use senders::Senders;
pub use stamp::{Stamp, stamp};
pub use users::{Allowance, ScramKeys, StoredPassword, User, Users};
pub use watched::{Look, Watched};
