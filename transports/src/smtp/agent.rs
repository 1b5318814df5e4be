//! The tables of the SMTP agent, and a turn of its loop.

use super::connection::Connection;
use super::delivery::Delivery;
use super::demand;
use super::host::Host;
use super::limits::Limits;
use super::securing::Trust;
use super::target::Target;
use crate::agent::{Dial, Settings, Ticket, Transport, Turn, Work};
use farm::event_loop::Ready;
use farm::resolver::{Answer, Resolver};
use farm::timers::Timers;
use ipc::resolve::{Query, Reply};
use proto::client::{Protection, Stage};
use proto::disposition::{Disposition, Outcome};
use proto::message::printable;
use proto::status::Status;
use slab::Slab;
use std::collections::{HashMap, VecDeque};

/// Delivers over SMTP. See the head of [`super`].
pub struct Smtp {
    pub(super) settings: Settings,
    pub(super) hosts: Slab<Host>,
    /// Hosts by their keys.
    pub(super) names: HashMap<String, usize>,
    /// What TLS needs.
    pub(super) trust: Trust,
    pub(super) connections: Slab<Connection>,
    pub(super) resolver: Resolver<String>,
    pub(super) timers: Timers<usize>,
    /// When what waits for a quick host has waited too long.
    pub(super) hurries: Timers<usize>,
    /// Hosts with a connection.
    pub(super) connected_hosts: usize,
    /// Connections with something to do.
    pub(super) listed: VecDeque<usize>,
    /// Hosts to be looked at.
    pub(super) to_serve: VecDeque<usize>,
    /// Hosts that wait for another host's connection to close.
    pub(super) starving: Vec<usize>,
    /// No transaction is begun any more.
    pub(super) winding_up: bool,
    pub(super) scratch: Vec<u8>,
}

impl Smtp {
    /// Nothing to do yet; `resolver` makes channels to the resolver.
    pub fn new(settings: &Settings, resolver: Dial<Query, Reply>) -> Self {
        Self {
            settings: settings.clone(),
            hosts: Slab::new(),
            names: HashMap::new(),
            trust: Trust::new(settings.channel.tls_ca.clone()),
            connections: Slab::new(),
            resolver: Resolver::new(resolver, RESOLVER, usize::MAX),
            timers: Timers::new(),
            hurries: Timers::new(),
            connected_hosts: 0,
            listed: VecDeque::new(),
            to_serve: VecDeque::new(),
            starving: Vec::new(),
            winding_up: false,
            scratch: Vec::new(),
        }
    }

    /// Connections at the same time, all together.
    pub(super) fn most(&self) -> usize {
        let share = self.settings.share(self.settings.channel.sessions);
        usize::try_from(share).unwrap_or(usize::MAX)
    }

    /// The loop's token of a connection.
    pub(super) fn token(key: usize) -> usize {
        FIRST_CONNECTION + key
    }

