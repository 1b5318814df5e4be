//! The vocabulary between processes: one file per arrow of the picture in `ARCHITECTURE.md`, and the one codec.
//!
//! Nothing here performs I/O: a channel (`farm::Channel`) carries what these types say. Every validated type
//! deserializes through its own parser, so a message from another process is no way around a check.
//!
//! | file | arrow |
//! |---|---|
//! | [`supervisor`] | supervisor ↔ each of its children |
//! | [`contact`] | a caller's first word at a rendezvous |
//! | [`smtp_worker`] | smtpserver master ↔ smtpserver worker |
//! | [`routing`] | whoever asks ↔ router multiplexer |
//! | [`router_worker`] | router multiplexer ↔ router worker |
//! | [`agent`] | scheduler ↔ transport agent |
//! | [`resolve`] | whoever asks ↔ dns |
//! | [`auth`] | smtpserver worker ↔ authd |
//! | [`hint`] | spool writers → notification sockets |
//! | [`profile`] | supervisor → every child: counting how long things take |
//! | [`control`] | administrators' programs ↔ supervisor, JSON lines |

pub mod agent;
pub mod auth;
pub mod codec;
pub mod contact;
pub mod control;
pub mod hint;
pub mod profile;
pub mod resolve;
pub mod role;
pub mod router_worker;
pub mod routing;
pub mod smtp_worker;
pub mod supervisor;

pub use role::Role;
