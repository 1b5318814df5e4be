//! The connection to a client, of either kind, in the clear or secured.
//!
//! Once it is secured, everything that is read and written goes through TLS; what waits to be sent behind that is the
//! socket's own affair, see [`Socket::flush`].

use ipc::smtp_worker::Peer;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use tls::{Broken, Session};

/// Octets of unread input that are thrown away before closing, or before a handshake.
const SWALLOWED: usize = 64 << 10;

/// Octets of a secured connection read at once.
const PORTION: usize = 16 << 10;

/// A non-blocking stream socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    tls: Option<Box<Session>>,
}

#[derive(Debug)]
enum Stream {
    Network(TcpStream),
    Local(UnixStream),
}

/// What a read gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Got {
    /// Octets that were put into the room; 0 is not the end.
    pub(super) octets: usize,
    /// Octets that came over the network for it.
    pub(super) network: usize,
    /// There may be more without another event.
    pub(super) more: bool,
}

/// Why nothing more can be read.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client has closed its side.
    Ended,
    /// The connection is broken.
    Network,
    /// What came is no good TLS.
    Tls(Broken),
}

impl Socket {
    /// Takes over the descriptor of an accepted connection.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub(super) fn new(peer: &Peer, descriptor: OwnedFd) -> io::Result<Self> {
        let stream = match peer {
            Peer::Network(_) => {
                let stream = TcpStream::from(descriptor);
                stream.set_nonblocking(true)?;
                // Replies are written once per turn, so there is nothing to wait for. A connection that is reset
                // already refuses this; reading from it will tell.
                let _reading_will_tell = stream.set_nodelay(true);
                Stream::Network(stream)
            }
            Peer::Local { .. } => {
                let stream = UnixStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Stream::Local(stream)
            }
        };
        Ok(Self { stream, tls: None })
    }

    /// From here on everything goes through this session, its handshake first.
    pub(super) fn secure(&mut self, session: Session) {
        self.tls = Some(Box::new(session));
    }

    /// The session that secures it.
    pub(super) fn tls(&self) -> Option<&Session> {
        self.tls.as_deref()
    }

    /// Reads what has arrived, in one portion. An empty `room` takes part in a handshake.
    ///
    /// # Errors
    /// Nothing more will come.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<Got, Failure> {
        let Some(session) = &mut self.tls else {
            let Some(octets) = read(&mut self.stream, room)? else { return Ok(Got::default()) };
            return Ok(Got { octets, network: octets, more: octets == room.len() });
        };
        if session.has_more() && !room.is_empty() {
            let octets = session.read(room).map_err(Failure::Tls)?;
            return Ok(Got { octets, network: octets, more: true });
        }
        if session.peer_has_closed() {
            return Err(Failure::Ended);
        }
        let mut portion = [0; PORTION];
        let Some(network) = read(&mut self.stream, &mut portion)? else { return Ok(Got::default()) };
        session.receive(portion.get(..network).unwrap_or_default());
        let octets = session.read(room).map_err(Failure::Tls)?;
        let more = network == PORTION || session.has_more() || session.peer_has_closed();
        Ok(Got { octets, network, more })
    }

    /// Takes what can be taken to be sent.
    ///
    /// # Errors
    /// As `write(2)`.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let Some(session) = &mut self.tls else {
            return retried(|| self.stream.write(octets));
        };
        session.send(&mut self.stream)?;
        let taken = session.write(octets);
        match session.send(&mut self.stream) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _rest_follows => Ok(taken),
        }
    }

    /// Sends what waits behind TLS.
    ///
    /// # Errors
    /// As `write(2)`; `WouldBlock` when some of it still waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.tls.as_mut().map_or(Ok(()), |session| session.send(&mut self.stream))
    }

    /// Nothing waits behind TLS.
    pub(super) fn is_flushed(&self) -> bool {
        !self.tls.as_ref().is_some_and(|session| session.wants_to_send())
    }

    /// Throws away what has arrived and was not read; gives the number of octets.
    pub(super) fn swallow(&mut self) -> usize {
        let mut buffer = [0; 4096];
        let mut swallowed = 0;
        while swallowed < SWALLOWED {
            match read(&mut self.stream, &mut buffer) {
                Ok(Some(octets)) => swallowed += octets,
                _nothing_more => break,
            }
        }
        swallowed
    }

    /// Says that nothing follows, and throws away what the client sent too much: closing a socket with unread input
    /// resets the connection, and the client would lose the last reply.
    pub(super) fn part(&mut self) {
        if let Some(session) = &mut self.tls {
            session.close();
            let _closing_follows = session.send(&mut self.stream);
        }
        let _closing_follows = match &self.stream {
            Stream::Network(stream) => stream.shutdown(Shutdown::Write),
            Stream::Local(stream) => stream.shutdown(Shutdown::Write),
        };
        self.swallow();
    }
}

/// One read; `None` if nothing has arrived.
fn read(stream: &mut Stream, room: &mut [u8]) -> Result<Option<usize>, Failure> {
    match retried(|| stream.read(room)) {
        Ok(0) => Err(Failure::Ended),
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(Failure::Network),
    }
}

fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Network(stream) => stream.read(room),
            Self::Local(stream) => stream.read(room),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Network(stream) => stream.write(octets),
            Self::Local(stream) => stream.write(octets),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Network(stream) => stream.write_vectored(parts),
            Self::Local(stream) => stream.write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match &self.stream {
            Stream::Network(stream) => stream.as_raw_fd(),
            Stream::Local(stream) => stream.as_raw_fd(),
        }
    }
}