    /// Puts a connection into the list of those that have something to do.
    pub(super) fn list(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key)
            && !std::mem::replace(&mut connection.listed, true)
        {
            self.listed.push_back(key);
        }
    }

    /// Puts a host into the list of those that have to be looked at.
    pub(super) fn list_host(&mut self, key: usize) {
        if let Some(host) = self.hosts.get_mut(key)
            && !std::mem::replace(&mut host.listed, true)
        {
            self.to_serve.push_back(key);
        }
    }

    /// The table entry of the host of a job; one of its own for jobs that need more TLS or less than others.
    fn host_of(&mut self, work: &Work) -> Option<usize> {
        let name = &work.job.host;
        let (key, rule) = match self.names.get(name) {
            Some(&key) => (key, self.hosts.get(key)?.limits.protection),
            None => {
                let limits = Limits::of(name, &self.settings.channel);
                let key = self.hosts.insert(Host::new(name, Target::parse(name)?, limits));
                self.names.insert(name.to_owned(), key);
                (key, limits.protection)
            }
        };
        let demand = demand::of_job(work, rule, &mut self.scratch);
        if demand == rule { Some(key) } else { self.host_with(work, demand) }
    }

    fn host_with(&mut self, work: &Work, demand: Protection) -> Option<usize> {
        let name = &work.job.host;
        let key = demand::key(name, demand);
        if let Some(&number) = self.names.get(&key) {
            return Some(number);
        }
        let limits = Limits::of(name, &self.settings.channel);
        let host =
            Host { demand: Some(demand), key: key.clone(), ..Host::new(name, Target::parse(name)?, limits) };
        let number = self.hosts.insert(host);
        self.names.insert(key, number);
        Some(number)
    }

    fn answered(&mut self, answers: Vec<Answer<String>>, turn: &mut Turn<'_>) {
        for Answer { who, result, .. } in answers {
            if let Some(&key) = self.names.get(&who) {
                self.resolved(key, result, turn);
            }
        }
    }

    fn drive(&mut self, key: usize, turn: &mut Turn<'_>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.listed = false;
        if connection.delivery.is_some() && matches!(connection.stage(), Stage::Content | Stage::EndOfData) {
            turn.perhaps_die();
        }
        let mut more = connection.pump(turn.now.mono, &mut self.scratch);
        if connection.wants_tls() {
            connection.secure(&mut self.trust, turn.now);
            more = true;
        }
        self.digest(key, turn);
        if more {
            self.list(key);
        }
    }

    fn expire(&mut self, now: u64) {
        while let Some(key) = self.timers.due(now) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.expire(now);
                self.list(key);
            }
        }
        while let Some(key) = self.hurries.due(now) {
            if let Some(host) = self.hosts.get_mut(key) {
                host.pace.slows();
                self.list_host(key);
            }
        }
    }
}

impl Transport for Smtp {
    fn capacity(&self) -> u32 {
        // A job more for each session, so that a connection finds its next one waiting.
        self.settings.share(self.settings.channel.sessions).saturating_mul(2)
    }

    fn take(&mut self, work: Work, turn: &mut Turn<'_>) {
        let mut delivery = Delivery::new(work, turn.now);
        match self.host_of(&delivery.work) {
            Some(key) => {
                if let Some(host) = self.hosts.get_mut(key) {
                    host.waiting.push_back(delivery);
                }
                self.list_host(key);
            }
            None => delivery.settle_all(&no_host(&delivery.work.job.host), turn.desk),
        }
    }

    fn ready(&mut self, ready: Ready, turn: &mut Turn<'_>) {
        if ready.token == RESOLVER {
            let answers = self.resolver.receive(turn.event_loop, turn.now.mono);
            self.answered(answers, turn);
        } else if let Some(key) = ready.token.checked_sub(FIRST_CONNECTION)
            && let Some(connection) = self.connections.get_mut(key)
        {
            connection.note_ready(ready.readable, ready.writable, ready.ended);
            self.list(key);
        }
    }

    fn work(&mut self, turn: &mut Turn<'_>) -> bool {
        self.expire(turn.now.mono);
        for _ in 0..STEPS {
            while let Some(host) = self.to_serve.pop_front() {
                self.serve(host, turn);
            }
            let Some(key) = self.listed.pop_front() else { break };
            self.drive(key, turn);
        }
        let answers = self.resolver.tick(turn.event_loop, turn.now.mono);
        self.answered(answers, turn);
        !self.listed.is_empty() || !self.to_serve.is_empty()
    }

    fn deadline(&mut self) -> Option<u64> {
        [self.timers.next_at(), self.hurries.next_at(), self.resolver.deadline()].into_iter().flatten().min()
    }

