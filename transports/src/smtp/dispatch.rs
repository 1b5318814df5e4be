//! Which job goes out on which connection, and when one is opened.

use super::Smtp;
use super::connection::Connection;
use super::hops::{self, Hop};
use super::host::{Host, Route};
use super::pace::QUICK;
use super::target::{Place, bare};
use crate::agent::Turn;
use ipc::resolve::Resolved;
use proto::client::{Dialect, Settings, Timeouts};
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;
use std::collections::VecDeque;

impl Smtp {
    /// Gives work to the idle connections of a host, opens others where they are needed, and forgets the host when
    /// nothing is left.
    pub(super) fn serve(&mut self, key: usize, turn: &mut Turn<'_>) {
        let Some(host) = self.hosts.get_mut(key) else { return };
        host.listed = false;
        while self.hand_out(key, turn) {}
        self.open_wanted(key, turn);
        self.hurry(key, turn.now.mono);
        if self.hosts.get(key).is_some_and(|host| host.is_over()) {
            self.hurries.cancel(key);
            let host = self.hosts.remove(key);
            self.names.remove(&host.key);
        }
    }

    /// Gives one job to a connection; `false` if none waits, or no connection is to have it.
    fn hand_out(&mut self, key: usize, turn: &mut Turn<'_>) -> bool {
        let now = turn.now.mono;
        let Some(host) = self.hosts.get_mut(key).filter(|host| !host.waiting.is_empty()) else {
            return false;
        };
        let strides = host.strides(now);
        let roomy = host.roomy.pop_if(|_| strides);
        let spreads = roomy.is_none() && host.spreads(0);
        let Some(number) = roomy.or_else(|| host.idle.pop_if(|_| spreads)) else { return false };
        let Some(connection) = self.connections.get_mut(number) else { return true };
        if !connection.is_idle() && !connection.has_room() {
            return true;
        }
        let Some(mut delivery) = host.waiting.pop_front() else { return false };
        match connection.open(&mut delivery, &mut self.scratch, turn.desk) {
            None => self.rest_again(number),
            Some(content) if connection.is_idle() => {
                connection.served += 1;
                connection.begin(delivery, content, now);
                self.make_roomy(number);
            }
            Some(content) => connection.reserve(delivery, content, now),
        }
        self.list(number);
        true
    }

    /// A connection that was to get a job has got none.
    fn rest_again(&mut self, number: usize) {
        let Some(connection) = self.connections.get(number) else { return };
        if let Some(host) = self.hosts.get_mut(connection.host) {
            if connection.is_idle() { host.idle.push(number) } else { host.roomy.push(number) }
        }
    }

    /// A connection has begun a job: another may wait behind it, unless that would be one too many.
    pub(super) fn make_roomy(&mut self, number: usize) {
        let Some(connection) = self.connections.get(number).filter(|connection| connection.has_room()) else {
            return;
        };
        if let Some(host) = self.hosts.get_mut(connection.host)
            && connection.served < host.limits.messages
            && !self.winding_up
            && !host.roomy.contains(&number)
        {
            host.roomy.push(number);
        }
    }

    /// What waits for a quick host waits as long as something gets on there, and not long otherwise.
    fn hurry(&mut self, key: usize, now: u64) {
        let waits =
            |host: &&Host| !host.waiting.is_empty() && host.pace.is_quick() && host.open > host.opening;
        if self.hosts.get(key).filter(waits).is_none() {
            self.hurries.cancel(key);
        } else if self.hurries.deadline(key).is_none() {
            self.hurries.set(key, now + QUICK);
        }
    }

    fn open_wanted(&mut self, key: usize, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        while let Some(host) = self.hosts.get_mut(key).filter(|host| host.wants_connection(now)) {
            let Some(hops) = host.hops(now) else {
                if !matches!(host.route, Route::Asked) && self.find(key, now) {
                    continue;
                }
                return;
            };
            if self.connections.len() >= self.most() {
                if !self.starving.contains(&key) {
                    self.starving.push(key);
                    self.make_room(now);
                }
                return;
            }
            if !self.open(key, hops, turn) {
                return;
            }
        }
    }

