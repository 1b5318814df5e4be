//! The skeleton every process is poured into: event loop, timers, channels, the one farm, configuration, journal.
//!
//! This is the only crate that names mio and reads a clock. Process crates see [`event_loop::EventLoop`], [`channel::Channel`] and times.

pub mod channel;
pub mod clock;
pub mod config;
pub mod event_loop;
pub mod exit;
pub mod farm;
pub mod fault;
pub mod hints;
pub mod journal;
pub mod profile;
pub mod resolver;
pub mod skeleton;
pub mod tables;
pub mod timers;
pub mod words;
