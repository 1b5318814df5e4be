//! Answers: where an address goes, and why.

use super::run::Worker;
use crate::routing;
use crate::tables::Tables;
use ipc::control::Routed;
use ipc::router_worker::FromRouterWorker;
use proto::address::Mailbox;

/// Results that are told of one address.
const LINES: usize = 1_000;

/// Members of a list that are told.
const MEMBERS: usize = 100;

impl Worker {
    /// Answers a question.
    pub(super) fn answer(
        &mut self,
        ticket: u64,
        address: Option<&Mailbox>,
        may_relay: bool,
        client: &str,
        members: bool,
    ) {
        let decision = routing::resolve(address, may_relay, client, &self.tables);
        if let Some(why) = &decision.why {
            log::warn!("{}: {why}", address.map_or_else(|| "postmaster".into(), ToString::to_string));
        }
        let generation = self.tables.generation();
        let routing::Decision { verdict, whole_domain, .. } = decision;
        let members =
            address.filter(|_| members).map_or_else(Vec::new, |list| members_of(list, &self.tables));
        self.settle(&FromRouterWorker::Verdict { ticket, generation, verdict, whole_domain, members });
    }

    /// Explains how an address is routed.
    pub(super) fn explain(&mut self, ticket: u64, address: &str) {
        let results = explained(address, &self.tables);
        let lines = results.iter().take(LINES).filter_map(|routed| serde_json::to_string(routed).ok());
        self.settle(&FromRouterWorker::Explained { ticket, lines: lines.collect() });
    }
}

/// The recipients for whom an address stands; none if a table cannot be asked now.
fn members_of(address: &Mailbox, tables: &Tables) -> Vec<String> {
    let all = routing::expand(address, tables).unwrap_or_default();
    all.into_iter().take(MEMBERS).map(|found| found.address.to_string()).collect()
}

/// What a person typed, explained: an address, in angle brackets or not; a name without a domain is one of this host.
pub(super) fn explained(typed: &str, tables: &Tables) -> Vec<Routed> {
    let text = typed.trim();
    let text = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
    let whole = if text.contains('@') { text.to_owned() } else { format!("{text}@{}", tables.hostname()) };
    match Mailbox::from_unicode(&whole) {
        Ok(address) => routing::explain(Some(&address), tables),
        Err(error) => vec![Routed {
            address: typed.to_owned(),
            route: None,
            user: None,
            by: "not an address".to_owned(),
            reply: Some(format!("501 5.1.3 {error}")),
        }],
    }
}
