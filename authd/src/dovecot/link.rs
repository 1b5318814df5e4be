//! The socket of Dovecot's authentication service.
//!
//! Connects by itself, again after a short wait when the connection ends. Both sides greet at once, so requests need not
//! wait for the service's greeting; when the connection is lost, everything that was asked is answered "not now".

use super::protocol::{Event, Protocol, Request, cancel, hello, request, response};
use farm::event_loop::EventLoop;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The first wait before a new connection is made, and the longest, in milliseconds.
const BACKOFF: (u64, u64) = (100, 2_000);

/// Octets that may wait to be written; a service that takes none is as good as none.
const BACKLOG: usize = 4 << 20;

/// The word for a service that does not answer.
pub(crate) const GONE: &str = "backend";

/// The way to the service.
#[derive(Debug)]
pub struct Link {
    path: PathBuf,
    token: usize,
    stream: Option<UnixStream>,
    protocol: Protocol,
    output: Vec<u8>,
    /// Requests without a last answer.
    open: BTreeSet<u32>,
    backoff: u64,
    retry_at: u64,
    last: u32,
    /// What the journal has not been told: a trouble, or that it is over.
    news: Option<Option<String>>,
    troubled: bool,
}

impl Link {
    /// A way to the service at `path`, not connected yet; its socket will be watched under `token`.
    pub fn new(path: &Path, token: usize) -> Self {
        Self {
            path: path.to_owned(),
            token,
            stream: None,
            protocol: Protocol::default(),
            output: Vec::new(),
            open: BTreeSet::new(),
            backoff: BACKOFF.0,
            retry_at: 0,
            last: 0,
            news: None,
            troubled: false,
        }
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When [`Link::tend`] wants to be called.
    pub fn next_deadline(&self) -> Option<u64> {
        self.stream.is_none().then_some(self.retry_at)
    }

    /// Whether something new is to be said in the journal: a trouble in words, or that all is well again.
    pub fn news(&mut self) -> Option<Option<String>> {
        self.news.take()
    }

    /// Connects, if there is no connection and the wait is over.
    pub fn tend(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Event> {
        if self.stream.is_some() || now < self.retry_at {
            return Vec::new();
        }
        let connected = sys::connect::local(&self.path).and_then(|stream| {
            event_loop.watch(&stream, self.token)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                self.stream = Some(stream);
                self.protocol = Protocol::default();
                self.output = hello(std::process::id()).into_bytes();
                Vec::new()
            }
            Err(error) => self.lost(event_loop, &error.to_string(), now),
        }
    }

    /// Asks; the number of the request, or nothing if it cannot be asked.
    pub fn ask(&mut self, asked: Request<'_>) -> Option<u32> {
        if self.stream.is_none() || self.output.len() > BACKLOG {
            return None;
        }
        let id = self.last.wrapping_add(1).max(1);
        let line = request(&Request { id, ..asked })?;
        self.last = id;
        self.open.insert(id);
        self.output.extend_from_slice(line.as_bytes());
        Some(id)
    }

    /// Says what a client answered; `false` if that cannot be said.
    pub fn respond(&mut self, id: u32, octets: &[u8]) -> bool {
        let line = response(id, octets).filter(|_| self.open.contains(&id));
        let Some(line) = line else { return false };
        self.output.extend_from_slice(line.as_bytes());
        true
    }

    /// A client has given up.
    pub fn cancel(&mut self, id: u32) {
        if self.open.remove(&id) && self.stream.is_some() {
            self.output.extend_from_slice(cancel(id).as_bytes());
        }
    }

    /// The socket is ready: what came.
    pub fn hear(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Event> {
        let (mut events, broken) = self.read();
        for event in &events {
            match event {
                Event::Success(id, _) | Event::Failure { id, .. } => drop(self.open.remove(id)),
                Event::Ready(_) => {
                    self.backoff = BACKOFF.0;
                    if std::mem::take(&mut self.troubled) {
                        self.news = Some(None);
                    }
                }
                Event::Continue(..) => {}
            }
        }
        if let Some(why) = broken {
            events.extend(self.lost(event_loop, &why, now));
        }
        events
    }

    fn read(&mut self) -> (Vec<Event>, Option<String>) {
        let mut events = Vec::new();
        let mut buffer = [0; 4_096];
        loop {
            let Some(stream) = &mut self.stream else { return (events, None) };
            match stream.read(&mut buffer) {
                Ok(0) => return (events, Some("it closed the connection".into())),
                Ok(octets) => match self.protocol.take(buffer.get(..octets).unwrap_or_default()) {
                    Ok(more) => events.extend(more),
                    Err(garbled) => return (events, Some(garbled.0)),
                },
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return (events, None),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return (events, Some(e.to_string())),
            }
        }
    }

    /// Writes what was collected, until the socket would block.
    pub fn flush(&mut self, event_loop: &EventLoop, now: u64) -> Vec<Event> {
        while let Some(stream) = self.stream.as_mut().filter(|_| !self.output.is_empty()) {
            match stream.write(&self.output) {
                Ok(octets) => drop(self.output.drain(..octets)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return self.lost(event_loop, &e.to_string(), now),
            }
        }
        Vec::new()
    }

    /// The connection is gone: everything that was asked is answered.
    fn lost(&mut self, event_loop: &EventLoop, why: &str, now: u64) -> Vec<Event> {
        if let Some(stream) = self.stream.take() {
            event_loop.forget(&stream);
        }
        if !std::mem::replace(&mut self.troubled, true) {
            self.news = Some(Some(format!("{}: {why}", self.path.display())));
        }
        self.output = Vec::new();
        self.retry_at = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        let open = std::mem::take(&mut self.open);
        open.into_iter()
            .map(|id| Event::Failure { id, temporary: true, user: String::new(), reason: GONE })
            .collect()
    }

    /// Ends the connection for good.
    pub fn close(&mut self, event_loop: &EventLoop) {
        if let Some(stream) = self.stream.take() {
            event_loop.forget(&stream);
        }
    }
}
