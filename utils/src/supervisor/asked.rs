//! What administrators ask: answered here, or passed to the child that knows.

use super::children::Child;
use super::control::Asked;
use super::run::Supervisor;
use super::starting::{Starts, started};
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
    /// A worker wants a queue to be started.
    Start { asker: ChildNumber, session: u64, child: ChildNumber, expires: u64 },
    /// Lines are collected from several children, then become one answer.
    Gather {
        client: usize,
        topic: Topic,
        missing: Vec<ChildNumber>,
        lines: Vec<(Role, String)>,
        expires: u64,
    },
}

/// What several children are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// What they do.
    Status,
    /// How long their operations take.
    Profile,
}

impl Query {
    fn expires(&self) -> u64 {
        match self {
            Self::Relay { expires, .. } | Self::Start { expires, .. } | Self::Gather { expires, .. } => {
                *expires
            }
        }
    }
}

/// All of them, by ticket.
#[derive(Default)]
pub(super) struct Queries {
    open: BTreeMap<u64, Query>,
    last: u64,
    pub(super) starts: Starts,
}

impl Queries {
    /// When the next one has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.open.values().map(Query::expires).min()
    }

    /// Notes a query; gives its ticket.
    pub(super) fn add(&mut self, query: Query) -> u64 {
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
            Request::Status => {
                let keepers = self.ready_children(|child| child.owner.is_none());
                self.gather((client, uid), Topic::Status, keepers, &request);
            }
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
            Request::Profile { order } => self.profile((client, uid), order),
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

    pub(super) fn query(&mut self, child: ChildNumber, (ticket, uid): (u64, u32), request: &Request) {
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

    /// The children that answer questions and are as `wanted`.
    pub(super) fn ready_children(&self, wanted: impl Fn(&Child) -> bool) -> Vec<ChildNumber> {
        self.children.iter().filter(|(_, child)| child.ready && wanted(child)).map(|(n, _)| n).collect()
    }

    /// Asks these children, and answers when all have answered, or have had their time.
    pub(super) fn gather(
        &mut self,
        (client, uid): (usize, u32),
        topic: Topic,
        children: Vec<ChildNumber>,
        request: &Request,
    ) {
        let expires = self.event_loop.now().mono + PATIENCE / 5;
        let query = Query::Gather { client, topic, missing: children.clone(), lines: Vec::new(), expires };
        let ticket = self.queries.add(query);
        for child in children {
            self.query(child, (ticket, uid), request);
        }
        self.finish_gathering(ticket);
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
            Some(&mut Query::Start { asker, session, .. }) if last => {
                self.queries.open.remove(&ticket);
                let messages = started(lines.last());
                self.say(asker, &ToChild::QueueStarted { session, messages });
            }
            Some(Query::Gather { missing, lines: collected, .. }) => {
                if let Some(role) = self.children.get_mut(child).map(|child| child.role) {
                    collected.extend(lines.iter().map(|line| (role, line.clone())));
                }
                if last {
                    missing.retain(|&number| number != child);
                }
                self.finish_gathering(ticket);
            }
            Some(Query::Start { .. }) | None => {}
        }
    }

    fn finish_gathering(&mut self, ticket: u64) {
        let Some(Query::Gather { missing, .. }) = self.queries.open.get(&ticket) else { return };
        if missing.is_empty() {
            self.close_query(ticket);
        }
    }

    /// A child is gone: nobody waits for it any more.
    pub(super) fn forget_answers_of(&mut self, gone: ChildNumber) {
        let mut done = Vec::new();
        for (&ticket, query) in &mut self.queries.open {
            match query {
                Query::Relay { child, .. } | Query::Start { child, .. } if *child == gone => {
                    done.push(ticket)
                }
                Query::Gather { missing, .. } => {
                    missing.retain(|&number| number != gone);
                    if missing.is_empty() {
                        done.push(ticket);
                    }
                }
                Query::Relay { .. } | Query::Start { .. } => {}
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
            Some(Query::Start { asker, session, .. }) => {
                self.say(asker, &ToChild::QueueStarted { session, messages: None });
            }
            Some(Query::Gather { client, topic, lines, .. }) => {
                let (lines, end) = match topic {
                    Topic::Status => {
                        let said: Vec<FarmLine> =
                            lines.iter().filter_map(|(_, line)| serde_json::from_str(line).ok()).collect();
                        (serde_json::to_string(&self.status(&said)).into_iter().collect(), End::done(1))
                    }
                    Topic::Profile => self.profiled(&lines),
                };
                self.control.say(client, lines.iter().map(String::as_str));
                self.control.end(client, &end);
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
