//! TLS for both sides of a connection: octets in, octets out.
//!
//! Decides which versions, suites and certificates are used, which tickets are taken back and what is told about the
//! peer. Does not decide when a session begins, how long it may take or whom to trust: that is its shell's business.
//! It opens no socket, reads no clock (see [`Clock`]) and starts no thread; only [`PemFile::read`] and
//! [`ClientContext::with_system_roots`] look at files.
//!
//! The data: a [`Material`] is what lies in files and travels between processes; a context is made of it once and
//! shared by all sessions of a process; a [`Session`] is one connection. After the handshake [`Session::facts`] says
//! what was agreed. Octets from the network go in by [`Session::receive`], come out as plaintext by [`Session::read`];
//! plaintext goes in by [`Session::write`] and leaves by [`Session::send`].
//!
//! Invariants: a session never waits; an idle one holds no buffer of ours; a key is printed nowhere, `Debug` included.
//! TLS 1.2 (RFC 5246, with RFC 7627 if the peer can) and 1.3 (RFC 8446) only; no renegotiation, no early data.

mod certificate;
mod client;
mod clock;
mod der;
mod error;
mod facts;
mod identity;
mod material;
mod peer;
mod provider;
mod server;
mod session;
mod tickets;
mod words;

#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use client::ClientContext;
pub use clock::Clock;
pub use error::{Broken, TlsError};
pub use facts::{Facts, PeerCertificate};
pub use material::{Material, PemFile, PemPair, TicketKeys, Version};
pub use server::{ServerContext, Warning};
pub use session::Session;
