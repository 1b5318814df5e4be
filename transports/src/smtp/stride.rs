//! A job in the stride of another: its commands go out with the end of data of the one before.
//!
//! It is *reserved* first: it waits behind the job under way. When the content of that one ends, its commands go out, too,
//! and it has *followed* when the server has answered the end of data. Until then it can be taken back; if its commands
//! are out, the connection ends in its place, and the server gets no content for them.

use super::connection::{Connection, Event};
use super::delivery::Delivery;
use super::outgoing::Outgoing;
use farm::profile;

/// A job behind the one under way.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) delivery: Delivery,
    /// Its content; taken when its turn has come.
    content: Option<Outgoing>,
    /// Its commands are on their way.
    sent: bool,
    /// When it goes elsewhere if its turn has not come.
    pub(super) by: u64,
}

impl Connection {
    /// Whether another job may wait here: the one under way has a short content and no job behind it, and the server
    /// pipelines.
    pub(super) fn has_room(&self) -> bool {
        let pipelines = self.session.as_ref().is_some_and(|session| session.features().pipelining);
        let short = self.delivery.as_ref().is_some_and(Delivery::is_short);
        pipelines && short && self.next.is_none() && !self.leaving && !self.closed && !self.is_spent()
    }

    /// Lets a job wait behind the one under way.
    pub(super) fn reserve(&mut self, delivery: Delivery, content: Outgoing, now: u64) {
        self.next = Some(Next { delivery, content: Some(content), sent: false, by: now + PATIENCE });
        if self.content.is_none() {
            self.stride(now);
        }
    }

    /// Sends the commands of the next job, if there is one and the session has come so far.
    pub(super) fn stride(&mut self, now: u64) {
        let Some((next, session)) = self.next.as_mut().zip(self.session.as_mut()) else { return };
        if session.takes_another()
            && let Some(content) = &next.content
            && let Ok(octets) = session.follow(next.delivery.transaction(content.shape(), now))
        {
            next.sent = true;
            self.output.push(&octets);
        }
    }

    /// The commands of the next job have their turn; of one that was taken back, nobody wants to know the replies.
    pub(super) fn followed(&mut self) {
        let next = self.next.as_mut().filter(|next| next.sent);
        self.content = next.and_then(|next| next.content.take());
        self.sending = false;
        self.closed |= self.content.is_none();
        self.events.push(Event::Followed);
    }

    /// The job whose turn has come.
    pub(super) fn promote(&mut self, now: u64) {
        if let Some(mut next) = self.next.take_if(|next| next.sent) {
            next.delivery.begun = profile::begin();
            self.delivery = Some(next.delivery);
            (self.since, self.strode) = (now, true);
            self.served += 1;
        }
    }

    /// Takes the next job back, to be delivered on an idle connection or elsewhere.
    pub(super) fn take_back(&mut self) -> Option<(Delivery, Option<Outgoing>)> {
        let next = self.next.take()?;
        self.leaving |= next.sent;
        Some((next.delivery, next.content))
    }
}

/// How long a job waits behind another before it goes elsewhere, in milliseconds.
const PATIENCE: u64 = 2_000;
