//! The socket of a connection, in plain text or under TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use tls::Session;

/// The socket, and the TLS session that stands between it and everything else.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// A session for some connections only; a box, so that the others are small.
    secure: Option<Box<Session>>,
}

impl Wire {
    /// In plain text.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, secure: None }
    }

    /// The socket, to be watched.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Begins the handshake.
    pub(super) fn secure(&mut self, session: Session) {
        self.secure = Some(Box::new(session));
    }

    /// The TLS session.
    pub(super) fn session(&self) -> Option<&Session> {
        self.secure.as_deref()
    }

    /// Whether the handshake is under way.
    pub(super) fn is_handshaking(&self) -> bool {
        self.secure.as_ref().is_some_and(|session| session.is_handshaking())
    }

    /// Writes, and says how many octets are taken care of, and whether the socket has room for more.
    ///
    /// # Errors
    /// As the socket says; `WouldBlock` if nothing was taken.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<(usize, bool)> {
        let Some(session) = &mut self.secure else {
            let written = self.stream.write(octets)?;
            // Whatever a stream socket does not take, it has no room for; it says when it has again.
            return Ok((written, written == octets.len()));
        };
        let taken = session.write(octets);
        let room = self.flush()?;
        if taken == 0 && !room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok((taken, room)) }
    }

    /// Sends what the TLS session has to say; `false` if the socket has no room for all of it.
    ///
    /// # Errors
    /// As the socket says.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Some(session) = self.secure.as_mut().filter(|session| session.wants_to_send()) else {
            return Ok(true);
        };
        match session.send(&mut self.stream) {
            Ok(()) => Ok(!session.wants_to_send()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether everything that was written is out.
    pub(super) fn is_flushed(&self) -> bool {
        self.secure.as_ref().is_none_or(|session| !session.wants_to_send())
    }

    /// Reads from the socket into `room`: octets of the server, or, under TLS, nothing yet: see [`Wire::decrypt`].
    ///
    /// # Errors
    /// As the socket says.
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.stream.read(room)
    }

    /// Gives what was read to the TLS session.
    pub(super) fn receive(&mut self, octets: &[u8]) {
        if let Some(session) = &mut self.secure {
            session.receive(octets);
        }
    }

    /// Octets of the server out of the TLS session; 0 if there are none yet.
    ///
    /// # Errors
    /// The session is broken; its words. The server is told so.
    pub(super) fn decrypt(&mut self, room: &mut [u8]) -> Result<usize, String> {
        let Some(session) = &mut self.secure else { return Ok(0) };
        let read = session.read(room).map_err(|broken| broken.to_string());
        if let Err(error) = self.flush() {
            log::debug!("TLS: {error}");
        }
        read
    }

    /// Tells the server that nothing more comes, under TLS; as far as there is room for it.
    pub(super) fn close(&mut self) {
        if let Some(session) = &mut self.secure {
            session.close();
            if let Err(error) = session.send(&mut self.stream) {
                log::debug!("TLS: {error}");
            }
        }
    }
}
