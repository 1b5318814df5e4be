//! The control socket: clients, their requests, the answers they wait for.

use farm::event_loop::EventLoop;
use farm::exit::Exit;
use ipc::control::{End, Request};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

/// Longest request, in octets.
const LONGEST: usize = 1 << 20;

/// Programs that may be connected at a time.
const CLIENTS: usize = 64;

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
    /// The user ids that may ask.
    allowed: Vec<u32>,
    clients: BTreeMap<usize, Client>,
    last: usize,
}

/// The loop's token of the listening socket; clients have the even numbers from [`FIRST_CLIENT`].
pub(crate) const LISTENER: usize = 0;

/// The loop's token of the first client.
const FIRST_CLIENT: usize = 100;

impl Control {
    /// Takes over the bound socket; these user ids may ask.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub(crate) fn new(listener: UnixListener, allowed: Vec<u32>, event_loop: &EventLoop) -> io::Result<Self> {
        event_loop.watch_readable(&listener, LISTENER)?;
        Ok(Self { listener, allowed, clients: BTreeMap::new(), last: FIRST_CLIENT })
    }

    /// Takes every client that waits.
    pub(crate) fn accept(&mut self, event_loop: &EventLoop) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            let uid = sys::user::peer_user(&stream);
            if uid.as_ref().is_ok_and(|uid| !self.allowed.contains(uid)) || self.clients.len() >= CLIENTS {
                turn_away(&mut stream);
                continue;
            }
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
                Ok(octets) if client.input.len() + octets <= LONGEST => {
                    client.input.extend_from_slice(buffer.get(..octets).unwrap_or_default());
                }
                Ok(_) => {
                    client.closing = true;
                    break;
                }
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

/// Says in one line why there is no answer; the connection is closed then.
fn turn_away(stream: &mut UnixStream) {
    let why = "you may not ask, or too many ask at once; use root, or the user that Grange runs as";
    let end = End::refused(Exit::Permission.code(), why);
    if let Ok(line) = serde_json::to_string(&end) {
        let _closing_is_answer_enough =
            stream.set_nonblocking(true).and_then(|()| stream.write_all(format!("{line}\n").as_bytes()));
    }
}
