//! Exchanges that Dovecot decides.

use super::{Key, Office, Way};
use crate::dovecot::{Event, Link, Request};
use farm::event_loop::EventLoop;
use std::net::{IpAddr, SocketAddr};

/// The word for a service that cannot be asked.
const GONE: &str = "backend";

impl Office {
    pub(super) fn ask_dovecot(&mut self, key: Key, initial: Option<&[u8]>, now: u64) {
        let (Some(open), Some(link)) = (self.exchanges.get_mut(&key), &mut self.link) else { return };
        let begin = &open.begin;
        let listener = begin.listener.parse::<SocketAddr>().ok().map(|address| address.ip().to_canonical());
        let id = link.ask(Request {
            id: 0,
            mechanism: &begin.mechanism,
            client: begin.client.map(|address| address.to_canonical()),
            listener,
            secured: begin.tls.is_some() || begin.client.is_none_or(|client: IpAddr| client.is_loopback()),
            certificate: begin.tls.as_ref().and_then(|tls| tls.names.first()).map(String::as_str),
            initial,
        });
        match id {
            Some(id) => {
                open.way = Way::Dovecot(id);
                self.requests.insert(id, key);
                self.owes(key, now);
            }
            None => self.fail(key, "", GONE, now),
        }
    }

    pub(super) fn answer_dovecot(&mut self, key: Key, id: u32, response: &[u8], now: u64) {
        if self.link.as_mut().is_some_and(|link| link.respond(id, response)) {
            self.owes(key, now);
        } else {
            self.fail(key, "", GONE, now);
        }
    }

    /// Connects to Dovecot if it is time to.
    pub fn tend_dovecot(&mut self, event_loop: &EventLoop, now: u64) {
        let Some(link) = &mut self.link else { return };
        let events = link.tend(event_loop, now);
        self.told(events, now);
    }

    /// Dovecot's socket is ready.
    pub fn hear_dovecot(&mut self, event_loop: &EventLoop, now: u64) {
        let Some(link) = &mut self.link else { return };
        let events = link.hear(event_loop, now);
        self.told(events, now);
    }

    /// Writes what Dovecot is to be told.
    pub fn flush_dovecot(&mut self, event_loop: &EventLoop, now: u64) {
        let Some(link) = &mut self.link else { return };
        let events = link.flush(event_loop, now);
        self.told(events, now);
    }

    /// The link to Dovecot, if it is asked.
    pub fn link(&mut self) -> Option<&mut Link> {
        self.link.as_mut()
    }

    /// No request is known to Dovecot any more.
    pub(super) fn drop_requests(&mut self) {
        self.requests.clear();
        let keys: Vec<Key> = self.exchanges.keys().copied().collect();
        for key in keys {
            if matches!(self.exchanges.get(&key), Some(open) if matches!(open.way, Way::Dovecot(_))) {
                self.fail(key, "", GONE, 0);
            }
        }
    }

    fn told(&mut self, events: Vec<Event>, now: u64) {
        for event in events {
            match event {
                Event::Ready(mechanisms) => {
                    // It is not told what the channel is bound to.
                    self.backend =
                        Some(mechanisms.into_iter().filter(|name| !name.ends_with("-PLUS")).collect());
                }
                Event::Continue(id, challenge) => {
                    if let Some(key) = self.requests.get(&id).copied() {
                        self.challenge(key, challenge);
                    }
                }
                Event::Success(id, user) => {
                    if let Some(key) = self.requests.remove(&id) {
                        self.succeed(key, &user, now);
                    }
                }
                Event::Failure { id, temporary: _, user, reason } => {
                    if let Some(key) = self.requests.remove(&id) {
                        self.fail(key, &user, reason, now);
                    }
                }
            }
        }
    }
}
