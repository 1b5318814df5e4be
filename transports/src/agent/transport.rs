//! What a channel adds to the common loop.

use super::{Desk, Settings, Ticket, Work};
use farm::clock::Moment;
use farm::event_loop::{EventLoop, Ready};
use farm::fault::Faults;

/// What a transport may use in a turn of the loop.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The time of the turn.
    pub now: Moment,
    /// Where results go.
    pub desk: &'a mut Desk,
    /// Where descriptors are watched. Tokens below [`Turn::FIRST_TOKEN`] are taken.
    pub event_loop: &'a EventLoop,
    /// The fault switches.
    pub faults: &'a mut Faults,
}

impl Turn<'_> {
    /// The first token that a transport may use.
    pub const FIRST_TOKEN: usize = 8;

    /// The fault switch `agent-die`: the process ends in the middle of a job, without a word.
    pub fn perhaps_die(&mut self) {
        if self.faults.strikes("agent-die") {
            std::process::abort();
        }
    }
}

/// What one channel does with its jobs. Every accepted recipient is settled through the desk.
pub trait Transport {
    /// How many jobs it wants to have at most.
    fn capacity(&self) -> u32;

    /// Takes a job. It may be settled at once, or any time later.
    fn take(&mut self, work: Work, turn: &mut Turn<'_>);

    /// A descriptor that it watches is ready.
    fn ready(&mut self, ready: Ready, turn: &mut Turn<'_>);

    /// Does as much as one turn may, time-outs included; `true` if more can be done at once.
    fn work(&mut self, turn: &mut Turn<'_>) -> bool;

    /// When [`Transport::work`] has something to do although nothing happened: monotonic milliseconds.
    fn deadline(&mut self) -> Option<u64>;

    /// The scheduler is gone: drops whatever can be dropped, and tells which jobs are past their point of no return
    /// and will still be settled.
    fn abandon(&mut self, turn: &mut Turn<'_>) -> Vec<Ticket>;

    /// Nothing new comes: drops jobs not begun, closes what is idle.
    fn wind_up(&mut self, turn: &mut Turn<'_>);

    /// Nothing is under way and nothing is open.
    fn is_quiet(&self) -> bool;

    /// The configuration has changed.
    fn reload(&mut self, settings: &Settings);

    /// Open sessions, and to how many hosts.
    fn gauges(&self) -> (u32, u32) {
        (0, 0)
    }

    /// Hosts to which connections stand open and idle.
    fn warm(&self) -> Vec<String> {
        Vec::new()
    }
}
