//! The way to the resolver: the questions of admission, asked again when it restarts.
//!
//! The channel is made with the first question. Every question is answered: by the resolver, or after a while by us.

use farm::channel::{Channel, ChannelError};
use farm::event_loop::EventLoop;
use ipc::resolve::{Ask, Query, Reply, Resolved};
use std::collections::{HashMap, VecDeque};

/// Calls the resolver: makes a new channel to it.
pub(super) type Dial = Box<dyn Fn() -> Result<Channel<Query, Reply>, ChannelError>>;

/// The way to the resolver.
pub(super) struct Resolver {
    dial: Dial,
    channel: Option<Channel<Query, Reply>>,
    token: usize,
    call_at: u64,
    last: u64,
    open: HashMap<u64, Ask>,
    /// Until when each is waited for, oldest first; some are answered already.
    waits: VecDeque<(u64, u64)>,
    /// Too many were open to ask these.
    refused: Vec<Ask>,
}

/// Questions that may be open at once; beyond, they are answered at once, so that no flood of clients costs memory.
const MOST_OPEN: usize = 65_536;

/// Pause between two calls, in milliseconds.
const PAUSE: u64 = 100;

/// How long a question may take, in milliseconds: longer than the resolver takes at most with its default settings.
/// Nobody waits so long; it bounds what is kept.
const PATIENCE: u64 = 60_000;

impl Resolver {
    pub(super) fn new(dial: Dial, token: usize) -> Self {
        let (open, waits, refused) = (HashMap::new(), VecDeque::new(), Vec::new());
        Self { dial, channel: None, token, call_at: 0, last: 0, open, waits, refused }
    }

    /// Asks.
    pub(super) fn ask(&mut self, ask: Ask, now: u64) {
        if self.open.len() >= MOST_OPEN {
            return self.refused.push(ask);
        }
        self.last += 1;
        if let Some(channel) = &mut self.channel {
            send(channel, self.last, &ask);
        }
        self.open.insert(self.last, ask);
        self.waits.push_back((now + PATIENCE, self.last));
    }

    /// Reads what came.
    pub(super) fn receive(&mut self, event_loop: &EventLoop, now: u64) -> Vec<(Ask, Resolved)> {
        let Some(channel) = &mut self.channel else { return Vec::new() };
        let (replies, ended) = match channel.receive() {
            Ok(batch) => (batch.messages, batch.ended),
            Err(error) => {
                log::warn!("resolver: {error}");
                (Vec::new(), true)
            }
        };
        if ended {
            self.hang_up(event_loop, now);
        }
        let mut answer = |reply: Reply| self.open.remove(&reply.ticket).map(|ask| (ask, reply.result));
        replies.into_iter().filter_map(|received| answer(received.message)).collect()
    }

    /// Calls the resolver if it is due, sends what was asked, and answers what has waited too long.
    pub(super) fn tick(&mut self, event_loop: &EventLoop, now: u64) -> Vec<(Ask, Resolved)> {
        self.call(event_loop, now);
        if self.channel.as_mut().is_some_and(|channel| channel.flush().is_err()) {
            self.hang_up(event_loop, now);
        }
        let unanswered = |why: &str| Resolved::Temporary { why: why.to_owned() };
        let refused = std::mem::take(&mut self.refused).into_iter();
        let mut late: Vec<(Ask, Resolved)> =
            refused.map(|ask| (ask, unanswered("too many questions are open"))).collect();
        while let Some((by, ticket)) = self.waits.front().copied() {
            let answered = !self.open.contains_key(&ticket);
            if by > now && !answered {
                break;
            }
            self.waits.pop_front();
            let ask = self.open.remove(&ticket);
            late.extend(ask.map(|ask| (ask, unanswered("the resolver of Grange does not answer"))));
        }
        late
    }

    fn call(&mut self, event_loop: &EventLoop, now: u64) {
        if self.channel.is_some() || self.open.is_empty() || now < self.call_at {
            return;
        }
        self.call_at = now + PAUSE;
        let made = (self.dial)().and_then(|channel| {
            event_loop.watch(&channel, self.token)?;
            Ok(channel)
        });
        match made {
            Ok(channel) => {
                let channel = self.channel.insert(channel);
                self.open.iter().for_each(|(&ticket, ask)| send(channel, ticket, ask));
            }
            Err(error) => log::debug!("no call to the resolver yet: {error}"),
        }
    }

    fn hang_up(&mut self, event_loop: &EventLoop, now: u64) {
        if let Some(channel) = self.channel.take() {
            event_loop.forget(&channel);
        }
        self.call_at = now + PAUSE;
    }

    /// When [`Resolver::tick`] has something to do although nothing happened.
    pub(super) fn deadline(&self) -> Option<u64> {
        let &(by, _) = self.waits.front()?;
        let call = !self.open.is_empty() && self.channel.is_none();
        Some(if call { by.min(self.call_at) } else { by })
    }
}

fn send(channel: &mut Channel<Query, Reply>, ticket: u64, ask: &Ask) {
    if let Err(error) = channel.send(&Query { ticket, ask: ask.clone() }) {
        log::error!("{ask:?} cannot be asked: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn beyond_a_number_of_open_questions_the_next_is_answered_at_once_and_none_is_kept_for_ever() {
        let event_loop = EventLoop::new().unwrap();
        let nobody = || Err(ChannelError::Io(io::ErrorKind::ConnectionRefused.into()));
        let mut resolver = Resolver::new(Box::new(nobody), 1);
        for number in 0..=u32::try_from(MOST_OPEN).unwrap() {
            resolver.ask(Ask::Name(std::net::Ipv4Addr::from_bits(number).into()), 0);
        }
        let late = resolver.tick(&event_loop, 0);
        assert!(matches!(&late[..], [(Ask::Name(_), Resolved::Temporary { .. })]), "{}", late.len());
        assert_eq!(resolver.tick(&event_loop, PATIENCE).len(), MOST_OPEN);
        assert_eq!((resolver.open.len(), resolver.waits.len(), resolver.deadline()), (0, 0, None));
    }
}
