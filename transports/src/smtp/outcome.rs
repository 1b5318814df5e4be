//! What comes back from a connection, and what follows from it.

use super::Smtp;
use super::connection::{Connection, Event};
use super::dispatch::unreachable;
use crate::agent::Turn;
use farm::profile::Operation;
use proto::disposition::{Disposition, Outcome};
use proto::status::Status;

impl Smtp {
    /// Looks at what happened on a connection.
    pub(super) fn digest(&mut self, key: usize, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        for event in std::mem::take(&mut connection.events) {
            self.note(key, event, turn);
        }
        let Some(connection) = self.connections.get(key) else { return };
        if connection.is_closed() {
            self.bury(key, turn);
            return;
        }
        if connection.is_idle() {
            self.rest(key, turn);
        }
        match self.connections.get(key).and_then(Connection::deadline) {
            Some(at) => self.timers.set(key, at),
            None => drop(self.timers.cancel(key)),
        }
    }

    fn note(&mut self, key: usize, event: Event, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(host) = self.hosts.get_mut(connection.host) else { return };
        match event {
            Event::Settled(index, mut disposition) => {
                disposition.tls.clone_from(&connection.tls);
                if let Some(delivery) = &mut connection.delivery {
                    delivery.settled(index, disposition, turn.desk);
                }
            }
            Event::Followed => {
                host.pace.took(turn.now.mono.saturating_sub(connection.since));
                self.hurries.cancel(connection.host);
                let ended = connection.delivery.take();
                connection.promote(turn.now.mono);
                if let Some(mut ended) = ended
                    && ended.goes_on(turn.desk)
                {
                    host.waiting.push_front(ended);
                }
                self.have_turn(key);
            }
            Event::Returned => {
                if connection.strode {
                    host.pace.stumbles();
                }
                match connection.delivery.take() {
                    Some(delivery) if self.winding_up => turn.desk.forget(delivery.work.ticket),
                    Some(delivery) => host.waiting.push_front(delivery),
                    None => {}
                }
            }
            Event::Overdue => {
                host.pace.slows();
                if let Some((delivery, _)) = connection.take_back() {
                    host.waiting.push_front(delivery);
                    let host = connection.host;
                    self.list_host(host);
                }
            }
            Event::Unusable(why) => host.failed(connection.hop.address, why),
            Event::Insecure(why) => {
                log::info!("TLS with {}: {why}; trying without", connection.hop.remote);
                host.plain.insert(connection.hop.address);
                connection.others.push_front(connection.hop.clone());
            }
            Event::Unreachable(why) => {
                host.failed(connection.hop.address, unreachable(&connection.hop, &why));
            }
        }
    }

    /// A connection is closed: its job, if it has one, ends here; an attempt to connect goes on elsewhere.
    fn bury(&mut self, key: usize, turn: &mut Turn<'_>) {
        let Some(mut connection) = self.remove(key, turn) else { return };
        let Some(host) = self.hosts.get_mut(connection.host) else { return };
        match connection.take_back() {
            Some((next, _)) if self.winding_up => turn.desk.forget(next.work.ticket),
            Some((next, _)) => host.waiting.push_front(next),
            None => {}
        }
        if let Some(mut delivery) = connection.delivery.take() {
            if delivery.goes_on(turn.desk) {
                host.waiting.push_front(delivery);
            } else {
                // All are settled by now; if one were not, this says so instead of keeping the job for ever.
                let words = "connection closed";
                let rest = Disposition::local(Outcome::Deferred, Status::transient(4, 2), words);
                delivery.settle_all(&rest, turn.desk);
            }
        }
        if connection.opening && !host.waiting.is_empty() && !self.winding_up {
            self.open(connection.host, connection.others, turn);
        }
    }

    /// Takes a connection out of all tables.
    pub(super) fn remove(&mut self, key: usize, turn: &Turn<'_>) -> Option<Connection> {
        let connection = self.connections.try_remove(key)?;
        turn.event_loop.forget(connection.stream());
        self.timers.cancel(key);
        if let Some(host) = self.hosts.get_mut(connection.host) {
            host.closed(key, connection.opening);
            self.connected_hosts -= usize::from(host.open == 0);
        }
        // Those who wait for a connection to close come before the host that had it.
        for host in std::mem::take(&mut self.starving) {
            self.list_host(host);
        }
        self.list_host(connection.host);
        Some(connection)
    }

    /// A connection has begun another job: the host is quick or not, and one more job may wait.
    fn have_turn(&mut self, key: usize) {
        self.make_roomy(key);
        let Some(connection) = self.connections.get(key) else { return };
        let number = connection.host;
        if self.hosts.get(number).is_some_and(|host| !host.waiting.is_empty()) {
            self.list_host(number);
        }
    }

    /// A session is idle: it goes on with the same job, or the one behind it, or waits for the next, or ends.
    fn rest(&mut self, key: usize, turn: &mut Turn<'_>) {
        let now = turn.now.mono;
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(host) = self.hosts.get_mut(connection.host) else { return };
        host.roomy.retain(|&other| other != key);
        if std::mem::take(&mut connection.opening) {
            connection.begun.end(Operation::Connect);
            connection.others.clear();
            host.serves(connection.hop.address);
        }
        if let Some(mut delivery) = connection.delivery.take() {
            host.pace.took(now.saturating_sub(connection.since));
            self.hurries.cancel(connection.host);
            if delivery.goes_on(turn.desk) {
                if connection.is_spent() {
                    host.waiting.push_front(delivery);
                } else {
                    if let Some(content) = connection.open(&mut delivery, &mut self.scratch, turn.desk) {
                        connection.begin(delivery, content, now);
                    }
                    return self.list(key);
                }
            }
        }
        if !connection.is_spent()
            && let Some((delivery, Some(content))) = connection.take_back()
        {
            connection.served += 1;
            connection.begin(delivery, content, now);
            self.make_roomy(key);
            return self.list(key);
        }
        let needed_elsewhere = !self.starving.is_empty() && host.waiting.is_empty();
        let spent = connection.is_spent() || connection.served >= host.limits.messages;
        let stale = !host.allows(connection.protection());
        if self.winding_up || needed_elsewhere || spent || stale {
            connection.quit(now);
            self.list(key);
            return;
        }
        if !host.idle.contains(&key) {
            connection.idle_by = Some(now.saturating_add(self.settings.channel.idle));
            connection.output.shrink();
            connection.spare.shrink();
            host.idle.push(key);
        }
        let host = connection.host;
        self.list_host(host);
    }
}
