//! Accepting: bounded per turn, and pausing when the system runs short of something.

use super::admission::Refusal;
use super::run::Master;
use farm::event_loop::EventLoop;
use farm::journal::ProgramEvent;
use farm::profile::{self, Operation};
use ipc::smtp_worker::{Connection, Entrance, Peer};
use ipc::supervisor::Listener;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// Connections accepted from one listener before the others and the workers get their turn.
const PER_TURN: usize = 64;

/// How long accepting pauses when descriptors or memory run short, in milliseconds.
const PAUSE: u64 = 250;

/// Descriptors that we may need besides those of connections and workers.
const SPARE: u64 = 40;

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
    /// What it is for.
    pub(super) entrance: Entrance,
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
        Self { name: listener.name, entrance: listener.entrance, socket, open: false }
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
        if self.has_callers() {
            self.look_at_access();
        }
        for index in 0..self.doors.len() {
            for _ in 0..PER_TURN {
                if self.is_short() {
                    let why = format!("{} of {} descriptors are in use", self.descriptors(), self.open_files);
                    self.pause(&why);
                }
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
                let (listener, entrance) = (door.name.clone(), door.entrance);
                self.admit(stream, peer, listener, entrance);
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

    fn admit(&mut self, stream: Stream, peer: Peer, listener: String, entrance: Entrance) {
        let entered = self.admission.enter();
        self.last_session += u64::from(entered.is_ok());
        let connection = Connection { session: self.last_session, peer, listener, entrance, name: None };
        match (stream, entered) {
            (Stream::Network(stream), Ok(())) => self.receive(connection, stream),
            (Stream::Network(stream), Err(refusal)) => self.turn_away(connection, stream, &refusal),
            (Stream::Local(stream), Ok(())) => self.pass(connection, stream.into()),
            (Stream::Local(stream), Err(refusal)) => self.turn_away_local(&connection, &stream, &refusal),
        }
    }

    fn turn_away_local(&mut self, connection: &Connection, mut stream: &UnixStream, refusal: &Refusal) {
        // One small write to a fresh connection; if even that would block, closing is answer enough.
        let _closing_is_answer_enough =
            stream.set_nonblocking(true).and_then(|()| stream.write(&refusal.line()));
        self.note_turned_away("local", connection, refusal);
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

    /// Descriptors that connections and workers take.
    fn descriptors(&self) -> u64 {
        let used = self.held.len() + self.waiting.len() + 2 * self.custody.untaken() + self.workers.len();
        u64::try_from(used).unwrap_or(u64::MAX)
    }

    /// So many descriptors are in use that none is left for passing what is here.
    fn is_short(&self) -> bool {
        self.open_files > 0 && self.descriptors().saturating_add(SPARE) > self.open_files
    }

    /// Resumes when the moment is over and nothing is short any more.
    pub(super) fn resume(&mut self) {
        let now = self.event_loop.now().mono;
        if self.paused.is_none_or(|until| until > now) {
            return;
        }
        if self.is_short() {
            self.paused = Some(now + PAUSE);
            return;
        }
        self.paused = None;
        self.note(ProgramEvent::Resumed { time: now - self.pause_began });
    }
}
