//! One connection: a non-blocking socket around a client session.
//!
//! It decides in which order to write and read: what is in the output goes out first, the end of the content is told to
//! the session as soon as it has gone out, and only then the server is listened to. It does not decide what to deliver.
//! What happened is collected as [`Event`]s.

use super::delivery::Delivery;
use super::hops::Hop;
use super::outgoing::{Outgoing, Output};
use proto::client::{Action, Session, Settings, Stage};
use proto::disposition::Disposition;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// What happened on a connection.
#[derive(Debug)]
pub(super) enum Event {
    /// The fate of a recipient, by its index in the transaction.
    Settled(usize, Disposition),
    /// The transaction that was begun has to be begun elsewhere.
    Returned,
    /// There was a connection, but the server does not serve.
    Unusable(Disposition),
    /// No connection came to be.
    Unreachable(String),
}

/// One connection. See the head of the file.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    session: Option<Session>,
    settings: Settings,
    connect_by: u64,
    output: Output,
    content: Option<Outgoing>,
    readable: bool,
    writable: bool,
    closed: bool,
    /// What happened and was not looked at yet.
    pub(super) events: Vec<Event>,
    /// The table entry of its host.
    pub(super) host: usize,
    /// Where it leads to.
    pub(super) hop: Hop,
    /// Where else to try if it comes to nothing.
    pub(super) others: VecDeque<Hop>,
    /// The server has not yet been found to serve.
    pub(super) opening: bool,
    /// The job under way.
    pub(super) delivery: Option<Delivery>,
    /// Jobs begun.
    pub(super) served: u32,
    /// When it is closed if no job comes.
    pub(super) idle_by: Option<u64>,
    /// It waits for its turn in the list of those that have something to do.
    pub(super) listed: bool,
}

impl Connection {
    /// Begins to connect.
    ///
    /// # Errors
    /// What the system says at once: no route, no descriptor.
    pub(super) fn start(
        hop: Hop,
        others: VecDeque<Hop>,
        settings: Settings,
        (host, connect_by): (usize, u64),
    ) -> io::Result<Self> {
        Ok(Self {
            stream: sys::connect::start(hop.address)?,
            session: None,
            settings,
            connect_by,
            output: Output::default(),
            content: None,
            readable: false,
            writable: false,
            closed: false,
            events: Vec::new(),
            host,
            hop,
            others,
            opening: true,
            delivery: None,
            served: 0,
            idle_by: None,
            listed: false,
        })
    }

    /// The socket, to be watched.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The loop says so.
    pub(super) fn note_ready(&mut self, readable: bool, writable: bool) {
        self.readable |= readable;
        self.writable |= writable;
    }

    /// Nothing more will happen here.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// A transaction may be begun.
    pub(super) fn is_idle(&self) -> bool {
        !self.closed && self.output.is_empty() && self.session.as_ref().is_some_and(Session::is_idle)
    }

    /// What the session waits for.
    pub(super) fn stage(&self) -> Stage {
        self.session.as_ref().map_or(Stage::Greeting, Session::stage)
    }

    /// When [`Connection::expire`] is due.
    pub(super) fn deadline(&self) -> Option<u64> {
        match &self.session {
            None => Some(self.connect_by),
            Some(session) => session.deadline().or(self.idle_by),
        }
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: u64) {
        let Some(session) = &mut self.session else {
            if now >= self.connect_by {
                self.fail("connection timed out");
            }
            return;
        };
        if session.expire(now) {
            self.feed(b"", now);
        } else if self.idle_by.is_some_and(|by| by <= now) {
            self.quit(now);
        }
    }

    /// Begins to deliver; the connection must be idle.
    pub(super) fn begin(&mut self, delivery: Delivery, now: u64) {
        let Some(session) = &mut self.session else { return };
        let begun = session.begin(delivery.transaction(), now);
        self.delivery = Some(delivery);
        self.idle_by = None;
        if begun.is_err() {
            self.events.push(Event::Returned);
            self.closed = true;
            return;
        }
        self.feed(b"", now);
    }

    /// Ends the session: politely when it is idle.
    pub(super) fn quit(&mut self, now: u64) {
        self.idle_by = None;
        match &mut self.session {
            Some(session) => {
                session.quit(now);
                self.feed(b"", now);
            }
            None => self.closed = true,
        }
    }

