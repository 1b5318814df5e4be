//! Those who ask: rendezvous and channels. A caller hears first which mechanisms there are.

use super::{CALLERS, DOORS};
use farm::channel::Channel;
use farm::event_loop::EventLoop;
use farm::skeleton::Answering;
use ipc::Role;
use ipc::auth::{FromAuthd, ToAuthd};
use std::collections::BTreeMap;
use std::io;

type CallerChannel = Channel<FromAuthd, ToAuthd>;

/// Everybody who asks, and the doors through which they come.
pub(super) struct Callers {
    doors: Vec<(Role, Answering, bool)>,
    ends: BTreeMap<usize, CallerChannel>,
    last: usize,
}

/// What a caller has said.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) messages: Vec<ToAuthd>,
    pub(super) ended: bool,
}

impl Callers {
    pub(super) fn new(answering: Vec<(Role, Answering)>) -> Self {
        let doors = answering.into_iter().map(|(role, answering)| (role, answering, true)).collect();
        Self { doors, ends: BTreeMap::new(), last: 0 }
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

    /// Takes the calls that wait.
    pub(super) fn answer_doors(&mut self, event_loop: &EventLoop, mechanisms: &[String]) {
        while let Some(mut channel) = self.next_call() {
            self.last += 1;
            let greeted = channel.send(&FromAuthd::Mechanisms(mechanisms.to_vec()));
            // What it has said already is announced by the watch.
            match greeted.and_then(|()| Ok(event_loop.watch_readable(&channel, CALLERS + self.last)?)) {
                Ok(()) => drop(self.ends.insert(self.last, channel)),
                Err(error) => log::error!("a caller cannot be served: {error}"),
            }
        }
    }

    fn next_call(&mut self) -> Option<CallerChannel> {
        for (role, answering, ringing) in &mut self.doors {
            while *ringing {
                match answering.answer() {
                    Ok(Some((call, channel))) if call.role == *role => return Some(channel),
                    Ok(Some((call, _))) => log::warn!("a call from {} came where {role} calls", call.role),
                    Ok(None) => *ringing = false,
                    Err(error) => {
                        log::error!("rendezvous with {role}: {error}");
                        break;
                    }
                }
            }
        }
        None
    }

    /// Reads what a caller says; one that has gone is forgotten.
    pub(super) fn hear(&mut self, caller: usize, event_loop: &EventLoop) -> Heard {
        let Some(channel) = self.ends.get_mut(&caller) else { return Heard::default() };
        let heard = match channel.receive() {
            Ok(batch) => Heard {
                messages: batch.messages.into_iter().map(|received| received.message).collect(),
                ended: batch.ended,
            },
            Err(error) => {
                log::warn!("a caller: {error}");
                Heard { messages: Vec::new(), ended: true }
            }
        };
        if heard.ended
            && let Some(channel) = self.ends.remove(&caller)
        {
            event_loop.forget(&channel);
        }
        heard
    }

    /// Collects a word to a caller, if it is still there.
    pub(super) fn tell(&mut self, caller: usize, message: &FromAuthd) {
        if let Some(channel) = self.ends.get_mut(&caller)
            && let Err(error) = channel.send(message)
        {
            log::warn!("a caller: {error}");
        }
    }

    /// Collects the list of mechanisms for everybody.
    pub(super) fn tell_all(&mut self, mechanisms: &[String]) {
        let callers: Vec<usize> = self.ends.keys().copied().collect();
        for caller in callers {
            self.tell(caller, &FromAuthd::Mechanisms(mechanisms.to_vec()));
        }
    }

    /// Writes what was collected.
    pub(super) fn flush(&mut self) {
        for channel in self.ends.values_mut().filter(|channel| !channel.is_flushed()) {
            // A caller that is gone is seen when it is read from.
            let _its_end_is_told = channel.flush();
        }
    }

    /// Everything is with the kernel.
    pub(super) fn is_flushed(&self) -> bool {
        self.ends.values().all(Channel::is_flushed)
    }

    /// When a channel that was full is written to again.
    pub(super) fn next_flush(&self, now: u64) -> Option<u64> {
        self.ends.values().filter_map(|channel| channel.next_flush(now)).min()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}
