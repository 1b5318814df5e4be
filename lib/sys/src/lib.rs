//! What the operating system offers, made safe: descriptor passing, spawn, signals, privileges, limits.
//!
//! This is the only crate that may say `unsafe` and the only one that may name an operating system. It knows nothing
//! of mail. Every Linux-only call has its POSIX fallback next to it.

pub mod connect;
pub mod descriptor;
pub mod file;
pub mod limits;
pub mod listen;
pub mod memory;
pub mod ownership;
pub mod privilege;
pub mod process;
pub mod signal;
pub mod space;
pub mod terminal;
pub mod user;