    /// Works until nothing more can be done, or a fair share is done; `true` if more can be done.
    pub(super) fn pump(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        if self.session.is_none() && !self.connect(now) {
            return false;
        }
        for _ in 0..ROUNDS {
            let wrote = self.write(now, scratch);
            let read = self.read(now, scratch);
            if self.closed || !(wrote || read) {
                return false;
            }
        }
        true
    }

    /// Whether the connection stands.
    fn connect(&mut self, now: u64) -> bool {
        if self.closed || !self.writable {
            return false;
        }
        match sys::connect::established(&self.stream) {
            Ok(true) => self.session = Some(Session::new(self.settings.clone(), now)),
            Ok(false) => self.writable = false,
            Err(error) => self.fail(&error.to_string()),
        }
        self.session.is_some()
    }

    fn fail(&mut self, why: &str) {
        self.events.push(Event::Unreachable(why.to_owned()));
        self.closed = true;
    }

    /// Writes what is there, at most a block of content; `true` if anything was done.
    fn write(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        if self.output.is_empty() && !self.refill(now, scratch) {
            return false;
        }
        let mut wrote = false;
        while self.writable && !self.closed && !self.output.is_empty() {
            match self.stream.write(self.output.rest()) {
                Ok(octets) => {
                    wrote = true;
                    self.output.advance(octets);
                    if let (Some(session), Some(_)) = (&mut self.session, &self.content) {
                        session.body_progress(now);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(e) => self.broken(&e, now, scratch),
            }
        }
        if self.output.is_empty() && self.content.as_ref().is_some_and(Outgoing::is_finished) {
            self.content = None;
            self.output.shrink();
            if let Some(session) = &mut self.session {
                session.body_sent(now);
            }
            self.feed(b"", now);
        }
        wrote
    }

    /// Takes the next block of the content; `false` if there is none.
    fn refill(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        let Some(content) = self.content.as_mut().filter(|_| !self.closed && self.writable) else {
            return false;
        };
        if let Err(error) = content.fill(&mut self.output, scratch) {
            log::error!("content: {error}");
            self.lose(&format!("the content cannot be read from the spool ({error})"), now);
            return false;
        }
        true
    }

    /// Writing failed. The server may have said why before it closed.
    fn broken(&mut self, error: &io::Error, now: u64, scratch: &mut Vec<u8>) {
        self.readable = true;
        while self.read(now, scratch) {}
        if !self.closed {
            self.lose(&error.to_string(), now);
        }
    }

    /// Listens once; `true` if anything came.
    fn read(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        if !self.readable || self.closed {
            return false;
        }
        scratch.resize(INPUT.max(scratch.len()), 0);
        match self.stream.read(scratch) {
            Ok(0) => self.lose("connection closed", now),
            Ok(octets) => {
                let input = std::mem::take(scratch);
                self.feed(input.get(..octets).unwrap_or_default(), now);
                *scratch = input;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                return false;
            }
            Err(e) => self.lose(&e.to_string(), now),
        }
        true
    }

    fn lose(&mut self, why: &str, now: u64) {
        self.content = None;
        if let Some(session) = &mut self.session {
            session.lost(why, now);
        }
        self.feed(b"", now);
    }

    /// Hands input to the session and does what it asks for, until it waits.
    fn feed(&mut self, mut input: &[u8], now: u64) {
        let Some(session) = &mut self.session else { return };
        loop {
            let step = session.advance(input, now);
            input = input.get(step.consumed..).unwrap_or_default();
            match step.action {
                Action::Send(octets) => self.output.push(&octets),
                Action::Settled(index, disposition) => self.events.push(Event::Settled(index, disposition)),
                Action::Returned(_) => self.events.push(Event::Returned),
                Action::Unusable(disposition) => self.events.push(Event::Unusable(disposition)),
                Action::WantBody => {
                    if let (None, Some(delivery)) = (&self.content, &self.delivery) {
                        let work = &delivery.work;
                        self.content = Some(Outgoing::new(&work.body, work.job.shape.leading_dot));
                    }
                    return;
                }
                Action::NeedInput | Action::Idle => return,
                Action::Close => {
                    self.closed = true;
                    return;
                }
            }
        }
    }
}

/// Blocks written and inputs read in one go, before others have their turn.
const ROUNDS: usize = 8;

/// Octets read at a time.
const INPUT: usize = 16 << 10;
