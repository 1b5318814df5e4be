//! Gives a message a form that the next hop can take, without changing what it says.
//!
//! Parts with octets that a hop does not take are encoded in quoted-printable or base64, everything else stays as it is,
//! octet for octet. Nothing is changed that somebody has signed or sealed: below multipart/signed and multipart/encrypted,
//! in S/MIME and PGP parts, and wherever a DKIM-Signature or an ARC-Message-Signature stands above.
//!
//! The content passes twice, in chunks of any size, and is never held: a [`Survey`] finds out what each entity holds and
//! gives a [`Scheme`], or the [`Obstacle`]; a [`Converter`] carries the scheme out. Both watch the same `Walk`, so that
//! they count entities alike. Memory is bounded by one line, one header field and a few octets for each entity.
//!
//! ```text
//! octets ──► Lines ──► Walk (boundaries, headers) ──► Survey ──► Scheme
//!                        └───────────────────────────► Converter ──► octets
//! ```
//!
//! Sources: RFC 2045 sections 5 to 6.8 (Content-Type, encodings), RFC 2046 section 5.1 (multipart) and 5.2 (message),
//! RFC 6152 section 3 (what a hop without 8BITMIME gets), RFC 3030 section 3 (and one without BINARYMIME), RFC 1847
//! (multipart/signed and multipart/encrypted), RFC 6376 section 3.7 (a DKIM signature covers the body).

mod base64;
mod converter;
mod facts;
mod kind;
mod lines;
mod quoted;
mod scheme;
mod survey;
mod walk;

pub use converter::Converter;
pub use scheme::{Obstacle, Scheme, Target};
pub use survey::Survey;

#[cfg(test)]
mod tests;
