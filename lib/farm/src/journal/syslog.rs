//! The system log: a datagram per line to `/dev/log`.

use super::sink::Stream;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// Milliseconds between two attempts to reach a system log that is not there.
const RETRY: u64 = 1_000;

/// Facility mail (2), severity informational (6): `facility * 8 + severity` (RFC 5424 section 6.2.1).
const PRIORITY: u32 = 2 * 8 + 6;

/// The system log, or stderr while there is none.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    tag: String,
    socket: Option<UnixDatagram>,
    tried: Option<u64>,
    fallback: Stream,
}

impl Syslog {
    pub(super) fn new(path: PathBuf, program: &str, pid: u32, fallback: Stream) -> Self {
        let tag = format!("<{PRIORITY}>grange/{program}[{pid}]: ");
        Self { path, tag, socket: None, tried: None, fallback }
    }

    /// Sends lines, each without its time stamp: the system log has its own. Gives the octets that were taken.
    pub(super) fn write(&mut self, lines: &[u8], now: u64) -> io::Result<usize> {
        let mut taken = 0;
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            match self.send(line, now) {
                Ok(()) => taken += line.len(),
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    fn send(&mut self, line: &[u8], now: u64) -> io::Result<()> {
        if self.socket.is_none() && self.tried.is_none_or(|tried| now.abs_diff(tried) >= RETRY) {
            self.tried = Some(now);
            self.socket = self.connect().ok();
        }
        if let Some(socket) = &self.socket {
            let stamp = line.iter().position(|octet| *octet == b' ').map_or(0, |at| at + 1);
            let text = line.get(stamp..).unwrap_or(line).trim_ascii_end();
            match socket.send(&[self.tag.as_bytes(), text].concat()) {
                Ok(_) => return Ok(()),
                // The queue of the system log is full: it will take the line later.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => self.socket = None,
            }
        }
        self.fallback.write(line).map(|_| ())
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}
