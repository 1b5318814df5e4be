//! The connection to a client, of either kind.

use ipc::smtp_worker::Peer;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// Octets of unread input that are thrown away before closing.
const SWALLOWED: usize = 64 << 10;

/// A non-blocking stream socket.
#[derive(Debug)]
pub(super) enum Socket {
    Network(TcpStream),
    Local(UnixStream),
}

impl Socket {
    /// Takes over the descriptor of an accepted connection.
    ///
    /// # Errors
    /// As `fcntl(2)`.
    pub(super) fn new(peer: &Peer, descriptor: OwnedFd) -> io::Result<Self> {
        match peer {
            Peer::Network(_) => {
                let stream = TcpStream::from(descriptor);
                stream.set_nonblocking(true)?;
                // Replies are written once per turn, so there is nothing to wait for. A connection that is reset
                // already refuses this; reading from it will tell.
                let _reading_will_tell = stream.set_nodelay(true);
                Ok(Self::Network(stream))
            }
            Peer::Local { .. } => {
                let stream = UnixStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Ok(Self::Local(stream))
            }
        }
    }

    /// Reads what has arrived; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let octets = match self {
                Self::Network(stream) => stream.read(buffer),
                Self::Local(stream) => stream.read(buffer),
            };
            match octets {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Writes as much as the socket takes.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        loop {
            let written = match self {
                Self::Network(stream) => stream.write(octets),
                Self::Local(stream) => stream.write(octets),
            };
            match written {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Says that nothing follows, and throws away what the client sent too much: closing a socket with unread input
    /// resets the connection, and the client would lose the last reply.
    pub(super) fn part(&mut self) {
        let _closing_follows = match self {
            Self::Network(stream) => stream.shutdown(Shutdown::Write),
            Self::Local(stream) => stream.shutdown(Shutdown::Write),
        };
        let mut buffer = [0; 4096];
        for _ in 0..SWALLOWED / buffer.len() {
            if !matches!(self.read(&mut buffer), Ok(octets) if octets > 0) {
                break;
            }
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Network(stream) => stream.as_raw_fd(),
            Self::Local(stream) => stream.as_raw_fd(),
        }
    }
}
