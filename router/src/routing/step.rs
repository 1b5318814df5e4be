//! One step: from an address to its route, its alias, a refusal, or "not now".

use super::local::local;
use crate::tables::{Lookup, RouteFound, Tables};
use farm::tables::Target;
use proto::address::{Domain, Mailbox, folded};
use proto::envelope::Route;
use proto::status::Status;

/// What one step has brought, and the rule that decided.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// What it is.
    pub(super) outcome: Outcome<'a>,
    /// The rule: `local user`, `alias (aliases:3)`, `routes:7`, `MX lookup`.
    pub(super) by: String,
}

/// What a step can bring.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// It goes there.
    Route(Route),
    /// It is an alias of this name (in lower case); its targets are to be walked in turn.
    Alias {
        /// The name that has the alias.
        name: String,
        /// Where it leads.
        targets: &'a [Target],
    },
    /// No.
    Refuse(Status, String),
    /// Not now; the reason is the operator's.
    Defer(Status, String),
}

impl<'a> Step<'a> {
    pub(super) fn new(outcome: Outcome<'a>, by: impl Into<String>) -> Self {
        Self { outcome, by: by.into() }
    }

    /// A table cannot be asked now.
    pub(super) fn temporary(why: String) -> Self {
        Self::new(Outcome::Defer(Status::transient(3, 0), why), "table not available")
    }

    /// A table makes no sense.
    pub(super) fn broken(why: String) -> Self {
        Self::new(Outcome::Defer(Status::transient(3, 5), why), "table broken")
    }
}

/// One step for `address`. `relay` is who may not relay (for the words), or nothing if relaying is allowed.
pub(super) fn step<'a>(address: &Mailbox, relay: Option<&str>, tables: &'a Tables) -> Step<'a> {
    let domain = address.domain();
    let is_local = tables.is_local(domain);
    if let (Some(client), false) = (relay, is_local) {
        let text = format!("relaying to {domain} is not allowed from {client}; authenticate on port 587");
        return Step::new(Outcome::Refuse(Status::permanent(7, 1), text), "relaying not allowed");
    }
    let name = domain.canonical().to_ascii_lowercase();
    let exact = format!("{}@{name}", folded(address.local_part()));
    let mut found = tables.route(&exact).or_else(|| tables.route(&name));
    if matches!(found, Lookup::NotFound) {
        if is_local {
            return local(address, tables);
        }
        found = wide(domain, &name, tables);
    }
    match found {
        Lookup::Found(found) => follow(address, &found, tables),
        Lookup::NotFound => exchangers(address),
        Lookup::Temporary(why) => Step::temporary(why),
        Lookup::Broken(why) => Step::broken(why),
    }
}

/// The routes for everything below a domain, from the longest, and for everything.
fn wide<'a>(domain: &Domain, name: &str, tables: &'a Tables) -> Lookup<RouteFound<'a>> {
    if matches!(domain, Domain::Name(_)) {
        for (dot, _) in name.match_indices('.') {
            match tables.route(name.get(dot..).unwrap_or_default()) {
                Lookup::NotFound => {}
                answer => return answer,
            }
        }
    }
    tables.route(".")
}

fn exchangers<'a>(address: &Mailbox) -> Step<'a> {
    let by = match address.domain() {
        Domain::Name(_) => "MX lookup",
        Domain::Literal(_) => "address literal",
    };
    Step::new(Outcome::Route(smtp(address, "")), by)
}

fn smtp(address: &Mailbox, host: &str) -> Route {
    let host = if host.is_empty() { address.domain().canonical().into_owned() } else { host.to_owned() };
    Route { channel: "smtp".to_owned(), host, user: address.to_string() }
}

fn follow<'a>(address: &Mailbox, found: &RouteFound<'a>, tables: &'a Tables) -> Step<'a> {
    let hop = found.hop;
    let outcome = match hop.channel.as_str() {
        "error" => refuse(&hop.host),
        "mailbox" => {
            let name = if hop.host.is_empty() { address.user() } else { hop.host.clone() };
            return super::local::user_step(address, tables.user(&name), &found.by);
        }
        "smtp" => Outcome::Route(smtp(address, &hop.host)),
        // What stands for the host is the reason, which the operator reads in the queue.
        channel => Outcome::Route(Route {
            channel: channel.to_owned(),
            host: if hop.host.is_empty() {
                address.domain().canonical().into_owned()
            } else {
                hop.host.clone()
            },
            user: address.to_string(),
        }),
    };
    Step::new(outcome, found.by.clone())
}

/// The text of `error!`, which may begin with a status of class 4 or 5.
fn refuse<'a>(text: &str) -> Outcome<'a> {
    match Status::split(text) {
        Some((status, rest)) if status.class() == 5 => Outcome::Refuse(status, rest.to_owned()),
        Some((status, rest)) if status.class() == 4 => Outcome::Defer(status, rest.to_owned()),
        _ => Outcome::Refuse(Status::permanent(7, 1), text.to_owned()),
    }
}
