//! How long operations take: a histogram per operation in every process, always compiled in, off until it is asked for.
//!
//! `grange profile on` sets a flag in every process; from then on each [`Operation`] reads the clock when it begins and
//! when it ends and increments a number. While the flag is down an operation costs one relaxed load: no clock is read.
//! Nothing here locks or allocates on the way of an operation.
//!
//! Decides what an operation is called and how times are put into buckets. Does not decide who is asked, or how it is
//! printed: the supervisor asks each process (`ipc::profile`) and merges what they say.
//!
//! | file | holds |
//! |---|---|
//! | `operation.rs` | the operations and their names |
//! | `histogram.rs` | buckets, merging, percentiles (pure) |
//! | `recorder.rs` | the counters of a process |
//!
//! An operation is counted when it ends, if the profile was on when it began and is on then. The counters are a static:
//! there is one profile per process, and an operation may begin and end in different modules and threads.

mod histogram;
mod operation;
mod recorder;

pub use histogram::Histogram;
pub use operation::Operation;
pub use recorder::{Begun, Recorder};

use ipc::profile::Order;
use ipc::supervisor::FromChild;
use std::time::Duration;

/// The counters of this process.
static PROCESS: Recorder = Recorder::new();

/// An operation begins now; without profiling that is not even noted.
pub fn begin() -> Begun {
    PROCESS.begin()
}

/// Does it, and counts how long it took.
pub fn timed<R>(operation: Operation, act: impl FnOnce() -> R) -> R {
    let begun = begin();
    let result = act();
    begun.end(operation);
    result
}

/// Counts a time that was measured anyway.
pub fn took(operation: Operation, time: Duration) {
    PROCESS.took(operation, time);
}

/// Obeys a query of the supervisor and gives the answer to it, if the query is about the profile.
pub fn answer(ticket: u64, request: &str) -> Option<FromChild> {
    let lines = match Order::in_query(request)? {
        Order::On => {
            PROCESS.start();
            Vec::new()
        }
        Order::Off => {
            PROCESS.stop();
            Vec::new()
        }
        Order::Show => PROCESS.times().iter().map(ipc::profile::Times::to_line).collect(),
    };
    Some(FromChild::Answer { ticket, lines, last: true })
}

impl Begun {
    /// The operation ends now.
    pub fn end(self, operation: Operation) {
        self.end_in(&PROCESS, operation);
    }
}
