//! The same decisions, told to a person.

use super::expand::{Expansion, expand};
use super::resolve::{Decision, resolve};
use crate::tables::Tables;
use ipc::control::Routed;
use ipc::routing::Verdict;
use proto::address::Mailbox;

/// Where an address goes, as `grange route` tells it: for a client that may relay, with an alias to many expanded.
pub fn explain(address: Option<&Mailbox>, tables: &Tables) -> Vec<Routed> {
    let decision = resolve(address, true, "here", tables);
    let shown = address.map_or_else(|| "postmaster".to_owned(), ToString::to_string);
    let opened = match (address, &decision.verdict) {
        (Some(address), Verdict::Expand) => Some(expand(address, tables)),
        (None, Verdict::Expand) => {
            let postmaster = format!("postmaster@{}", tables.hostname()).parse::<Mailbox>().ok();
            postmaster.map(|address| expand(&address, tables))
        }
        _ => None,
    };
    match opened {
        Some(Ok(all)) => all.into_iter().map(expanded).collect(),
        Some(Err(later)) => {
            let reply = format!("451 {} {}", later.status, later.why);
            vec![Routed { address: shown, route: None, user: None, by: decision.by, reply: Some(reply) }]
        }
        None => vec![decided(shown, decision)],
    }
}

fn expanded(found: Expansion) -> Routed {
    let address = found.address.to_string();
    if found.route.channel == "error" {
        let reply = Some(format!("550 {}", found.route.user));
        return Routed { address, route: None, user: None, by: found.by, reply };
    }
    let route = Some(format!("{}!{}", found.route.channel, found.route.host));
    Routed { address, route, user: Some(found.route.user), by: found.by, reply: None }
}

fn decided(address: String, decision: Decision) -> Routed {
    let by = decision.by;
    match decision.verdict {
        Verdict::Route(route) => Routed {
            address,
            route: Some(format!("{}!{}", route.channel, route.host)),
            user: Some(route.user),
            by,
            reply: None,
        },
        Verdict::Refuse { status, text, .. } => {
            Routed { address, route: None, user: None, by, reply: Some(format!("550 {status} {text}")) }
        }
        Verdict::Defer { status, text } => {
            let why = decision.why.map(|why| format!(" ({why})")).unwrap_or_default();
            Routed { address, route: None, user: None, by, reply: Some(format!("451 {status} {text}{why}")) }
        }
        Verdict::Expand => Routed { address, route: None, user: None, by, reply: None },
    }
}
