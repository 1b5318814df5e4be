//! A socket that waits, in plain text or under TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use tls::{Clock, Material, PemFile, PemPair, ServerContext, Session};

/// The sink's end.
pub(crate) enum Wire {
    Plain(TcpStream),
    Secret(TcpStream, Box<Session>),
}

impl Wire {
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(..))
    }

    /// Shakes hands.
    pub(crate) fn secure(self, context: &ServerContext) -> io::Result<Self> {
        let Self::Plain(mut stream) = self else { unreachable!("it is under TLS already") };
        let mut session = Box::new(context.session().unwrap());
        while session.is_handshaking() {
            fill(&mut stream, &mut session)?;
            let read = session.read(&mut []);
            session.send(&mut stream)?;
            read.map_err(io::Error::other)?;
        }
        Ok(Self::Secret(stream, session))
    }
}

/// Waits for octets from the network.
fn fill(stream: &mut TcpStream, session: &mut Session) -> io::Result<()> {
    let mut room = vec![0; 16 << 10];
    let octets = stream.read(&mut room)?;
    if octets == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    session.receive(&room[..octets]);
    Ok(())
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (stream, session) = match self {
            Self::Plain(stream) => return stream.read(room),
            Self::Secret(stream, session) => (stream, session),
        };
        loop {
            let octets = session.read(room).map_err(io::Error::other)?;
            session.send(stream)?;
            if octets > 0 || session.peer_has_closed() {
                return Ok(octets);
            }
            fill(stream, session)?;
        }
    }
}

impl Write for Wire {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(octets),
            Self::Secret(stream, session) => {
                let taken = session.write(octets);
                session.send(stream)?;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What serves under these names, and the certificate that proves them, as an authority.
pub(crate) fn identity(names: &[&str]) -> (ServerContext, PemFile) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let chain = PemFile { name: "chain".into(), octets: made.cert.pem().into_bytes() };
    let key = PemFile { name: "key".into(), octets: made.signing_key.serialize_pem().into_bytes() };
    let material = Material { pairs: vec![PemPair { chain: chain.clone(), key }], ..Material::default() };
    let seconds = farm::clock::utc_milliseconds() / 1000;
    (ServerContext::new(&material, Clock::new(seconds)).unwrap().unwrap(), chain)
}
