//! The answer while the client waits.

use super::local::user_of;
use super::step::{Outcome, Step, step};
use crate::tables::Tables;
use farm::tables::Target;
use ipc::routing::Verdict;
use proto::address::{Mailbox, folded};
use proto::status::Status;

/// A verdict and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The rules that decided, in their order: `alias (aliases:3), local user`.
    pub by: String,
    /// What the operator should know and the client should not: why a table could not be asked.
    pub why: Option<String>,
    /// See [`ipc::routing::Answer::whole_domain`].
    pub whole_domain: bool,
}

impl Decision {
    fn new(verdict: Verdict, by: String, why: Option<String>) -> Self {
        Self { verdict, by, why, whole_domain: false }
    }
}

/// Where a recipient goes. `None` is the bare `<Postmaster>`: the postmaster of this host, for whom no permission is
/// needed (RFC 5321 section 4.5.1). `client` is who asks, for the words of a refusal.
///
/// An alias with a single target is followed here; one with several, or with a list, is left to [`super::expand()`].
pub fn resolve(address: Option<&Mailbox>, may_relay: bool, client: &str, tables: &Tables) -> Decision {
    let Some(address) = address else {
        return match at("postmaster", tables.hostname()) {
            Some(address) => walk(&address, step(&address, None, tables), tables),
            None => Decision::new(
                later(Status::transient(3, 5), "postmaster"),
                "postmaster".to_owned(),
                Some(format!("the host name {} makes no address", tables.hostname())),
            ),
        };
    };
    let relay = (!may_relay).then_some(client);
    let decision = walk(address, step(address, relay, tables), tables);
    let whole_domain = is_for_himself(&decision.verdict, address) && tables.is_uniform(address.domain());
    Decision { whole_domain, ..decision }
}

/// The route leads the recipient to wherever it leads, under the recipient's own address.
fn is_for_himself(verdict: &Verdict, address: &Mailbox) -> bool {
    matches!(verdict, Verdict::Route(route) if route.user == address.to_string())
}

fn walk<'a>(asked: &Mailbox, first: Step<'a>, tables: &'a Tables) -> Decision {
    let mut at_step = first;
    let mut here = asked.clone();
    let mut seen: Vec<String> = Vec::new();
    let mut rules: Vec<String> = Vec::new();
    loop {
        rules.push(at_step.by);
        let by = || rules.join(", ");
        let (name, targets) = match at_step.outcome {
            Outcome::Alias { name, targets } => (name, targets),
            Outcome::Route(route) => return Decision::new(Verdict::Route(route), by(), None),
            Outcome::Refuse(status, text) => {
                return Decision::new(Verdict::Refuse { status, text, by: by() }, by(), None);
            }
            Outcome::Defer(status, why) => {
                return Decision::new(later(status, asked), by(), Some(why));
            }
        };
        let [target] = targets else {
            return Decision::new(Verdict::Expand, by(), None);
        };
        if seen.contains(&name) || seen.len() >= DEEPEST {
            return Decision::new(looping(asked), by(), None);
        }
        let Some((next, last)) = single(target, &name, &here) else {
            return Decision::new(Verdict::Expand, by(), None);
        };
        at_step = if last { user_of(&next, tables) } else { step(&next, None, tables) };
        here = next;
        seen.push(name);
    }
}

/// Deepest nesting of aliases.
pub(super) const DEEPEST: usize = 50;

/// The address that a target means, and whether it is a user without another look into the aliases; `None` for a
/// list and for what is no address. A name without a domain is in the domain of the alias, an alias to its own name
/// means the user.
pub(super) fn single(target: &Target, alias: &str, address: &Mailbox) -> Option<(Mailbox, bool)> {
    let domain = address.domain();
    match target {
        Target::Address(text) => Mailbox::from_unicode(text).ok().map(|address| (address, false)),
        Target::Local(name) => at(name, domain).map(|next| (next, folded(name) == alias)),
        Target::Final(name) => at(name, domain).map(|next| (next, true)),
        Target::Include(_) => None,
    }
}

/// The words for an alias that leads nowhere.
pub(super) fn looping_text(address: &Mailbox) -> (Status, String) {
    (Status::permanent(4, 6), format!("<{address}> is an alias that leads back to itself"))
}

fn looping(address: &Mailbox) -> Verdict {
    let (status, text) = looping_text(address);
    Verdict::Refuse { status, text, by: "alias loop".to_owned() }
}

fn later(status: Status, address: impl std::fmt::Display) -> Verdict {
    Verdict::Defer { status, text: format!("<{address}> cannot be decided now; try again later") }
}

fn at(name: &str, domain: impl std::fmt::Display) -> Option<Mailbox> {
    format!("{name}@{domain}").parse().ok()
}
