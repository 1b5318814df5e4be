//! Where an address goes.
//!
//! Decides, from the [`Tables`](crate::tables::Tables) alone, the channel, host and user of an address, or that it is
//! refused, or that it cannot be told now. No clock, no network; which host of a domain takes the mail is the smtp
//! agent's business. [`resolve()`] answers while the client waits, [`expand()`] makes the recipients of an alias to many
//! in the spool pass, [`explain()`] tells both with the rules that decided. All three walk by the same step.
//!
//! | order | rule | for |
//! |---|---|---|
//! | 1 | relaying not allowed: refused | other domains |
//! | 2 | routes: `user@domain`, `domain` | all |
//! | 3 | aliases, then users of the system; else unknown | local domains |
//! | 4 | routes: `.domain` from the longest, `.` | other domains |
//! | 5 | the domain's mail exchangers | other domains |

mod expand;
mod explain;
mod local;
mod resolve;
mod step;

#[cfg(test)]
mod tests;

pub use expand::{Expansion, NotNow, expand};
pub use explain::explain;
pub use resolve::{Decision, resolve};
