//! One session's place in a worker: its socket, what was read and not used up, what is still to be written.
//!
//! Readiness is edge-triggered, so `readable` stays set until a read would block, or gives less than it had room for while
//! the client's end is open: what comes later is announced anew. A seat with output that the socket
//! does not take reads nothing until it is written; so a client that never reads costs one reply.

use super::conversation::{Conversation, Pause};
use super::desk::Desk;
use super::socket::Socket;
use farm::event_loop::Ready;
use std::io;

/// Octets read for one session before the others get their turn.
pub(super) const TURN: usize = 64 << 10;

/// How long a client may leave our words unread, in milliseconds.
const PATIENCE: u64 = 120_000;

/// What is to be done with a seat after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing until something happens.
    Wait,
    /// Another turn, after the others.
    Again,
    /// Its session is over, for this reason.
    Over(&'static str),
}

/// A session and its socket.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) conversation: Conversation,
    pub(super) socket: Socket,
    /// It is on the list of those who get a turn.
    pub(super) queued: bool,
    readable: bool,
    /// The client has closed its side: reading goes on until that shows.
    ended: bool,
    held: Vec<u8>,
    /// When output must have been taken.
    write_by: Option<u64>,
    /// The session is over once everything is sent.
    closing: Option<&'static str>,
    /// The connection is of no use any more; the session waits for the spool only.
    lost: Option<&'static str>,
}

impl Seat {
    pub(super) fn new(conversation: Conversation, socket: Socket) -> Self {
        Self {
            conversation,
            socket,
            queued: false,
            readable: false,
            ended: false,
            held: Vec::new(),
            write_by: None,
            closing: None,
            lost: None,
        }
    }

    /// The socket is ready.
    pub(super) fn note_ready(&mut self, event: Ready) {
        self.readable |= event.readable;
        self.ended |= event.ended;
    }

    /// When this seat must be looked at; `None` while our own side is sure to act.
    pub(super) fn deadline(&self) -> Option<u64> {
        if self.closing.is_some() || self.lost.is_some() {
            return self.write_by;
        }
        self.conversation.session.deadline().into_iter().chain(self.write_by).min()
    }

    /// The deadline has come.
    pub(super) fn expire(&mut self, desk: &mut Desk) {
        if self.write_by.is_some_and(|by| by <= desk.now.mono) {
            self.lose("timeout");
        } else if self.lost.is_none() && self.closing.is_none() {
            self.conversation.expire(desk);
        }
    }

    /// One turn: writes, reads and converses, as far as that is possible and fair.
    pub(super) fn serve(&mut self, desk: &mut Desk, buffer: &mut [u8]) -> After {
        self.write(desk.now.mono);
        let after = if self.closing.is_some() || self.lost.is_some() || self.write_by.is_some() {
            After::Wait
        } else {
            self.converse(desk, buffer)
        };
        self.write(desk.now.mono);
        self.settle(after)
    }

    fn settle(&mut self, after: After) -> After {
        if let Some(why) = self.lost {
            // The spool has the last word about a message that it has in its hands.
            return if self.conversation.handed.is_some() { After::Wait } else { After::Over(why) };
        }
        match self.closing {
            Some(why) if self.write_by.is_none() => After::Over(why),
            Some(_) => After::Wait,
            None if self.write_by.is_some() => After::Wait,
            None => after,
        }
    }

    fn converse(&mut self, desk: &mut Desk, buffer: &mut [u8]) -> After {
        let mut filled = take_held(&mut self.held, buffer);
        let (mut used, mut read) = (0, 0);
        let after = loop {
            let input = buffer.get(used..filled).unwrap_or_default();
            let progress = self.conversation.proceed(desk, input);
            used += progress.consumed;
            match progress.pause {
                Pause::Parked => break After::Wait,
                Pause::Turn => break After::Again,
                Pause::Over(why) => {
                    self.closing = Some(why);
                    break After::Wait;
                }
                Pause::Input if !self.readable => break After::Wait,
                Pause::Input if read >= TURN => break After::Again,
                Pause::Input => {}
            }
            buffer.copy_within(used..filled, 0);
            (filled, used) = (filled - used, 0);
            let more = self.read(buffer.get_mut(filled..).unwrap_or_default());
            (filled, read) = (filled + more, read + more);
        };
        self.held.extend_from_slice(buffer.get(used..filled).unwrap_or_default());
        after
    }

    /// Reads behind what is there. At the end and on an error the connection counts as lost.
    fn read(&mut self, room: &mut [u8]) -> usize {
        match self.socket.read(room) {
            // What the client has been told is still sent.
            Ok(0) => self.closing = Some("eof"),
            Ok(octets) => {
                self.readable = octets == room.len() || self.ended;
                return octets;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.closing = Some("error"),
        }
        self.readable = false;
        0
    }

    fn write(&mut self, now: u64) {
        let mut written = 0;
        let output = &self.conversation.output;
        while let Some(rest) = output.get(written..).filter(|rest| !rest.is_empty() && self.lost.is_none()) {
            match self.socket.write(rest) {
                Ok(0) => self.lost = Some("error"),
                Ok(octets) => written += octets,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.lost = Some("error"),
            }
        }
        if self.lost.is_some() || written == self.conversation.output.len() {
            // An idle session holds no buffer.
            self.conversation.output = Vec::new();
            self.write_by = None;
        } else if written > 0 || self.write_by.is_none() {
            self.conversation.output.drain(..written);
            self.write_by = Some(now + PATIENCE);
        }
    }

    fn lose(&mut self, why: &'static str) {
        self.lost = Some(why);
        self.write_by = None;
        self.conversation.output = Vec::new();
    }
}

/// Moves what is held to the front of the buffer, and says how much that is.
fn take_held(held: &mut Vec<u8>, buffer: &mut [u8]) -> usize {
    let held = std::mem::take(held);
    match buffer.get_mut(..held.len()) {
        Some(front) => {
            front.copy_from_slice(&held);
            held.len()
        }
        None => 0,
    }
}
