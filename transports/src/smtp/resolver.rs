//! The way to the resolver: questions by host, asked again when it restarts.
//!
//! The channel is made with the first question. Every question is answered: by the resolver, or after a minute by us.

use crate::agent::Dial;
use farm::channel::Channel;
use farm::event_loop::EventLoop;
use ipc::resolve::{Ask, Query, Reply, Resolved};
use std::collections::HashMap;

/// The way to the resolver.
pub(super) struct Resolver {
    dial: Dial<Query, Reply>,
    channel: Option<Channel<Query, Reply>>,
    token: usize,
    call_at: u64,
    last: u64,
    open: HashMap<u64, Question>,
}

#[derive(Debug)]
struct Question {
    host: String,
    ask: Ask,
    by: u64,
}

/// An answer for a host.
pub(super) type Answer = (String, Resolved);

impl Resolver {
    pub(super) fn new(dial: Dial<Query, Reply>, token: usize) -> Self {
        Self { dial, channel: None, token, call_at: 0, last: 0, open: HashMap::new() }
    }

    /// Asks on behalf of a host.
    pub(super) fn ask(&mut self, host: &str, ask: Ask, now: u64) {
        self.last += 1;
        let question = Question { host: host.to_owned(), ask, by: now + PATIENCE };
        if let Some(channel) = &mut self.channel {
            send(channel, self.last, &question);
        }
        self.open.insert(self.last, question);
    }

    /// Reads what came.
    pub(super) fn receive(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Answer> {
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
        let answers = replies.into_iter().filter_map(|received| {
            let Reply { ticket, result } = received.message;
            self.open.remove(&ticket).map(|question| (question.host, result))
        });
        answers.collect()
    }

    /// Calls the resolver if it is due, sends what was asked, and answers what has waited too long.
    pub(super) fn tick(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Answer> {
        self.call(event_loop, now);
        if self.channel.as_mut().is_some_and(|channel| channel.flush().is_err()) {
            self.hang_up(event_loop, now);
        }
        let late: Vec<u64> =
            self.open.iter().filter(|(_, q)| q.by <= now).map(|(&ticket, _)| ticket).collect();
        let answer = |ticket: u64| {
            let why = "the resolver of Grange does not answer".to_owned();
            self.open.remove(&ticket).map(|question| (question.host, Resolved::Temporary { why }))
        };
        late.into_iter().filter_map(answer).collect()
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
                self.open.iter().for_each(|(&ticket, question)| send(channel, ticket, question));
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
        let by = self.open.values().map(|question| question.by).min()?;
        Some(if self.channel.is_none() { by.min(self.call_at) } else { by })
    }
}

fn send(channel: &mut Channel<Query, Reply>, ticket: u64, question: &Question) {
    if let Err(error) = channel.send(&Query { ticket, ask: question.ask.clone() }) {
        log::error!("a question for {} cannot be sent: {error}", question.host);
    }
}

/// Pause between two calls, in milliseconds.
const PAUSE: u64 = 100;

/// How long a question may take, in milliseconds: longer than the resolver takes at most with its default settings.
const PATIENCE: u64 = 60_000;