    fn abandon(&mut self, turn: &mut Turn<'_>) -> Vec<Ticket> {
        let mut kept = Vec::new();
        let mut given_up = Vec::new();
        for (key, connection) in &mut self.connections {
            let past_the_dot = connection.stage() == Stage::EndOfData;
            match &mut connection.delivery {
                Some(delivery) if past_the_dot => {
                    delivery.stop_after_this();
                    kept.push(delivery.work.ticket);
                    drop(connection.take_back());
                }
                Some(_) => given_up.push(key),
                None if connection.opening => given_up.push(key),
                None => {}
            }
        }
        for (_, host) in &mut self.hosts {
            host.waiting.clear();
        }
        given_up.into_iter().for_each(|key| drop(self.remove(key, turn)));
        self.list_all_hosts();
        kept
    }

    fn wind_up(&mut self, turn: &mut Turn<'_>) {
        self.winding_up = true;
        for (_, host) in &mut self.hosts {
            host.waiting.drain(..).for_each(|delivery| turn.desk.forget(delivery.work.ticket));
            host.idle.clear();
            host.roomy.clear();
        }
        let mut given_up = Vec::new();
        let mut listed = Vec::new();
        for (key, connection) in &mut self.connections {
            match &mut connection.delivery {
                Some(delivery) => {
                    delivery.stop_after_this();
                    if let Some((next, _)) = connection.take_back() {
                        turn.desk.forget(next.work.ticket);
                    }
                }
                None if connection.opening => given_up.push(key),
                None => {
                    connection.quit(turn.now.mono);
                    listed.push(key);
                }
            }
        }
        given_up.into_iter().for_each(|key| drop(self.remove(key, turn)));
        listed.into_iter().for_each(|key| self.list(key));
        self.list_all_hosts();
    }

    fn is_quiet(&self) -> bool {
        self.connections.is_empty()
    }

    fn reload(&mut self, settings: &Settings) {
        self.trust = Trust::new(settings.channel.tls_ca.clone());
        self.settings = settings.clone();
        for (_, host) in &mut self.hosts {
            host.limits = Limits::of(&host.name, &settings.channel);
        }
        self.dismiss_unprotected();
        self.list_all_hosts();
    }

    fn gauges(&self) -> (u32, u32) {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (number(self.connections.len()), number(self.connected_hosts))
    }

    fn warm(&self) -> Vec<String> {
        let idle = self.hosts.iter().filter(|(_, host)| !host.idle.is_empty());
        idle.filter(|(_, host)| host.demand.is_none())
            .map(|(_, host)| host.name.clone())
            .take(WARMEST)
            .collect()
    }
}

impl Smtp {
    /// Connections made by another rule carry nothing more.
    fn dismiss_unprotected(&mut self) {
        let mut dismissed = Vec::new();
        for (key, connection) in &mut self.connections {
            let Some(host) = self.hosts.get_mut(connection.host) else { continue };
            if !host.allows(connection.protection()) {
                host.idle.retain(|&other| other != key);
                host.roomy.retain(|&other| other != key);
                dismissed.push(key);
                if connection.is_idle() {
                    connection.quit(connection.since);
                }
            }
        }
        dismissed.into_iter().for_each(|key| self.list(key));
    }

    fn list_all_hosts(&mut self) {
        let all: Vec<usize> = self.hosts.iter().map(|(key, _)| key).collect();
        all.into_iter().for_each(|key| self.list_host(key));
    }
}

fn no_host(host: &str) -> Disposition {
    let words = format!("\"{}\" in a route is no host; see grange-routes(5)", printable(host));
    Disposition::local(Outcome::HostDeferred, Status::transient(3, 5), words)
}

/// The token of the channel to the resolver.
const RESOLVER: usize = Turn::FIRST_TOKEN;

/// The token of the first connection.
const FIRST_CONNECTION: usize = Turn::FIRST_TOKEN + 1;

/// Connections that are worked on in one turn at most.
const STEPS: usize = 2_048;

/// How many warm hosts the scheduler is told of.
const WARMEST: usize = 32;
