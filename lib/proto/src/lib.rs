//! The protocols of mail as pure values and machines.
//!
//! Nothing here performs I/O, reads a clock or looks at the environment: bytes, answers and the time come in as
//! arguments, actions come out. That is what makes an SMTP session testable in a microsecond and fuzzable at all.
//!
//! | module | holds |
//! |---|---|
//! | [`address`] | mailboxes, domains, reverse-paths and forward-paths |
//! | [`envelope`] | what travels with a message: sender, recipients, origin, shape |
//! | [`framing`], [`command`], [`reply`] | where lines and content end; commands and replies, parsed and printed |
//! | [`extension`], [`limits`] | what a server offers, and how much of it |
//! | [`id`], [`place`] | the spool id, and where in a spool a message lies |
//! | [`client`] | the client session, SMTP and LMTP |
//! | [`message`], [`dsn`] | header fields read and written; the notice about recipients |
//! | [`server`] | the server side of a session |
//! | [`proxy`] | the header by which a balancer names the true client |
//! | [`terms`] | what the sender asks for with a message and with a recipient |
//! | [`xtext`], [`base64`] | any octets as a word of a command |
//! | [`status`], [`disposition`] | enhanced status codes; what became of a recipient |

pub mod address;
pub mod base64;
pub mod client;
pub mod command;
pub mod disposition;
pub mod dsn;
pub mod envelope;
pub mod extension;
pub mod framing;
pub mod id;
pub mod limits;
pub mod message;
pub mod place;
pub mod proxy;
pub mod reply;
pub mod server;
pub mod status;
pub mod terms;
pub mod xtext;
