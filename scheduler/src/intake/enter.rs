//! Into the queue: a message for very many hosts goes some hosts per turn, so that other mail passes meanwhile.

use crate::queue::{Arrival, Leg};
use crate::state::Scheduler;
use proto::id::SpoolId;
use std::collections::VecDeque;

/// Legs that come into the queue per turn.
const LEGS: usize = 1_000;

/// A message of which legs are still to come.
#[derive(Debug)]
pub(crate) struct Entering {
    message: SpoolId,
    legs: std::vec::IntoIter<Leg>,
}

/// All of them.
pub(crate) type Entrance = VecDeque<Entering>;

impl Scheduler {
    /// Lets a message into the queue. `written` says that its line as waiting is in the log.
    pub(super) fn enter(&mut self, mut arrival: Arrival, written: bool) {
        let (message, utc) = (arrival.message, self.now.utc);
        let legs = arrival.legs.split_off(LEGS.min(arrival.legs.len()));
        if !self.queue.begin(arrival, written, utc) {
            return;
        }
        if legs.is_empty() {
            return self.queue.complete(message, utc);
        }
        self.entrance.push_back(Entering { message, legs: legs.into_iter() });
    }

    /// Goes on with messages that are coming in. `true` if there is more to do at once.
    pub(crate) fn enter_on(&mut self) -> bool {
        if let Some(entering) = self.entrance.front_mut() {
            let (message, utc) = (entering.message, self.now.utc);
            let legs: Vec<Leg> = entering.legs.by_ref().take(LEGS).collect();
            // One that is not there any more was removed by the operator.
            let there = self.queue.add(message, legs, utc);
            if !there || entering.legs.len() == 0 {
                self.queue.complete(message, utc);
                self.entrance.pop_front();
            }
        }
        !self.entrance.is_empty()
    }
}