    /// Finds out where to connect; `true` if it is known at once.
    fn find(&mut self, key: usize, now: u64) -> bool {
        let Some(host) = self.hosts.get_mut(key) else { return false };
        match &host.target.place {
            Place::Address(address) => {
                let port = host.target.port.unwrap_or(self.settings.channel.port);
                host.found(vec![Hop::literal(*address, port)], now);
                true
            }
            Place::Ask(ask) => {
                host.route = Route::Asked;
                self.resolver.ask(host.key.clone(), ask.clone(), now);
                false
            }
        }
    }

    /// The resolver has answered for a host.
    pub(super) fn resolved(&mut self, key: usize, answer: Resolved, turn: &mut Turn<'_>) {
        let Some(host) = self.hosts.get_mut(key) else { return };
        let port = host.target.port.unwrap_or(self.settings.channel.port);
        match hops::of(answer, bare(&host.name), port) {
            Ok(hops) => host.found(hops, turn.now.mono),
            Err(fate) => {
                for mut delivery in host.waiting.drain(..) {
                    delivery.settle_all(&fate, turn.desk);
                }
                host.route = Route::Unknown;
            }
        }
        self.list_host(key);
    }

    /// Tries one address after another until a connection is under way; `false` if none is.
    pub(super) fn open(&mut self, key: usize, mut hops: VecDeque<Hop>, turn: &mut Turn<'_>) -> bool {
        let connect_by = turn.now.mono.saturating_add(self.settings.channel.connect_timeout);
        while let Some(hop) = hops.pop_front() {
            let Some(host) = self.hosts.get(key) else { return false };
            let settings = Settings {
                dialect: Dialect::Smtp,
                our_name: self.settings.common.hostname.clone(),
                peer: hop.remote.clone(),
                timeouts: Timeouts::default(),
                protection: host.protection_at(&hop.address),
            };
            let entry = self.connections.vacant_entry();
            let number = entry.key();
            let begun = Connection::start(hop.clone(), hops.clone(), settings, (key, connect_by));
            let watched = begun.and_then(|connection| {
                turn.event_loop.watch(connection.stream(), Self::token(number))?;
                Ok(connection)
            });
            let Some(host) = self.hosts.get_mut(key) else { return false };
            match watched {
                Ok(connection) => {
                    entry.insert(connection);
                    self.connected_hosts += usize::from(host.open == 0);
                    host.open += 1;
                    host.opening += 1;
                    self.timers.set(number, connect_by);
                    return true;
                }
                Err(error) => host.failed(hop.address, unreachable(&hop, &error.to_string())),
            }
        }
        self.exhausted(key, turn);
        false
    }

    /// No address is left to try for a connection.
    fn exhausted(&mut self, key: usize, turn: &mut Turn<'_>) {
        let Some(host) = self.hosts.get_mut(key) else { return };
        if host.open > host.opening {
            host.enough_until = turn.now.mono + ENOUGH;
        } else if host.opening > 0 {
            host.spent = true;
        } else if let Some(why) = host.failure.take() {
            host.spent = false;
            for mut delivery in host.waiting.drain(..) {
                delivery.settle_all(&why, turn.desk);
            }
            // Whatever comes next begins with the first address again.
            host.bad.clear();
        }
    }

    /// Closes an idle connection of any host, so that another host can have one.
    fn make_room(&mut self, now: u64) {
        let Some(idle) = self.hosts.iter_mut().find_map(|(_, host)| host.idle.pop()) else { return };
        if let Some(connection) = self.connections.get_mut(idle) {
            connection.quit(now);
            self.list(idle);
        }
    }
}

/// The fate of a host that cannot be connected to.
pub(super) fn unreachable(hop: &Hop, why: &str) -> Disposition {
    let words = format!("cannot connect to {}: {why}", hop.address);
    let remote = hop.remote.clone();
    Disposition { remote, ..Disposition::local(Outcome::HostDeferred, Status::transient(4, 1), words) }
}

/// How long a host is content with its connections after it refused another, in milliseconds.
const ENOUGH: u64 = 10_000;
