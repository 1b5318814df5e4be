//! One session's place in a worker: its socket, what was read and not used up, what is still to be written.
//!
//! Readiness is edge-triggered, so `readable` stays set until a read would block, or gives less than it had room for while
//! the client's end is open: what comes later is announced anew. A seat with output that the socket
//! does not take reads nothing until it is written; so a client that never reads costs one reply.
//!
//! A handshake takes its turns before the conversation gets any octet; see `securing.rs` for what follows from it.

use super::conversation::{Conversation, Pause};
use super::desk::Desk;
use super::socket::{Failure, Got, Socket};
use farm::event_loop::Ready;
use std::io;
use tls::Session;

/// Octets read for one session before the others get their turn.
pub(super) const TURN: usize = 64 << 10;

/// Why a session ends whose handshake came to nothing.
const HANDSHAKE: &str = "tls-handshake";

/// How long a client may leave our words unread, in milliseconds; no longer than it may take for a command.
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

/// How far a handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Securing {
    /// The client is invited once our words are sent.
    Invited,
    /// It is under way.
    Shaking {
        /// The greeting follows it.
        greets: bool,
    },
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
    securing: Option<Securing>,
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
            securing: None,
            write_by: None,
            closing: None,
            lost: None,
        }
    }

    /// The client begins with a handshake.
    pub(super) fn begin_secured(&mut self, tls: Session, greets: bool) {
        self.socket.secure(tls);
        self.securing = Some(Securing::Shaking { greets });
    }

    /// Its next turn belongs to a handshake, which costs more than other turns.
    pub(super) fn is_securing(&self) -> bool {
        self.securing.is_some()
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
        } else if self.securing.is_some()
            && self.conversation.session.deadline().is_some_and(|by| by <= desk.now.mono)
        {
            self.conversation.alert = "the client did not finish it in time".into();
            self.lose(HANDSHAKE);
        } else if self.lost.is_none() && self.closing.is_none() {
            self.conversation.expire(desk);
        }
    }

    /// One turn: writes, reads and converses, as far as that is possible and fair.
    pub(super) fn serve(&mut self, desk: &mut Desk, buffer: &mut [u8]) -> After {
        self.write(desk);
        let after = if self.closing.is_some() || self.lost.is_some() || self.write_by.is_some() {
            After::Wait
        } else if self.securing.is_some() {
            self.shake(desk, buffer)
        } else {
            self.converse(desk, buffer)
        };
        self.write(desk);
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
                Pause::Secure => {
                    let injected = filled - used + self.socket.swallow();
                    if injected > 0 {
                        self.conversation.injected(desk, injected);
                    }
                    self.securing = Some(Securing::Invited);
                    return After::Again;
                }
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
            let got = self.read(buffer.get_mut(filled..).unwrap_or_default());
            (filled, read) = (filled + got.octets, read + got.network);
        };
        self.held.extend_from_slice(buffer.get(used..filled).unwrap_or_default());
        after
    }

    /// Goes on with a handshake; when it is over, the conversation begins at once.
    fn shake(&mut self, desk: &mut Desk, buffer: &mut [u8]) -> After {
        if self.securing == Some(Securing::Invited) {
            let Some(tls) = desk.house.tls_session() else {
                self.closing = Some(HANDSHAKE);
                return After::Wait;
            };
            self.begin_secured(tls, false);
        }
        let mut read = 0;
        while self.readable && self.closing.is_none() {
            read += self.read(&mut []).network;
            let shaken = self.socket.tls().filter(|tls| !tls.is_handshaking());
            if let (Some(tls), Some(Securing::Shaking { greets })) = (shaken, self.securing) {
                self.conversation.secured(desk, tls, greets);
                self.readable |= tls.has_more();
                self.securing = None;
                return self.converse(desk, buffer);
            }
            if read >= TURN {
                return After::Again;
            }
        }
        After::Wait
    }

    /// Reads behind what is there. At the end and on an error the connection counts as lost.
    fn read(&mut self, room: &mut [u8]) -> Got {
        let why = match self.socket.read(room) {
            Ok(got) => {
                self.readable = got.more || self.ended && got.network > 0;
                return got;
            }
            Err(Failure::Tls(broken)) => {
                self.conversation.alert = broken.to_string();
                "tls-error"
            }
            // What the client has been told is still sent.
            Err(Failure::Ended) => "eof",
            Err(Failure::Network) => "error",
        };
        if self.securing.is_some() && self.conversation.alert.is_empty() {
            self.conversation.alert = "the client went away".into();
        }
        self.closing = Some(if self.securing.is_some() { HANDSHAKE } else { why });
        self.readable = false;
        Got::default()
    }

    fn write(&mut self, desk: &Desk) {
        let mut written = 0;
        if let Err(error) = self.socket.flush()
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.lost = Some(self.broken());
        }
        let why = self.broken();
        let output = &self.conversation.output;
        while let Some(rest) = output.get(written..).filter(|rest| !rest.is_empty() && self.lost.is_none()) {
            match self.socket.write(rest) {
                Ok(0) => self.lost = Some(why),
                Ok(octets) => written += octets,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.lost = Some(why),
            }
        }
        let done = written == self.conversation.output.len();
        if self.lost.is_some() || done && self.socket.is_flushed() {
            // An idle session holds no buffer.
            self.conversation.output = Vec::new();
            self.write_by = None;
        } else {
            self.conversation.output.drain(..written);
            // However slowly it is taken: nothing is added meanwhile, so the wait has an end.
            let patience = PATIENCE.min(desk.house.config.limits().command_wait);
            self.write_by.get_or_insert(desk.now.mono + patience);
        }
    }

    /// The word for a connection to which nothing can be written.
    fn broken(&self) -> &'static str {
        if self.securing.is_some() { HANDSHAKE } else { "error" }
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
