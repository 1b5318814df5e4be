//! Accepting: bounded per turn, and pausing when the system runs short of something.

use super::admission::TurnedAway;
use super::custody::client_of;
use super::run::Master;
use farm::event_loop::EventLoop;
use farm::journal::ProgramEvent;
use farm::profile::{self, Operation};
use ipc::smtp_worker::{Connection, Peer};
use ipc::supervisor::Listener;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// Connections accepted from one listener before the others and the workers get their turn.
const PER_TURN: usize = 64;

/// How long accepting pauses when descriptors or memory run short, in milliseconds.
const PAUSE: u64 = 250;

/// A listening socket of either kind.
pub(super) enum Socket {
    Network(TcpListener),
    Local(UnixListener),
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Network(socket) => socket.as_raw_fd(),
            Self::Local(socket) => socket.as_raw_fd(),
        }
    }
}

/// A listening socket and its name.
pub(super) struct Door {
    pub(super) name: String,
    pub(super) socket: Socket,
    /// Connections may wait there: the edge has been seen and not used up.
    pub(super) open: bool,
}

impl Door {
    pub(super) fn new(listener: Listener, descriptor: OwnedFd) -> Self {
        let socket = if listener.local {
            Socket::Local(UnixListener::from(descriptor))
        } else {
            Socket::Network(TcpListener::from(descriptor))
        };
        Self { name: listener.name, socket, open: false }
    }

    /// Accepts no more from here; the supervisor may keep its duplicate.
    pub(super) fn close(self, event_loop: &EventLoop) {
        event_loop.forget(&self.socket);
    }
}

/// An accepted connection.
enum Stream {
    Network(TcpStream),
    Local(UnixStream),
}

impl Stream {
    fn turn_away(&mut self, why: TurnedAway) {
        // One small write to a fresh connection; if even that would block, closing is answer enough.
        let _closing_is_answer_enough = match self {
            Self::Network(stream) => {
                stream.set_nonblocking(true).and_then(|()| stream.write(why.reply().as_bytes()))
            }
            Self::Local(stream) => {
                stream.set_nonblocking(true).and_then(|()| stream.write(why.reply().as_bytes()))
            }
        };
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Network(stream) => stream.into(),
            Stream::Local(stream) => stream.into(),
        }
    }
}

fn accept(socket: &Socket) -> io::Result<(Stream, Peer)> {
    match socket {
        Socket::Network(listener) => {
            let (stream, address) = listener.accept()?;
            Ok((Stream::Network(stream), Peer::Network(address)))
        }
        Socket::Local(listener) => {
            let (stream, _) = listener.accept()?;
            let uid = sys::user::peer_user(&stream)?;
            Ok((Stream::Local(stream), Peer::Local { uid }))
        }
    }
}

impl Master {
    /// Accepts from every listener at which connections may wait.
    pub(super) fn accept_all(&mut self) {
        for index in 0..self.doors.len() {
            for _ in 0..PER_TURN {
                if self.paused.is_some() || self.draining || !self.has_room() || !self.accept_one(index) {
                    break;
                }
            }
        }
    }

    /// Somebody may wait, and nothing keeps us from accepting.
    pub(super) fn has_callers(&self) -> bool {
        !self.draining && self.paused.is_none() && self.has_room() && self.doors.iter().any(|door| door.open)
    }

    /// Accepts one; `false` when nobody waits any more.
    fn accept_one(&mut self, index: usize) -> bool {
        let Some(door) = self.doors.get_mut(index).filter(|door| door.open) else { return false };
        let begun = profile::begin();
        match accept(&door.socket) {
            Ok((stream, peer)) => {
                let listener = door.name.clone();
                self.admit(stream, peer, listener);
                begun.end(Operation::Accept);
                true
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                door.open = false;
                false
            }
            // The client went away between its knock and our answer.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {
                true
            }
            Err(e) => {
                self.pause(&e.to_string());
                false
            }
        }
    }

    fn admit(&mut self, mut stream: Stream, peer: Peer, listener: String) {
        let client = client_of(&peer);
        if let Err(why) = self.admission.enter(client) {
            stream.turn_away(why);
            let client = client.map_or_else(|| "local".into(), |client| client.to_string());
            return self.note(ProgramEvent::TurnedAway { client: &client, why: why.limit() });
        }
        self.last_session += 1;
        let connection = Connection { session: self.last_session, peer, listener };
        self.pass(connection, stream.into());
    }

    /// Stops accepting for a moment; the connections wait in the kernel.
    pub(super) fn pause(&mut self, why: &str) {
        let now = self.event_loop.now().mono;
        if self.paused.is_none() {
            self.pause_began = now;
            self.note(ProgramEvent::Paused { why });
        }
        self.paused = Some(now + PAUSE);
    }

    /// Resumes when the moment is over.
    pub(super) fn resume(&mut self) {
        let now = self.event_loop.now().mono;
        if self.paused.is_some_and(|until| until <= now) {
            self.paused = None;
            self.note(ProgramEvent::Resumed { time: now - self.pause_began });
            // Those that could not be passed when it began.
            for (connection, descriptor) in std::mem::take(&mut self.waiting) {
                self.pass(connection, descriptor);
            }
        }
    }
}
