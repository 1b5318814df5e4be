//! Passwords: what is kept of them, and whether one is right.
//!
//! Decides how a password is prepared, how it is stored and how it is compared. Does not decide who may ask: authd does;
//! `grange password` makes the lines that it reads. The only crate that names argon2, sha-crypt and the functions that
//! SCRAM is made of. Nothing here performs I/O except for drawing salts.
//!
//! | module | holds |
//! |---|---|
//! | [`opaque`] | the profile that names and passwords go through (RFC 8265) |
//! | [`stored`] | is this the password? |
//! | [`scram`] | keys, proofs and signatures (RFC 5802) |
//! | [`make`] | new lines for the users file |
//! | [`encoding`] | base64 |
//!
//! Invariants: what is compared is compared in constant time; no type here shows a password or a key when printed.

pub mod encoding;
pub mod make;
pub mod opaque;
pub mod scram;
pub mod stored;
