//! What administrators ask: answered here, or passed to the child that knows.

use super::control::Asked;
use super::run::Supervisor;
use farm::exit::Exit;
use farm::journal::ProgramEvent;
use ipc::Role;
use ipc::control::{End, FarmLine, Request};
use ipc::supervisor::{ChildNumber, ToChild};
use std::collections::BTreeMap;

/// How long a child may take to answer, in milliseconds.
const PATIENCE: u64 = 10_000;

/// A query that children have not answered yet.
pub(super) enum Query {
    /// Lines go to the client as they come.
    Relay { client: usize, child: ChildNumber, expires: u64 },
    /// Lines are collected from several children, then become one answer.
    Status { client: usize, missing: Vec<ChildNumber>, lines: Vec<FarmLine>, expires: u64 },
}

impl Query {
    fn expires(&self) -> u64 {
        match self {
            Self::Relay { expires, .. } | Self::Status { expires, .. } => *expires,
        }
    }
}

/// All of them, by ticket.
#[derive(Default)]
pub(super) struct Queries {
    open: BTreeMap<u64, Query>,
    last: u64,
}

impl Queries {
    /// When the next one has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.open.values().map(Query::expires).min()
    }

    fn add(&mut self, query: Query) -> u64 {
        self.last += 1;
        self.open.insert(self.last, query);
        self.last
    }
}

impl Supervisor {
    /// Serves one request.
    pub(super) fn asked(&mut self, asked: Asked) {
        let (client, uid) = (asked.client, asked.uid);
        let request = match asked.request {
            Ok(request) => request,
            Err(why) => return self.refuse(client, Exit::Software, why),
        };
        match request {
            Request::Status => self.ask_status(client, uid),
            Request::Stop => self.stop("grange stop", Some(client)),
            Request::Reload => {
                let (ok, messages) = match self.reload() {
                    Ok(remarks) => (true, remarks),
                    Err(problems) => (false, problems),
                };
                let code = if ok { 0 } else { Exit::Config.code() };
                let end = End { ok, count: 0, messages, code };
                self.control.end(client, &end);
            }
            Request::Route { .. } => self.relay((client, uid), Role::RouterMultiplexer, &request),
            Request::Fault { ref point, times } => self.fault(client, uid, (point, times), &request),
            _ => self.relay((client, uid), Role::Scheduler, &request),
        }
    }

    fn refuse(&mut self, client: usize, exit: Exit, why: String) {
        self.control.end(client, &End::refused(exit.code(), why));
    }

    fn relay(&mut self, (client, uid): (usize, u32), role: Role, request: &Request) {
        let Some(child) = self.children.keeper_of(role) else {
            return self.refuse(
                client,
                Exit::Unavailable,
                format!("the {role} is not running; the journal says why"),
            );
        };
        let expires = self.event_loop.now().mono + PATIENCE;
        let ticket = self.queries.add(Query::Relay { client, child, expires });
        self.query(child, (ticket, uid), request);
    }

    fn query(&mut self, child: ChildNumber, (ticket, uid): (u64, u32), request: &Request) {
        let request = serde_json::to_string(request).unwrap_or_default();
        self.say(child, &ToChild::Query { ticket, uid, request });
    }

    fn fault(&mut self, client: usize, uid: u32, (point, times): (&str, u32), request: &Request) {
        // The user of the programs may look after the queue, but not break things on purpose.
        if uid != 0 && sys::privilege::is_root() {
            return self.refuse(
                client,
                Exit::Permission,
                format!("user id {uid} may not set faults; only root may"),
            );
        }
        if !Role::ALL.iter().any(|role| point.starts_with(&format!("{role}/"))) {
            return self.refuse(
                client,
                Exit::Usage,
                format!("no program is named in {point:?}; write PROGRAM/POINT"),
            );
        }
        let by = format!("uid {uid}");
        self.write(ProgramEvent::Fault { point, times, by: &by });
        let request = serde_json::to_string(request).unwrap_or_default();
        self.tell_all(&ToChild::Query { ticket: 0, uid, request });
        self.control.end(client, &End::done(1));
    }

    fn ask_status(&mut self, client: usize, uid: u32) {
        let children: Vec<ChildNumber> =
            self.children.iter().filter(|(_, c)| c.owner.is_none() && c.ready).map(|(n, _)| n).collect();
        let expires = self.event_loop.now().mono + PATIENCE / 5;
        let query = Query::Status { client, missing: children.clone(), lines: Vec::new(), expires };
        let ticket = self.queries.add(query);
        for child in children {
            self.query(child, (ticket, uid), &Request::Status);
        }
        self.finish_status(ticket);
    }

    /// A child answers.
    pub(super) fn answered(&mut self, ticket: u64, child: ChildNumber, lines: &[String], last: bool) {
        let now = self.event_loop.now().mono;
        match self.queries.open.get_mut(&ticket) {
            Some(Query::Relay { client, expires, .. }) => {
                *expires = now + PATIENCE;
                self.control.say(*client, lines.iter().map(String::as_str));
                if last {
                    self.queries.open.remove(&ticket);
                }
            }
            Some(Query::Status { missing, lines: collected, .. }) => {
                collected.extend(lines.iter().filter_map(|line| serde_json::from_str(line).ok()));
                if last {
                    missing.retain(|&number| number != child);
                }
                self.finish_status(ticket);
            }
            None => {}
        }
    }

    fn finish_status(&mut self, ticket: u64) {
        let Some(Query::Status { missing, .. }) = self.queries.open.get(&ticket) else { return };
        if missing.is_empty() {
            self.close_query(ticket);
        }
    }

    /// A child is gone: nobody waits for it any more.
    pub(super) fn forget_answers_of(&mut self, gone: ChildNumber) {
        let mut done = Vec::new();
        for (&ticket, query) in &mut self.queries.open {
            match query {
                Query::Relay { child, .. } if *child == gone => done.push(ticket),
                Query::Status { missing, .. } => {
                    missing.retain(|&number| number != gone);
                    if missing.is_empty() {
                        done.push(ticket);
                    }
                }
                Query::Relay { .. } => {}
            }
        }
        for ticket in done {
            self.close_query(ticket);
        }
    }

    /// Ends the queries that have waited too long.
    pub(super) fn expire_queries(&mut self, now: u64) {
        let late: Vec<u64> =
            self.queries.open.iter().filter(|(_, query)| query.expires() <= now).map(|(&t, _)| t).collect();
        for ticket in late {
            self.close_query(ticket);
        }
    }

    fn close_query(&mut self, ticket: u64) {
        match self.queries.open.remove(&ticket) {
            Some(Query::Relay { client, .. }) => {
                self.refuse(
                    client,
                    Exit::Temporary,
                    "no answer in time, or the process restarted; ask again".into(),
                );
            }
            Some(Query::Status { client, lines, .. }) => {
                let line = serde_json::to_string(&self.status(&lines)).unwrap_or_default();
                self.control.say(client, [line.as_str()]);
                self.control.end(client, &End::done(1));
            }
            None => {}
        }
    }

    /// Everything has ended: tell those who asked for it.
    pub(super) fn finish_stop(&mut self) {
        let clients = self.stopping.take().map(|stop| stop.clients).unwrap_or_default();
        for client in clients {
            self.control.end(client, &End::done(0));
        }
    }
}
