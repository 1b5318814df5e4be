//! The administrator's command `grange`, and `mailq` and `newaliases` in its train.
//!
//! Decides how questions are asked and how answers look. Does not decide anything about mail: a verb asks the running
//! Grange through its control socket, or reads files, and prints. A verb that changes something says what it did, in
//! numbers; with `--json` the same facts come as one JSON value per line.
//!
//! | module | holds |
//! |---|---|
//! | `arguments`, `grange` | the command line, and the way from it to a verb |
//! | `instance`, `ask` | which Grange is meant; the control socket, seen from outside |
//! | `human`, `table`, `print` | times, sizes and counts for people; columns; standard output |
//! | a module per verb | what it asks and how it prints |

mod arguments;
pub(crate) mod ask;
mod check;
mod config;
mod fault;
mod grange;
pub(crate) mod human;
pub(crate) mod instance;
pub(crate) mod mailq;
pub(crate) mod newaliases;
mod password;
pub(crate) mod print;
mod profile;
mod queue;
mod ready;
mod reload;
mod route;
mod session;
mod spool;
mod start;
mod status;
mod stop;
mod table;

pub use grange::grange;
pub use mailq::mailq;
pub use newaliases::newaliases;
