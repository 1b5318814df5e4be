//! One question of a caller, from beginning to end.
//!
//! Decides which lookups an [`Ask`] needs and runs them at the same time; what their answers mean is decided in
//! [`crate::exchangers`] and [`mod@clients`]. An address in place of a name, in brackets or bare, is its own answer.

use crate::answer::Addresses;
use crate::clients;
use crate::exchangers::{Mx, Plan, plan, settle};
use crate::lookup::{Lookup, SetUpError, Settings};
use crate::shuffle::Chance;
use ipc::resolve::{Ask, Exchanger, Resolved};
use proto::address::Domain;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Answers questions; cheap to clone, all clones share one cache.
#[derive(Debug, Clone)]
pub struct Resolver {
    lookup: Arc<Lookup>,
    own: Arc<[String]>,
}

impl Resolver {
    /// Sets up. `own` is what this host calls itself; mail for a domain whose best exchanger has such a name loops.
    /// To be called inside the runtime.
    ///
    /// # Errors
    /// As [`Lookup::new`].
    pub fn new(settings: &Settings, own: &[String]) -> Result<Self, SetUpError> {
        let own = own.iter().map(|name| canonical(name)).collect();
        Ok(Self { lookup: Arc::new(Lookup::new(settings)?), own })
    }

    /// Answers one question. Takes at most four times what the settings grant to one lookup.
    pub async fn resolve(&self, ask: &Ask) -> Resolved {
        let text = match ask {
            Ask::Exchangers(text) | Ask::Addresses(text) => text,
            Ask::List { zone, client } => return self.listed(zone, *client).await,
            Ask::Name(address) => return self.name(*address).await,
        };
        let host = match target(text) {
            Ok(Target::Host(host)) => host,
            Ok(Target::Address(address)) => return literal(text, address),
            Err(why) => return Resolved::NotFound { why },
        };
        let mut chance = Chance::new(Chance::seed());
        let hosts = match ask {
            Ask::Exchangers(_) => {
                match plan(&host, self.lookup.exchangers(&host).await, &self.own, &mut chance) {
                    Plan::Ask(hosts) => hosts,
                    Plan::Settled(resolved) => return resolved,
                }
            }
            _ => vec![Mx { preference: 0, name: host.clone() }],
        };
        settle(&host, self.all_addresses(hosts).await, &mut chance)
    }

    /// What a list says about a client.
    async fn listed(&self, zone: &str, client: IpAddr) -> Resolved {
        let name = clients::name_in_list(client.to_canonical(), &canonical(zone));
        clients::listed(self.lookup.codes(&name).await)
    }

    /// The name of a client: the first of its names in the reverse zone that leads back to it.
    async fn name(&self, client: IpAddr) -> Resolved {
        let client = client.to_canonical();
        let (names, ttl) = match clients::candidates(self.lookup.names(&clients::reverse_name(client)).await)
        {
            Ok(candidates) => candidates,
            Err(resolved) => return resolved,
        };
        let hosts = names.into_iter().map(|name| Mx { preference: 0, name }).collect();
        clients::confirmed(client, &self.all_addresses(hosts).await, ttl)
    }

    /// The addresses of all these hosts, in the same order, asked for at the same time.
    async fn all_addresses(&self, hosts: Vec<Mx>) -> Vec<(Mx, Addresses)> {
        let mut lookups = JoinSet::new();
        for (place, mx) in hosts.iter().enumerate() {
            let (lookup, name) = (Arc::clone(&self.lookup), mx.name.clone());
            lookups.spawn(async move { (place, lookup.addresses(&name).await) });
        }
        let lost = || Addresses::Unknown { why: "a lookup ended without an answer".into() };
        let mut list: Vec<(Mx, Addresses)> = hosts.into_iter().map(|mx| (mx, lost())).collect();
        while let Some(ended) = lookups.join_next().await {
            if let Ok((place, addresses)) = ended
                && let Some(entry) = list.get_mut(place)
            {
                entry.1 = addresses;
            }
        }
        list
    }
}

/// What a question is about.
enum Target {
    Host(String),
    Address(IpAddr),
}

/// Reads the text of a question: a name (a closing dot is allowed), an address, an address literal.
fn target(text: &str) -> Result<Target, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(Target::Address(address));
    }
    match text.strip_suffix('.').unwrap_or(text).parse() {
        Ok(Domain::Name(name)) => Ok(Target::Host(name.into())),
        Ok(Domain::Literal(address)) => Ok(Target::Address(address)),
        Err(error) => Err(format!("{} is not a host: {error}", text.escape_debug())),
    }
}

fn literal(text: &str, address: IpAddr) -> Resolved {
    Resolved::Found(vec![Exchanger {
        name: text.to_ascii_lowercase(),
        preference: 0,
        addresses: vec![address],
    }])
}

/// Lower case, without a closing dot.
fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        match target(text) {
            Ok(Target::Address(address)) => Some(address),
            _ => None,
        }
    }

    #[test]
    fn addresses_are_read_bare_in_brackets_and_as_literals() {
        let four: IpAddr = "192.0.2.1".parse().unwrap();
        let six: IpAddr = "2001:db8::1".parse().unwrap();
        for (text, expected) in [
            ("192.0.2.1", four),
            ("[192.0.2.1]", four),
            ("2001:db8::1", six),
            ("[2001:db8::1]", six),
            ("[IPv6:2001:db8::1]", six),
            ("[ipv6:2001:db8::1]", six),
        ] {
            assert_eq!(address(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_name_is_taken_in_lower_case_with_or_without_its_dot() {
        for text in ["Mail.Example.ORG", "mail.example.org."] {
            assert!(matches!(target(text), Ok(Target::Host(name)) if name == "mail.example.org"), "{text}");
        }
    }

    #[test]
    fn nonsense_is_named_as_such() {
        for text in ["", ".", "a..b", "[nonsense]", "a b", "\u{1}", "-a.test"] {
            assert!(target(text).is_err(), "{text:?}");
        }
    }
}
