//! Those who ask: rendezvous, channels, bounded lines.

use super::asks::{Ask, Caller};
use super::run::{DOORS, Multiplexer, caller_token};
use farm::channel::Channel;
use farm::event_loop::EventLoop;
use farm::skeleton::Answering;
use ipc::Role;
use ipc::routing::{Answer, FromRouter, Question, Verdict};
use proto::place::Place;
use proto::status::Status;
use std::collections::BTreeMap;
use std::io;

/// Questions of one caller that wait; with more, it is not read from.
const LINE: usize = 4_096;

/// Octets of answers that a caller has not read; with more, it is not read from.
const BACKLOG: usize = 1 << 20;

/// The rendezvous at which callers arrive.
pub(super) struct Doors {
    doors: Vec<(Role, Answering, bool)>,
}

impl Doors {
    pub(super) fn new(answering: Vec<(Role, Answering)>) -> Self {
        Self { doors: answering.into_iter().map(|(role, answering)| (role, answering, true)).collect() }
    }

    pub(super) fn watch(&self, event_loop: &EventLoop) -> io::Result<()> {
        for (index, (_, answering, _)) in self.doors.iter().enumerate() {
            event_loop.watch_readable(answering, DOORS + index)?;
        }
        Ok(())
    }

    /// Somebody calls there.
    pub(super) fn rang(&mut self, index: usize) {
        if let Some((_, _, ringing)) = self.doors.get_mut(index) {
            *ringing = true;
        }
    }

    /// Takes the next call.
    fn next(&mut self) -> Option<(Role, CallerChannel)> {
        for (role, answering, ringing) in &mut self.doors {
            while *ringing {
                match answering.answer() {
                    Ok(Some((call, channel))) if call.role == *role => return Some((*role, channel)),
                    Ok(Some((call, _))) => log::warn!("a call from {} came where {role} calls", call.role),
                    Ok(None) => *ringing = false,
                    Err(error) => {
                        // Others may wait behind it: they are looked at in the next turn.
                        log::error!("rendezvous with {role}: {error}");
                        break;
                    }
                }
            }
        }
        None
    }
}

type CallerChannel = Channel<FromRouter, Question>;

struct CallerEnd {
    role: Role,
    channel: CallerChannel,
    /// Something may be read: the edge has been seen and not used up.
    readable: bool,
}

/// Everybody who asks.
#[derive(Default)]
pub(super) struct Callers {
    ends: BTreeMap<Caller, CallerEnd>,
    last: Caller,
}

impl Callers {
    /// The loop says so.
    pub(super) fn readable(&mut self, caller: Caller, readable: bool) {
        if let Some(end) = self.ends.get_mut(&caller) {
            end.readable |= readable;
        }
    }

    /// All answers are with the kernel.
    pub(super) fn is_flushed(&self) -> bool {
        self.ends.values().all(|end| end.channel.is_flushed())
    }

    /// When a channel that was full is written to again.
    pub(super) fn next_flush(&self, now: u64) -> Option<u64> {
        self.ends.values().filter_map(|end| end.channel.next_flush(now)).min()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl Multiplexer {
    /// Takes the calls that wait.
    pub(super) fn answer_doors(&mut self) {
        while let Some((role, channel)) = self.doors.next() {
            self.callers.last += 1;
            let caller = self.callers.last;
            match self.event_loop.watch_readable(&channel, caller_token(caller)) {
                Ok(()) => drop(self.callers.ends.insert(caller, CallerEnd { role, channel, readable: true })),
                Err(error) => log::error!("a caller cannot be watched: {error}"),
            }
        }
    }

    /// Reads from every caller that has something to say and room in its line.
    pub(super) fn hear_callers(&mut self) {
        let desk = &self.desk;
        let has_room = |(caller, end): &(&Caller, &CallerEnd)| {
            end.readable && desk.asks.waiting_of(**caller) < LINE && end.channel.backlog() < BACKLOG
        };
        let callers: Vec<Caller> = self.callers.ends.iter().filter(has_room).map(|(c, _)| *c).collect();
        for caller in callers {
            self.hear_caller(caller);
        }
    }

    fn hear_caller(&mut self, caller: Caller) {
        let Some(end) = self.callers.ends.get_mut(&caller) else { return };
        end.readable = false;
        let role = end.role;
        let (messages, ended) = match end.channel.receive() {
            Ok(batch) => (batch.messages, batch.ended),
            Err(error) => {
                log::warn!("caller {role}: {error}");
                (Vec::new(), true)
            }
        };
        let now = self.event_loop.now().mono;
        for received in messages {
            match received.message {
                Question::Recipient { session, ticket, address, may_relay, client, members } => {
                    let ask =
                        Ask { caller, session, ticket, address, may_relay, client, members, asked: now };
                    self.desk.ask(ask);
                }
                Question::Withdraw { session } => self.desk.asks.withdraw(caller, session),
                Question::Expand { place, again } => {
                    self.desk.expansions.insist(place, again, now);
                    if self.desk.expansions.is_quarantined(place) {
                        self.tell_quarantined(place);
                    }
                }
            }
        }
        if ended {
            self.desk.forget(caller);
            if let Some(end) = self.callers.ends.remove(&caller) {
                self.event_loop.forget(&end.channel);
            }
        }
    }

    /// Gives a verdict to whoever asked, on one recipient or on all in the same domain.
    pub(super) fn answer(&mut self, ask: &Ask, verdict: Verdict, whole_domain: bool, members: Vec<String>) {
        self.figures.answered(self.event_loop.now().mono.saturating_sub(ask.asked));
        let Some(end) = self.callers.ends.get_mut(&ask.caller) else { return };
        let Ask { session, ticket, .. } = *ask;
        let answer = Answer { session, ticket, generation: self.generation, verdict, whole_domain, members };
        if let Err(error) = end.channel.send(&FromRouter::Answer(answer)) {
            log::warn!("caller {}: {error}", end.role);
        }
    }

    /// Tells the scheduler, if it is there, that a message is quarantined; otherwise it will ask.
    pub(super) fn tell_quarantined(&mut self, place: Place) {
        for end in self.callers.ends.values_mut().filter(|end| end.role == Role::Scheduler) {
            if let Err(error) = end.channel.send(&FromRouter::Quarantined { place }) {
                log::warn!("caller {}: {error}", end.role);
            }
        }
    }

    /// The answer about an address that workers died of.
    pub(super) fn answer_guilty(&mut self, ask: &Ask) {
        let text = match &ask.address {
            Some(address) => format!("<{address}> cannot be routed now; try again later"),
            None => "<postmaster> cannot be routed now; try again later".to_owned(),
        };
        self.answer(ask, Verdict::Defer { status: Status::transient(3, 0), text }, false, Vec::new());
    }

    /// Writes to every caller what was collected in this turn.
    pub(super) fn flush_callers(&mut self) {
        for end in self.callers.ends.values_mut().filter(|end| !end.channel.is_flushed()) {
            // A caller that is gone is seen when it is read from.
            let _its_end_is_told = end.channel.flush();
        }
    }
}
