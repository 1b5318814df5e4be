//! The SMTP server: a master that accepts and passes on, and workers that converse.
//!
//! The master reads no octet from a client; a worker holds thousands of sessions in one loop and never waits for the
//! disk, the router or a name server.

pub mod master;
pub mod policy;
pub mod worker;
