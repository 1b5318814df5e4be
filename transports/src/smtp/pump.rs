//! A connection's octets: out of the output, into the session, and what the session asks for.

use super::connection::{Connection, Event};
use super::outgoing::Outgoing;
use proto::client::Action;
use std::io;

impl Connection {
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
            if !self.events.is_empty() {
                // What was said decides what goes out next.
                return true;
            }
        }
        true
    }

    /// Writes what is there, at most a block of content; `true` if anything was done.
    fn write(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        if !self.wire.is_flushed() && self.writable && !self.closed {
            self.flush(now, scratch);
        }
        if !self.refill(now, scratch) {
            return false;
        }
        let mut wrote = false;
        while self.writable && !self.closed && !self.output.is_empty() {
            let rest = self.output.rest();
            match self.wire.write(rest) {
                Ok((octets, room)) => {
                    wrote = true;
                    self.writable = room;
                    self.output.advance(octets);
                    self.progress(now);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(e) => self.broken(&e, now, scratch),
            }
        }
        if self.output.is_empty() && self.sending && self.content.as_ref().is_some_and(Outgoing::is_finished)
        {
            (self.content, self.sending) = (None, false);
            if let Some(session) = &mut self.session {
                session.body_sent(now);
            }
            self.feed(b"", now);
            self.stride(now);
        }
        wrote
    }

    /// Sends what TLS still holds.
    fn flush(&mut self, now: u64, scratch: &mut Vec<u8>) {
        match self.wire.flush() {
            Ok(room) => self.writable = room,
            Err(error) if self.starts_tls => self.insecure(&error.to_string(), now),
            Err(error) => self.broken(&error, now, scratch),
        }
    }

    fn progress(&mut self, now: u64) {
        if let Some(session) = self.session.as_mut().filter(|_| self.sending) {
            session.body_progress(now);
        }
    }

    /// Takes the next block of the content, if it is wanted and nothing else waits, and behind its end the commands of the
    /// next job; `false` if there is nothing to write.
    fn refill(&mut self, now: u64, scratch: &mut Vec<u8>) -> bool {
        let wanted = self.sending && self.output.is_empty() && self.writable && !self.closed;
        let Some(content) = self.content.as_mut().filter(|content| wanted && !content.is_finished()) else {
            return !self.output.is_empty();
        };
        if let Err(error) = content.fill(&mut self.output, &mut self.spare, scratch) {
            log::error!("content: {error}");
            self.lose(&format!("the content cannot be read from the spool ({error})"), now);
            return false;
        }
        if content.is_finished() {
            self.stride(now);
        }
        true
    }

    /// Writing failed. The server may have said why before it closed.
    fn broken(&mut self, error: &io::Error, now: u64, scratch: &mut Vec<u8>) {
        (self.readable, self.hung_up) = (true, true);
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
        match self.wire.read(scratch) {
            Ok(0) => self.lose("connection closed", now),
            Ok(octets) => {
                // Less than there is room for is all there is; what comes later is announced. An end was announced.
                self.readable = octets == scratch.len() || self.hung_up;
                if self.wire.session().is_some() {
                    self.wire.receive(scratch.get(..octets).unwrap_or_default());
                    self.decrypt(now, scratch);
                } else {
                    self.hear(octets, now, scratch);
                }
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

    /// What stands in `scratch` was said by the server.
    fn hear(&mut self, octets: usize, now: u64, scratch: &mut Vec<u8>) {
        let input = std::mem::take(scratch);
        self.feed(input.get(..octets).unwrap_or_default(), now);
        *scratch = input;
    }

    /// Hears what has come under TLS, or goes on with the handshake.
    fn decrypt(&mut self, now: u64, scratch: &mut Vec<u8>) {
        while !self.closed {
            match self.wire.decrypt(scratch) {
                Ok(0) if self.starts_tls => return self.handshake(now),
                Ok(0) => return,
                Ok(octets) => self.hear(octets, now, scratch),
                Err(why) => return self.lose(&why, now),
            }
        }
    }

    fn lose(&mut self, why: &str, now: u64) {
        if self.starts_tls {
            return self.insecure(why, now);
        }
        (self.content, self.sending) = (None, false);
        if let Some(session) = &mut self.session {
            session.lost(why, now);
        }
        self.feed(b"", now);
    }

    /// Hands input to the session and does what it asks for, until it waits.
    pub(super) fn feed(&mut self, mut input: &[u8], now: u64) {
        loop {
            let Some(session) = &mut self.session else { return };
            let step = session.advance(input, now);
            input = input.get(step.consumed..).unwrap_or_default();
            match step.action {
                Action::Send(octets) => self.output.push(&octets),
                Action::Settled(index, disposition) => self.events.push(Event::Settled(index, disposition)),
                Action::Followed => self.followed(),
                Action::Returned(_) => self.events.push(Event::Returned),
                Action::Unusable(disposition) => self.events.push(Event::Unusable(disposition)),
                Action::WantBody => {
                    self.sending = self.content.is_some();
                    return;
                }
                Action::StartTls => {
                    self.starts_tls = input.is_empty();
                    // What came behind the server's reply is the session's to refuse.
                    if self.starts_tls {
                        return;
                    }
                }
                Action::NeedInput | Action::Idle => return,
                Action::Close => {
                    self.closed = true;
                    self.wire.close();
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
