//! The control socket: clients, their requests, the answers they wait for.

use farm::event_loop::EventLoop;
use ipc::control::{End, Request};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

/// Longest request, in octets.
const LONGEST: usize = 1 << 20;

/// Octets of answer that may wait for a client that does not read.
const BACKLOG: usize = 256 << 20;

/// A connected administrator's program.
struct Client {
    stream: UnixStream,
    uid: u32,
    input: Vec<u8>,
    output: Vec<u8>,
    closing: bool,
}

/// A request and who made it.
pub(crate) struct Asked {
    /// The client's number.
    pub(crate) client: usize,
    /// The user that asks.
    pub(crate) uid: u32,
    /// The request, or why it is none.
    pub(crate) request: Result<Request, String>,
}

/// The listening socket and its clients.
pub(crate) struct Control {
    listener: UnixListener,
    clients: BTreeMap<usize, Client>,
    last: usize,
}

/// The loop's token of the listening socket; clients have the even numbers from [`FIRST_CLIENT`].
pub(crate) const LISTENER: usize = 0;

/// The loop's token of the first client.
const FIRST_CLIENT: usize = 100;

impl Control {
    /// Takes over the bound socket.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub(crate) fn new(listener: UnixListener, event_loop: &EventLoop) -> io::Result<Self> {
        event_loop.watch_readable(&listener, LISTENER)?;
        Ok(Self { listener, clients: BTreeMap::new(), last: FIRST_CLIENT })
    }

    /// Takes every client that waits.
    pub(crate) fn accept(&mut self, event_loop: &EventLoop) {
        while let Ok((stream, _)) = self.listener.accept() {
            let uid = sys::user::peer_user(&stream);
            self.last += 2;
            let watched = stream.set_nonblocking(true).and_then(|()| event_loop.watch(&stream, self.last));
            if let (Ok(uid), Ok(())) = (uid, watched) {
                let client = Client { stream, uid, input: Vec::new(), output: Vec::new(), closing: false };
                self.clients.insert(self.last, client);
            }
        }
    }

    /// A client is ready: what it asks.
    pub(crate) fn hear(&mut self, token: usize) -> Vec<Asked> {
        let Some(client) = self.clients.get_mut(&token) else { return Vec::new() };
        let mut buffer = [0; 4096];
        loop {
            match client.stream.read(&mut buffer) {
                Ok(0) => {
                    client.closing = true;
                    break;
                }
                Ok(octets) => client.input.extend_from_slice(buffer.get(..octets).unwrap_or_default()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    client.closing = true;
                    break;
                }
            }
        }
        let mut asked = Vec::new();
        while let Some(end) = client.input.iter().position(|&octet| octet == b'\n') {
            let line: Vec<u8> = client.input.drain(..=end).collect();
            let request = serde_json::from_slice(&line).map_err(|e| format!("not a request: {e}"));
            asked.push(Asked { client: token, uid: client.uid, request });
        }
        if client.input.len() > LONGEST {
            client.closing = true;
        }
        self.write(token);
        asked
    }

    /// Adds lines to a client's answer. A client that is gone, or never reads, is forgotten.
    pub(crate) fn say<'a>(&mut self, token: usize, lines: impl IntoIterator<Item = &'a str>) {
        if let Some(client) = self.clients.get_mut(&token) {
            for line in lines {
                client.output.extend_from_slice(line.as_bytes());
                client.output.push(b'\n');
            }
            self.write(token);
        }
    }

    /// Ends an answer.
    pub(crate) fn end(&mut self, token: usize, end: &End) {
        let line = serde_json::to_string(end).unwrap_or_else(|_| "{}".into());
        self.say(token, [line.as_str()]);
    }

    fn write(&mut self, token: usize) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        while !client.output.is_empty() {
            match client.stream.write(&client.output) {
                Ok(octets) => drop(client.output.drain(..octets)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    client.output.clear();
                    client.closing = true;
                }
            }
        }
        if client.closing && client.output.is_empty() || client.output.len() > BACKLOG {
            self.clients.remove(&token);
        }
    }
}
