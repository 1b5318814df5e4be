//! BDAT: content that is counted instead of ended.
//!
//! A chunk that is refused is swallowed to its last octet before it is answered, since what follows it is the next
//! command (RFC 3030 section 4.2). A transaction in which one was refused takes no further content: whatever a client
//! has sent behind it must not pass for the whole message.
//!
//! Source: RFC 3030 sections 2 and 4.

use super::pace::Pace;
use super::receiving::{Received, Receiving};
use super::states::{Effect, Scene, State};
use super::transacting::Transacting;
use super::{Close, replies};
use crate::reply::Reply;

/// So many octets more than a whole message may be swallowed; a client that brings more is sent away.
pub(super) const FLOOD: u64 = 16 << 20;

/// A chunk as its command announces it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    pub(super) size: u64,
    pub(super) last: bool,
}

/// A transaction that gets its content in chunks.
#[derive(Debug)]
pub(super) struct Chunking {
    pub(super) receiving: Receiving,
    chunk: Announced,
    /// Octets of this chunk that have not come yet.
    left: u64,
    /// The answer to this chunk, if it is refused whatever it holds.
    refusal: Option<Reply>,
    /// A chunk was refused.
    broken: bool,
    /// A draft is open.
    draft: bool,
    swallowed: u64,
}

/// What follows from the octets of a chunk.
#[derive(Debug)]
pub(super) enum Progress<'a> {
    Need,
    Body(&'a [u8]),
    Abort,
    /// The chunk is complete.
    Whole,
}

impl Chunking {
    /// The first chunk; its draft is open.
    pub(super) fn first(before: Transacting, chunk: Announced, scene: &Scene<'_>) -> State {
        let mut state = Self::empty(before, scene);
        state.draft = true;
        state.begin(chunk, scene)
    }

    /// The first chunk, and it is refused with this reply.
    pub(super) fn refused(before: Transacting, chunk: Announced, reply: Reply, scene: &Scene<'_>) -> State {
        let mut state = Self::empty(before, scene);
        state.refusal = Some(reply);
        state.begin(chunk, scene)
    }

    fn empty(before: Transacting, scene: &Scene<'_>) -> Self {
        let Transacting { client, transaction } = before;
        let receiving = Receiving::in_chunks(client, transaction, scene.now);
        let chunk = Announced { size: 0, last: false };
        Self { receiving, chunk, left: 0, refusal: None, broken: false, draft: false, swallowed: 0 }
    }

    /// A BDAT in this transaction.
    pub(super) fn begin(mut self, chunk: Announced, scene: &Scene<'_>) -> State {
        let limit = scene.config.limits().message_size;
        (self.chunk, self.left) = (chunk, chunk.size);
        self.receiving.pace = Pace::new(scene.now);
        if self.broken && self.refusal.is_none() {
            self.refusal = Some(replies::broken_chunks());
        }
        if self.refusal.is_none() && self.receiving.size().saturating_add(chunk.size) > limit {
            self.refusal = Some(replies::too_large(self.receiving.size().saturating_add(chunk.size), limit));
        }
        if self.refusal.is_some() {
            self.swallowed = self.swallowed.saturating_add(chunk.size);
            if self.swallowed > limit.saturating_add(FLOOD) {
                return State::Closing(Close::Flood);
            }
        }
        State::Chunking(Box::new(self))
    }

    /// Takes octets of the chunk and not one further; also says how many are used up.
    pub(super) fn advance<'a>(&mut self, input: &'a [u8], limit: u64) -> (usize, Progress<'a>) {
        if self.refusal.is_some() && std::mem::take(&mut self.draft) {
            return (0, Progress::Abort);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let window = input.get(..left).unwrap_or(input);
        if self.refusal.is_some() {
            self.left -= count(window);
            self.receiving.pace.note(window.len());
            return (window.len(), if self.left == 0 { Progress::Whole } else { Progress::Need });
        }
        let (used, received) = self.receiving.advance(window, limit);
        self.left -= count(window.get(..used).unwrap_or_default());
        let progress = match received {
            Received::Body(content) => Progress::Body(content),
            Received::Abort => self.abort(),
            Received::Need if self.left > 0 => Progress::Need,
            Received::Need if self.chunk.last => return self.finish(used, limit),
            Received::Need | Received::End => Progress::Whole,
        };
        (used, progress)
    }

    /// All octets of the last chunk are here; its last line may lack its end.
    fn finish<'a>(&mut self, used: usize, limit: u64) -> (usize, Progress<'a>) {
        match self.receiving.finish(limit) {
            Received::Body(rest) => (used, Progress::Body(rest)),
            Received::Abort => (used, self.abort()),
            Received::Need | Received::End => (used, Progress::Whole),
        }
    }

    fn abort<'a>(&mut self) -> Progress<'a> {
        self.draft = false;
        Progress::Abort
    }

    /// The chunk is complete: what follows, and what is said or done.
    pub(super) fn whole(mut self, scene: &Scene<'_>) -> (State, Effect) {
        let refusal = self.refusal.take().or_else(|| self.receiving.refusal());
        match refusal {
            Some(reply) if self.chunk.last => self.receiving.refuse(reply, scene),
            Some(reply) => {
                self.broken = true;
                (State::Between(Box::new(self)), Effect::Refuse(reply))
            }
            None if self.chunk.last => self.receiving.complete(scene),
            None => {
                let reply = replies::chunk(self.chunk.size);
                let effect = if self.chunk.size == 0 { Effect::Idle(reply) } else { Effect::Reply(reply) };
                (State::Between(Box::new(self)), effect)
            }
        }
    }

    /// The transaction is given up before its last chunk; `reply` is said after the draft is dropped, if there is one.
    pub(super) fn give_up(self, reply: Reply) -> Effect {
        if self.draft { Effect::Drop(reply) } else { Effect::Idle(reply) }
    }
}

/// A chunk that belongs to no transaction.
#[derive(Debug)]
pub(super) struct Swallowing {
    pub(super) before: State,
    left: u64,
    reply: Reply,
    pub(super) pace: Pace,
}

impl Swallowing {
    /// `reply` is said once all octets are swallowed.
    pub(super) fn begin(before: State, chunk: Announced, reply: Reply, scene: &Scene<'_>) -> State {
        if chunk.size > scene.config.limits().message_size.saturating_add(FLOOD) {
            return State::Closing(Close::Flood);
        }
        State::Swallowing(Box::new(Self { before, left: chunk.size, reply, pace: Pace::new(scene.now) }))
    }

    /// How many octets are used up, and whether that is all of them.
    pub(super) fn advance(&mut self, input: &[u8]) -> (usize, bool) {
        let used = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
        self.left -= count(input.get(..used).unwrap_or_default());
        self.pace.note(used);
        (used, self.left == 0)
    }

    pub(super) fn end(self) -> (State, Reply) {
        (self.before, self.reply)
    }
}

fn count(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}
