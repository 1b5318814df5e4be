//! Which hosts take the mail of a domain, and in which order.
//!
//! Decides from MX records, and later from the addresses of their hosts, what to answer. It asks nobody: records,
//! addresses and chance come in as arguments.
//!
//! Invariants: equals stand in an order by chance, never before a better one; this host and everything not better
//! than it is never in the list; an answer "not found" is given only if every host is known to be useless.
//!
//! Source: RFC 5321 section 5.1 (order, loops, implicit MX), RFC 7505 (null MX).

use crate::answer::{Addresses, Negative};
use crate::shuffle::Chance;
use ipc::resolve::{Exchanger, Resolved};

/// One MX record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mx {
    /// Lower is better.
    pub preference: u16,
    /// The name of the host in lower case without a closing dot; empty for the root.
    pub name: String,
}

/// What follows from the MX records alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Find out the addresses of these hosts, best first. Never empty.
    Ask(Vec<Mx>),
    /// Nothing more is to be asked.
    Settled(Resolved),
}

/// Plans from the answer to the question for the MX records of `domain`.
///
/// # Shape
/// `domain` and `own` (what this host calls itself) are in lower case without a closing dot.
pub fn plan(domain: &str, answer: Result<Vec<Mx>, Negative>, own: &[String], chance: &mut Chance) -> Plan {
    let records = match answer {
        Ok(records) => records,
        Err(Negative::NoData) => Vec::new(),
        Err(Negative::NoName) => {
            return Plan::Settled(Resolved::NotFound { why: format!("the domain {domain} does not exist") });
        }
        Err(Negative::Unknown { why }) => return Plan::Settled(Resolved::Temporary { why }),
    };
    if is_null(&records) {
        return Plan::Settled(Resolved::NullMx);
    }
    let mut hosts: Vec<Mx> = records.into_iter().filter(|mx| !mx.name.is_empty()).collect();
    if hosts.is_empty() {
        hosts.push(Mx { preference: 0, name: domain.to_owned() });
    }
    if !drop_loop(&mut hosts, own) {
        let why = format!("mail for {domain} loops back to myself: I am its best exchanger");
        return Plan::Settled(Resolved::NotFound { why });
    }
    order(&mut hosts, chance);
    hosts.truncate(MOST_HOSTS);
    Plan::Ask(hosts)
}

/// Joins the planned hosts with what became known of their addresses, in the same order.
pub fn settle(domain: &str, hosts: Vec<(Mx, Addresses)>, chance: &mut Chance) -> Resolved {
    let mut list = Vec::with_capacity(hosts.len());
    let mut reachable = false;
    let mut doubt = None;
    let mut useless = None;
    for (mx, addresses) in hosts {
        let addresses = match addresses {
            Addresses::Known(mut known) => {
                reachable = true;
                chance.shuffle(&mut known);
                known.truncate(MOST_ADDRESSES);
                known
            }
            Addresses::Unknown { why } => {
                doubt.get_or_insert(why);
                Vec::new()
            }
            Addresses::None { why } => {
                useless.get_or_insert(why);
                continue;
            }
        };
        list.push(Exchanger { name: mx.name, preference: mx.preference, addresses });
    }
    match (reachable, doubt) {
        (true, _) => Resolved::Found(list),
        (false, Some(why)) => Resolved::Temporary { why },
        (false, None) => Resolved::NotFound {
            why: useless.unwrap_or_else(|| format!("no exchanger of {domain} has an address")),
        },
    }
}

/// The domain says that it takes no mail: one record, and it points at the root.
///
/// Source: RFC 7505 section 3. A root among others is a mistake there, and is passed over.
fn is_null(records: &[Mx]) -> bool {
    matches!(records, [only] if only.name.is_empty())
}

/// Takes out this host and all that is not better; false if nothing is left.
///
/// Source: RFC 5321 section 5.1, on the relay that finds itself in the list.
fn drop_loop(hosts: &mut Vec<Mx>, own: &[String]) -> bool {
    let myself = hosts.iter().filter(|mx| own.contains(&mx.name)).map(|mx| mx.preference).min();
    if let Some(limit) = myself {
        hosts.retain(|mx| mx.preference < limit);
    }
    !hosts.is_empty()
}

/// By preference, equals by chance, each name once at its best preference.
fn order(hosts: &mut Vec<Mx>, chance: &mut Chance) {
    chance.shuffle(hosts);
    hosts.sort_by_key(|mx| mx.preference);
    let mut seen = std::collections::HashSet::new();
    hosts.retain(|mx| seen.insert(mx.name.clone()));
}

/// Hosts that are looked up for one domain; who lists more has enough with the best of them, and nobody makes us ask
/// hundreds of questions with one record set.
const MOST_HOSTS: usize = 16;

/// Addresses that are told of one host.
const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests;
