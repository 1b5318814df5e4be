//! The channel to the router: questions that are open, and asking them again when the router restarts.
//!
//! A session has one question open at most. When the channel ends, a new one is made after a short wait, and every open
//! question is asked again; how long a question may stay open is the session's decision.

use farm::channel::{Channel, ChannelError};
use farm::event_loop::EventLoop;
use farm::profile::{self, Begun, Operation};
use ipc::routing::{Answer, FromRouter, Question};
use std::collections::HashMap;
use std::fmt;

/// The channel as this end sees it.
pub(super) type RouterChannel = Channel<Question, FromRouter>;

/// Makes a channel to the router.
pub(super) type Connect = Box<dyn FnMut() -> Result<RouterChannel, ChannelError>>;

/// The first wait before a new channel is made, and the longest, in milliseconds.
const BACKOFF: (u64, u64) = (20, 1000);

/// A question that waits for its answer, and the seat of the session that asked.
#[derive(Debug)]
struct Open {
    seat: usize,
    question: Question,
    begun: Begun,
}

/// An answer and the seat it is for.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) seat: usize,
    /// What was asked.
    pub(super) question: Question,
    pub(super) answer: Answer,
}

/// The way to the router.
pub(super) struct RouterLink {
    connect: Connect,
    channel: Option<RouterChannel>,
    open: HashMap<u64, Open>,
    backoff: u64,
    retry_at: u64,
    /// When it was last tended.
    now: u64,
    token: usize,
}

impl RouterLink {
    /// A way to the router that is not connected yet; its channel will be watched under `token`.
    pub(super) fn new(connect: Connect, token: usize) -> Self {
        Self { connect, channel: None, open: HashMap::new(), backoff: BACKOFF.0, retry_at: 0, now: 0, token }
    }

    /// Asks. The answer will bear the session's number and the ticket of the question.
    pub(super) fn ask(&mut self, seat: usize, session: u64, question: Question) {
        if let Some(channel) = &mut self.channel {
            let _its_end_is_told = channel.send(&question);
        }
        self.open.insert(session, Open { seat, question, begun: profile::begin() });
    }

    /// The session does not wait any more.
    pub(super) fn withdraw(&mut self, session: u64) {
        if self.open.remove(&session).is_some()
            && let Some(channel) = &mut self.channel
        {
            let _its_end_is_told = channel.send(&Question::Withdraw { session });
        }
    }

    /// Makes a channel if there is none and the wait is over, and asks everything that is open.
    pub(super) fn tend(&mut self, event_loop: &EventLoop, now: u64) {
        self.now = now;
        if self.channel.is_some() || now < self.retry_at {
            return;
        }
        let made = (self.connect)().and_then(|channel| {
            event_loop.watch_readable(&channel, self.token)?;
            Ok(channel)
        });
        match made {
            Ok(mut channel) => {
                for open in self.open.values() {
                    let _its_end_is_told = channel.send(&open.question);
                }
                self.channel = Some(channel);
            }
            Err(e) => {
                log::warn!("router: {e}");
                self.wait(now);
            }
        }
    }

    /// When there is something to do: [`RouterLink::tend`] without a channel, [`RouterLink::flush`] with one that was full.
    /// That there is room again is not announced: it would wake both ends with every word that is read.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        match &self.channel {
            None => Some(self.retry_at),
            Some(channel) => channel.next_flush(self.now),
        }
    }

    /// Takes the answers that have come; `false` if that was the end of the channel.
    pub(super) fn hear(&mut self, event_loop: &EventLoop, now: u64, told: &mut Vec<Told>) -> bool {
        let Some(channel) = &mut self.channel else { return true };
        let (messages, ended) = match channel.receive() {
            Ok(batch) => (batch.messages, batch.ended),
            Err(e) => {
                log::error!("router: {e}");
                (Vec::new(), true)
            }
        };
        for received in messages {
            self.backoff = BACKOFF.0;
            if let FromRouter::Answer(answer) = received.message {
                told.extend(self.settle(answer));
            }
        }
        if ended {
            if let Some(channel) = self.channel.take() {
                event_loop.forget(&channel);
            }
            self.wait(now);
        }
        !ended
    }

    /// Writes what was collected in this turn.
    pub(super) fn flush(&mut self) {
        if let Some(channel) = self.channel.as_mut().filter(|channel| !channel.is_flushed()) {
            let _its_end_is_told = channel.flush();
        }
    }

    /// Finds the question of an answer. A late one, to a question that its session has given up, finds none.
    fn settle(&mut self, answer: Answer) -> Option<Told> {
        let open = self.open.get(&answer.session)?;
        let Question::Recipient { ticket, .. } = open.question else { return None };
        if ticket != answer.ticket {
            return None;
        }
        let Open { seat, question, begun } = self.open.remove(&answer.session)?;
        begun.end(Operation::Ask);
        Some(Told { seat, question, answer })
    }

    fn wait(&mut self, now: u64) {
        self.retry_at = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
    }
}

impl fmt::Debug for RouterLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connected = self.channel.is_some();
        f.debug_struct("RouterLink").field("connected", &connected).field("open", &self.open.len()).finish()
    }
}
