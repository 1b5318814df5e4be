//! One caller: its channel, its questions, its answers.
//!
//! Invariants: every question that was read is answered once, unless the caller goes first; answers that are ready
//! together leave in one write; a caller with [`MOST_OPEN`] open questions, or one that does not read its answers, is
//! not read any more until that changes. It is never cut off for being busy.

use crate::office::{Answers, Office};
use crate::watch::{wait, watch};
use farm::channel::{Channel, ChannelError};
use ipc::resolve::{Query, Reply};
use std::io;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch::Receiver;

/// The channel to a caller.
pub type CallerChannel = Channel<Reply, Query>;

/// Open questions of one caller beyond which it is not read.
pub const MOST_OPEN: usize = 1_000;

/// Answers that are written together at most.
const BATCH: usize = 256;

/// Serves one caller until it goes; when `closing` becomes true, until its open questions are answered.
///
/// # Errors
/// Whatever is wrong with the channel. A caller that hangs up is no error.
pub async fn attend(
    channel: CallerChannel,
    office: Arc<Office>,
    mut closing: Receiver<bool>,
) -> Result<(), ChannelError> {
    let (answers, outbox) = unbounded_channel();
    let mut counter = Counter { channel: watch(channel)?, office, answers, outbox, open: 0 };
    loop {
        let closed = *closing.borrow_and_update();
        if closed && counter.is_idle() {
            return Ok(());
        }
        tokio::select! {
            goes_on = counter.turn(closed) => if !goes_on? { return Ok(()); },
            change = closing.changed() => if change.is_err() { return Ok(()); },
        }
    }
}

struct Counter {
    channel: AsyncFd<CallerChannel>,
    office: Arc<Office>,
    answers: Answers,
    outbox: UnboundedReceiver<Reply>,
    open: usize,
}

impl Counter {
    fn is_idle(&self) -> bool {
        self.open == 0 && self.channel.get_ref().is_flushed()
    }

    /// What is worth waiting for on the channel.
    fn interest(&self, closed: bool) -> Option<Interest> {
        if !self.channel.get_ref().is_flushed() {
            return Some(Interest::WRITABLE);
        }
        (!closed && self.open < MOST_OPEN).then_some(Interest::READABLE)
    }

    /// Waits for one thing and does it; false when the caller has gone. Nothing is lost when it is cancelled, since
    /// it waits only before it begins to do something.
    async fn turn(&mut self, closed: bool) -> Result<bool, ChannelError> {
        let interest = self.interest(closed);
        let mut ready_answers = Vec::new();
        tokio::select! {
            ready = wait(&self.channel, interest) => {
                let ready = ready?;
                if ready.is_writable() { self.write() } else { self.read() }
            }
            count = self.outbox.recv_many(&mut ready_answers, BATCH) => {
                self.open = self.open.saturating_sub(count);
                let channel = self.channel.get_mut();
                for reply in &ready_answers {
                    channel.send(reply)?;
                }
                self.write()
            }
        }
    }

    fn write(&mut self) -> Result<bool, ChannelError> {
        match self.channel.get_mut().flush() {
            Ok(()) => Ok(true),
            Err(ChannelError::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn read(&mut self) -> Result<bool, ChannelError> {
        let batch = self.channel.get_mut().receive()?;
        for received in batch.messages {
            self.open += 1;
            self.office.take(received.message, &self.answers);
        }
        Ok(!batch.ended)
    }
}
