//! The sessions of a worker and their turns: who joins, who may go on, who has waited too long, who leaves.
//!
//! A key is a place in the slab; its socket is watched under [`SEATS`] plus the key. A seat stands on the list of turns
//! at most once, and each pass gives every seat on it one bounded turn.

use super::client::Client;
use super::conversation::Conversation;
use super::router_link::Told;
use super::run::{SEATS, Worker};
use super::seat::{After, Seat};
use super::socket::Socket;
use farm::event_loop::Ready;
use ipc::smtp_worker::{Connection, Consulted};
use spool::SpoolError;
use std::os::fd::OwnedFd;

/// Turns before the loop looks for news.
const PASS: usize = 128;

/// Turns that one of a handshake counts for: a signature takes its time, and others shall not wait for many.
const HANDSHAKE: usize = 16;

impl Worker {
    /// The master passes a connection.
    pub(super) fn take(&mut self, connection: &Connection, descriptor: Option<OwnedFd>) {
        if self.desk.faults.strikes("drop-connection") {
            std::process::abort();
        }
        self.taken.push(connection.session);
        let key = self.seats.vacant_key();
        let socket = descriptor.map(|descriptor| Socket::new(&connection.peer, descriptor));
        let watched = socket.transpose().and_then(|socket| {
            socket.as_ref().map_or(Ok(()), |socket| self.event_loop.watch(socket, SEATS + key))?;
            Ok(socket)
        });
        match watched {
            Ok(Some(socket)) => self.seat(connection, socket),
            Ok(None) => self.ended.push(connection.session),
            Err(e) => {
                log::warn!("session {:x}: {e}", connection.session);
                self.ended.push(connection.session);
            }
        }
    }

    fn seat(&mut self, connection: &Connection, socket: Socket) {
        let client = Client::of(connection, |ip| self.desk.house.may_relay(ip));
        let key = self.seats.vacant_key();
        let standing = self.desk.house.standing(&client, connection.entrance, self.desk.now.utc);
        let mut conversation = Conversation::new(&self.desk, key, connection.session, client, standing);
        self.refresh_rulebook();
        if let Some(refusal) = conversation.judge_connect(&mut self.desk) {
            conversation.session.turn_away(refusal);
        }
        let greets = self.leaving.is_none();
        let implicit = connection.entrance.implicit_tls;
        let tls = if implicit { self.desk.house.tls_session() } else { None };
        if !greets {
            conversation.drain(true);
        } else if !implicit {
            conversation.greet();
        }
        let mut seat = Seat::new(conversation, socket);
        if let Some(tls) = tls {
            seat.begin_secured(tls, greets);
        }
        self.seats.insert(seat);
        self.queue(key);
    }

    /// Reads the policy table if it has changed.
    pub(super) fn refresh_rulebook(&mut self) {
        self.desk.house.rulebook.refresh(self.desk.now, &mut self.desk.journal);
    }

    /// A client's socket is ready.
    pub(super) fn ready(&mut self, key: usize, event: Ready) {
        if let Some(seat) = self.seats.get_mut(key) {
            seat.note_ready(event);
            self.queue(key);
        }
    }

    /// Gives a turn to everybody who waits for one, within the bounds of a pass.
    pub(super) fn serve_all(&mut self) {
        let (mut left, mut effort) = (self.turns.len(), PASS);
        while left > 0 && effort > 0 {
            left -= 1;
            let Some(key) = self.turns.pop_front() else { break };
            let Some(seat) = self.seats.get_mut(key) else { continue };
            seat.queued = false;
            effort = effort.saturating_sub(if seat.is_securing() { HANDSHAKE } else { 1 });
            match seat.serve(&mut self.desk, &mut self.buffer) {
                After::Over(why) => {
                    self.close(key, why);
                    continue;
                }
                After::Again => self.queue(key),
                After::Wait => {}
            }
            self.set_timer(key);
        }
    }

