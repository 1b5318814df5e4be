//! The supervisor: the only parent. It binds, wires, starts, restarts, reloads and drains; it parses no mail.
//!
//! It keeps five children itself, each a farm of one: dns, authd, scheduler, router multiplexer, smtpserver master. All others
//! are started because one of these asks for them, and it learns of their ends.

mod asked;
mod certifying;
mod children;
mod control;
mod ground;
mod keep;
mod profile;
mod run;
mod starting;
mod status;
mod wiring;

pub use run::{Options, run};
