//! The way to the resolver: questions, each with whom it is for, asked again when it restarts.
//!
//! The channel is made with the first question. Every question is answered: by the resolver, or after a while by us.

use crate::channel::{Channel, ChannelError};
use crate::event_loop::EventLoop;
use ipc::resolve::{Ask, Query, Reply, Resolved};
use std::collections::{HashMap, VecDeque};

/// Calls the resolver: makes a new channel to it.
pub type Dial = Box<dyn Fn() -> Result<Channel<Query, Reply>, ChannelError>>;

/// The way to the resolver; `W` says for whom a question is.
pub struct Resolver<W> {
    dial: Dial,
    channel: Option<Channel<Query, Reply>>,
    token: usize,
    call_at: u64,
    last: u64,
    open: HashMap<u64, Question<W>>,
    /// Questions that may be open at once; beyond, they are answered at once, so that no flood costs memory.
    most: usize,
    /// Until when each is waited for, oldest first; some are answered already.
    waits: VecDeque<(u64, u64)>,
    /// Too many were open to ask these.
    refused: Vec<Question<W>>,
}

/// What is asked.
#[derive(Debug)]
struct Question<W> {
    who: W,
    ask: Ask,
}

/// What came of a question.
#[derive(Debug)]
pub struct Answer<W> {
    /// For whom it was asked.
    pub who: W,
    /// What was asked.
    pub ask: Ask,
    /// What is known now.
    pub result: Resolved,
}

/// Pause between two calls, in milliseconds.
const PAUSE: u64 = 100;

/// How long a question may take, in milliseconds: longer than the resolver takes at most with its default settings.
const PATIENCE: u64 = 60_000;

impl<W> Resolver<W> {
    /// A way with no channel yet, which will be watched under `token`; at most `most` questions are open at once.
    pub fn new(dial: Dial, token: usize, most: usize) -> Self {
        let (open, waits, refused) = (HashMap::new(), VecDeque::new(), Vec::new());
        Self { dial, channel: None, token, call_at: 0, last: 0, open, most, waits, refused }
    }

    /// Asks.
    pub fn ask(&mut self, who: W, ask: Ask, now: u64) {
        let question = Question { who, ask };
        if self.open.len() >= self.most {
            return self.refused.push(question);
        }
        self.last += 1;
        if let Some(channel) = &mut self.channel {
            send(channel, self.last, &question.ask);
        }
        self.open.insert(self.last, question);
        self.waits.push_back((now + PATIENCE, self.last));
    }

    /// Reads what came.
    pub fn receive(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Answer<W>> {
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
        let mut answer =
            |reply: Reply| self.open.remove(&reply.ticket).map(|question| question.answered(reply.result));
        replies.into_iter().filter_map(|received| answer(received.message)).collect()
    }

    /// Calls the resolver if it is due, sends what was asked, and answers what has waited too long.
    pub fn tick(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Answer<W>> {
        self.call(event_loop, now);
        if self.channel.as_mut().is_some_and(|channel| channel.flush().is_err()) {
            self.hang_up(event_loop, now);
        }
        let refused = std::mem::take(&mut self.refused).into_iter();
        let mut late: Vec<Answer<W>> =
            refused.map(|question| question.unanswered("too many questions are open")).collect();
        while let Some((by, ticket)) = self.waits.front().copied() {
            let answered = !self.open.contains_key(&ticket);
            if by > now && !answered {
                break;
            }
            self.waits.pop_front();
            let question = self.open.remove(&ticket);
            late.extend(
                question.map(|question| question.unanswered("the resolver of Grange does not answer")),
            );
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
                self.open.iter().for_each(|(&ticket, question)| send(channel, ticket, &question.ask));
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
    pub fn deadline(&self) -> Option<u64> {
        let &(by, _) = self.waits.front()?;
        let call = !self.open.is_empty() && self.channel.is_none();
        Some(if call { by.min(self.call_at) } else { by })
    }
}

impl<W> Question<W> {
    fn answered(self, result: Resolved) -> Answer<W> {
        Answer { who: self.who, ask: self.ask, result }
    }

    fn unanswered(self, why: &str) -> Answer<W> {
        self.answered(Resolved::Temporary { why: why.to_owned() })
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

    const MOST: usize = 100;

    #[test]
    fn beyond_a_number_of_open_questions_the_next_is_answered_at_once_and_none_is_kept_for_ever() {
        let event_loop = EventLoop::new().unwrap();
        let nobody = || Err(ChannelError::Io(io::ErrorKind::ConnectionRefused.into()));
        let mut resolver = Resolver::new(Box::new(nobody), 1, MOST);
        for number in 0..=u32::try_from(MOST).unwrap() {
            resolver.ask(number, Ask::Name(std::net::Ipv4Addr::from_bits(number).into()), 0);
        }
        let late = resolver.tick(&event_loop, 0);
        let [Answer { who, result: Resolved::Temporary { .. }, .. }] = &late[..] else { panic!("{late:?}") };
        assert_eq!(usize::try_from(*who).unwrap(), MOST, "the last one");
        assert_eq!(resolver.tick(&event_loop, PATIENCE).len(), MOST);
        assert_eq!((resolver.open.len(), resolver.waits.len(), resolver.deadline()), (0, 0, None));
    }
}
