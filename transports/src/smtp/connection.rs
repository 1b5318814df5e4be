//! One connection: a non-blocking socket around a client session.
//!
//! It decides in which order to write and read ([`Connection::pump`]): what is in the output goes out first, the end of
//! the content is told to the session as soon as it has gone out, and only then the server is listened to. It does not
//! decide what to deliver. What happened is collected as [`Event`]s.
//!
//! A job has its content opened before its first command goes out. Another job can wait behind it and go out in its stride
//! (`stride.rs`).

use super::delivery::Delivery;
use super::hops::Hop;
use super::outgoing::{Outgoing, Output};
use super::stride::Next;
use super::wire::Wire;
use crate::agent::Desk;
use farm::profile::{self, Begun};
use proto::client::{Protection, Session, Settings, Stage};
use proto::disposition::{Disposition, Outcome};
use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;

/// What happened on a connection.
#[derive(Debug)]
pub(super) enum Event {
    /// The fate of a recipient, by its index in the transaction.
    Settled(usize, Disposition),
    /// The transaction is over, and that of the next job is under way.
    Followed,
    /// The transaction that was begun has to be begun elsewhere.
    Returned,
    /// The next job has waited too long behind the one under way.
    Overdue,
    /// There was a connection, but the server does not serve.
    Unusable(Disposition),
    /// No connection came to be.
    Unreachable(String),
    /// TLS did not come about, and can be done without; why.
    Insecure(String),
}

/// One connection. See the head of the file.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) session: Option<Session>,
    settings: Settings,
    /// The handshake is to be done, or under way.
    pub(super) starts_tls: bool,
    /// The version of TLS; empty if it is not used.
    pub(super) tls: String,
    connect_by: u64,
    pub(super) output: Output,
    /// Room for the beginning of a content that is opened next.
    pub(super) spare: Output,
    /// The content of the job under way.
    pub(super) content: Option<Outgoing>,
    /// The server wants it.
    pub(super) sending: bool,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The server will say nothing more than what is there to be read.
    pub(super) hung_up: bool,
    pub(super) closed: bool,
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
    /// When it was begun to connect.
    pub(super) begun: Begun,
    /// The job under way.
    pub(super) delivery: Option<Delivery>,
    /// When its transaction began.
    pub(super) since: u64,
    /// The job behind it.
    pub(super) next: Option<Next>,
    /// The commands of a job that was taken back are on their way; the connection ends when their turn has come.
    pub(super) leaving: bool,
    /// The job under way came in the stride of another.
    pub(super) strode: bool,
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
        let begun = profile::begin();
        Ok(Self {
            wire: Wire::new(sys::connect::start(hop.address)?),
            session: None,
            settings,
            starts_tls: false,
            tls: String::new(),
            connect_by,
            output: Output::default(),
            spare: Output::default(),
            content: None,
            sending: false,
            readable: false,
            writable: false,
            hung_up: false,
            closed: false,
            events: Vec::new(),
            host,
            hop,
            others,
            opening: true,
            begun,
            delivery: None,
            since: 0,
            next: None,
            leaving: false,
            strode: false,
            served: 0,
            idle_by: None,
            listed: false,
        })
    }

    /// The socket, to be watched.
    pub(super) fn stream(&self) -> &TcpStream {
        self.wire.stream()
    }

    /// The loop says so.
    pub(super) fn note_ready(&mut self, readable: bool, writable: bool, hung_up: bool) {
        self.readable |= readable;
        self.writable |= writable;
        self.hung_up |= hung_up;
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
        let Some(session) = &self.session else { return Some(self.connect_by) };
        let overdue = self.next.as_ref().map(|next| next.by);
        session.deadline().or(self.idle_by).into_iter().chain(overdue).min()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: u64) {
        let Some(session) = &mut self.session else {
            if now >= self.connect_by {
                self.fail("connection timed out");
            }
            return;
        };
        if self.starts_tls && session.deadline().is_some_and(|by| by <= now) {
            self.insecure("timed out", now);
        } else if session.expire(now) {
            self.feed(b"", now);
        } else if self.idle_by.is_some_and(|by| by <= now) {
            self.quit(now);
        } else if self.next.as_ref().is_some_and(|next| next.by <= now) {
            self.events.push(Event::Overdue);
        }
    }

    /// Makes a job ready for this server, and reads the beginning of its content. `None` if it is over already, with
    /// everybody settled.
    pub(super) fn open(
        &mut self,
        delivery: &mut Delivery,
        scratch: &mut Vec<u8>,
        desk: &mut Desk,
    ) -> Option<Outgoing> {
        let features = self.session.as_ref().map(Session::features).unwrap_or_default();
        if !delivery.fit(&features, desk) {
            return None;
        }
        let work = &delivery.work;
        let buffer = std::mem::take(&mut self.spare);
        let form = (&work.job.shape, work.job.terms.utf8);
        match Outgoing::open(&work.body, form, &features, buffer, scratch) {
            Ok(content) => {
                delivery.converted = content.is_converted();
                Some(content)
            }
            Err(mut fate) => {
                fate.remote =
                    if fate.outcome == Outcome::Failed { self.hop.remote.clone() } else { fate.remote };
                delivery.settle_all(&fate, desk);
                None
            }
        }
    }

    /// How much TLS it needs.
    pub(super) fn protection(&self) -> Protection {
        self.settings.protection
    }

    /// The server takes no further transaction here.
    pub(super) fn is_spent(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_spent)
    }

    /// Begins to deliver; the connection must be idle.
    pub(super) fn begin(&mut self, mut delivery: Delivery, content: Outgoing, now: u64) {
        let Some(session) = &mut self.session else { return };
        delivery.begun = profile::begin();
        let begun = session.begin(delivery.transaction(content.shape(), now), now);
        (self.delivery, self.content, self.since) = (Some(delivery), Some(content), now);
        (self.idle_by, self.strode) = (None, false);
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

    /// Whether the connection stands.
    pub(super) fn connect(&mut self, now: u64) -> bool {
        if self.closed || !self.writable {
            return false;
        }
        match sys::connect::established(self.wire.stream()) {
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
}