    /// Tells those whose time is up.
    pub(super) fn expire_all(&mut self) {
        while let Some(key) = self.timers.due(self.desk.now.mono) {
            if let Some(seat) = self.seats.get_mut(key) {
                seat.expire(&mut self.desk);
                self.queue(key);
            }
        }
    }

    /// The router has news.
    pub(super) fn hear_router(&mut self) {
        let mut told = Vec::new();
        if !self.desk.router.hear(&self.event_loop, self.desk.now.mono, &mut told) {
            self.desk.cache.forget_all();
        }
        told.into_iter().for_each(|told| self.told(told));
    }

    /// The master has said what it would do with a client that is only played.
    pub(super) fn consulted(&mut self, consulted: &Consulted) {
        let is_its = |(_, seat): &(usize, &mut Seat)| seat.conversation.number == consulted.session;
        let found = self.seats.iter_mut().find(is_its).map(|(key, seat)| {
            seat.conversation.consulted(&mut self.desk, consulted);
            key
        });
        found.into_iter().for_each(|key| self.queue(key));
    }

    /// A queue is started, or cannot be, for the client of this session.
    pub(super) fn queue_started(&mut self, session: u64, messages: Option<u64>) {
        let is_its = |(_, seat): &(usize, &mut Seat)| seat.conversation.number == session;
        let found = self.seats.iter_mut().find(is_its).map(|(key, seat)| {
            seat.conversation.queue_started(&mut self.desk, messages);
            key
        });
        found.into_iter().for_each(|key| self.queue(key));
    }

    fn told(&mut self, told: Told) {
        let key = told.seat;
        if let Some(seat) = self.seats.get_mut(key) {
            seat.conversation.told(&mut self.desk, told);
            self.queue(key);
        }
    }

    /// Closes the batch if it is time to.
    pub(super) fn commit(&mut self) {
        let young = self.desk.transactions.young(self.desk.now.mono);
        if self.desk.commits.tend(young, self.seats.len(), self.desk.now) {
            self.hear_spool();
        }
    }

    /// The spool has news.
    pub(super) fn hear_spool(&mut self) {
        let mut failed: Option<(SpoolError, usize)> = None;
        for done in self.desk.commits.done(self.desk.now.mono) {
            if let Err(error) = &done.result {
                failed.get_or_insert_with(|| (error.clone(), 0)).1 += 1;
            }
            if let Some(seat) = self.seats.get_mut(done.seat) {
                seat.conversation.committed(&mut self.desk, done.result, done.batch);
                self.queue(done.seat);
            }
        }
        if let Some((error, sessions)) = failed {
            let code = if error == SpoolError::NoSpace { 452 } else { 451 };
            self.desk.note_spool_error("flush", &error, &format!("{code} to {sessions} sessions"));
        }
    }

    /// Tells every session to end: now, or, unless `firm`, as soon as it has had a transaction and none is open.
    pub(super) fn drain_all(&mut self, firm: bool) {
        let keys: Vec<usize> = self.seats.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Some(seat) = self.seats.get_mut(key) {
                seat.conversation.drain(firm);
                self.queue(key);
            }
        }
    }

    pub(super) fn queue(&mut self, key: usize) {
        if let Some(seat) = self.seats.get_mut(key).filter(|seat| !seat.queued) {
            seat.queued = true;
            self.turns.push_back(key);
        }
    }

    fn set_timer(&mut self, key: usize) {
        match self.seats.get(key).and_then(Seat::deadline) {
            Some(at) => self.timers.set(key, at),
            None => {
                self.timers.cancel(key);
            }
        }
    }

    fn close(&mut self, key: usize, why: &str) {
        let Some(mut seat) = self.seats.try_remove(key) else { return };
        self.timers.cancel(key);
        seat.conversation.leave(&mut self.desk, why);
        self.event_loop.forget(&seat.socket);
        seat.socket.part();
        self.ended.push(seat.conversation.number);
    }
}
