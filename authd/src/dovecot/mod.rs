//! Dovecot's authentication service, for sites whose users are Dovecot's.
//!
//! | file | holds |
//! |---|---|
//! | `protocol.rs` | pure: lines of the client protocol, in and out |
//! | `link.rs` | the socket: connecting again, what waits for it |
//!
//! Source: Dovecot's documentation of its authentication protocol, versions 1.1 and 1.2 (the client side).

mod link;
mod protocol;

pub use link::Link;
pub use protocol::{Event, Request};
