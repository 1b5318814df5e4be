//! The queue core: which message goes where next, and what its fate does to the others.
//!
//! It decides who is fed, when a host is tried again, when a message has failed for good, what the log must say and when
//! a notice is due. It does not read clocks, files or messages: events and the time (UTC milliseconds) come in through
//! the methods of [`Queue`], and what is to be done comes out of [`Queue::poll_action`]. So a week of mail passes in a
//! second when it is simulated.
//!
//! A *vertex* is one message times one (channel, host). A *thread* is all vertices for one (channel, host) and owns one
//! retry clock (its states stand in `thread.rs`), so one probe settles ten thousand messages. A *thread group* is the
//! threads under one clause of the configuration. A *job* is a vertex in flight. A message whose sender set a time or a
//! priority is *special*; a side table has what is special about it.
//!
//! What always holds, and [`Queue::check_invariants`] checks:
//! - accepted recipients = delivered + failed + removed + waiting;
//! - a vertex is in exactly one place: the ready list or the own list of its thread, in flight in one job, or held;
//! - a thread has jobs with one agent at most, and no limit of admission is exceeded by handing out;
//! - whoever may go stands in exactly one of ring, parked, blocked; nobody else waits for a wake-up that never comes;
//! - every time that something waits for is on the agenda, or has an alarm.
//!
//! Every input costs O(log n) for each vertex it touches.

mod action;
mod admission;
mod agenda;
mod agents;
mod alarms;
mod arrival;
mod clock;
mod export;
mod feed;
mod intake;
mod invariants;
mod listing;
mod lost;
mod message;
mod names;
mod notices;
mod operator;
mod policy;
mod ranks;
mod retry;
mod ring;
mod scribe;
mod settle;
mod special;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod thread;
mod vertex;
mod warnings;

pub use action::{Action, AgentId, Attempt, Feed, JobId, Notice, Record, Telling, ThreadClock};
pub use admission::Obstacle;
pub use arrival::{Arrival, Hold, Leg};
pub use export::Mark;
pub use invariants::Broken;
pub use listing::{Filter, Gauges, Line, Page, State, ThreadLine};
pub use operator::Changed;
pub use policy::{ChannelPolicy, Clause, GroupPolicy, Policy};
pub use retry::{Schedule, ScheduleError};
pub use state::{Counters, Queue};
