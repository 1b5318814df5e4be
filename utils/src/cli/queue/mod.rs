//! `grange queue …`: what waits, why, and what to do about it.

mod cat;
mod change;
mod list;
mod show;

pub(crate) use cat::cat;
pub(crate) use change::{Change, change};
pub(crate) use list::{as_json, list};
pub(crate) use show::show;
