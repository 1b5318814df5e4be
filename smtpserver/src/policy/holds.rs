//! Whether a test holds, and what it met.

use super::Facts;
use farm::tables::{AddressPattern, NamePattern, Test};
use proto::address::{Domain, Mailbox, ReversePath};

/// Whether this is so. What is not known is never so.
pub(super) fn holds(test: &Test, facts: &Facts<'_>) -> bool {
    match test {
        Test::Client(networks) => {
            facts.address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
        }
        Test::Local => facts.local,
        Test::Relay => facts.relay,
        Test::Name(names) => names_match(names, facts.name),
        Test::Helo(names) => names_match(names, facts.helo),
        Test::Tls(versions) => word_in(versions, facts.tls, str::to_owned),
        Test::Account(accounts) => word_in(accounts, facts.account, str::to_lowercase),
        Test::Listener(all) => word_in(all, Some(facts.listener), str::to_owned),
        Test::Service(all) => word_in(all, Some(facts.service), str::to_owned),
        Test::From(patterns) => facts.from.is_some_and(|from| {
            let parts = match from {
                ReversePath::Null => None,
                ReversePath::Mailbox(mailbox) => Some(mailbox),
            };
            any(patterns, parts)
        }),
        Test::To(patterns) => facts.to.mailboxes().any(|mailbox| any(patterns, Some(mailbox))),
        Test::Size { more, than } => facts.size.is_some_and(|size| compare(size, *more, *than)),
        Test::Recipients { more, than } => compare(count(facts.recipients), *more, *than),
    }
}

/// What the test was applied to, as `key=value`.
pub(super) fn met(test: &Test, facts: &Facts<'_>) -> String {
    let known = |key: &str, value: Option<&str>| format!("{key}={}", value.unwrap_or("-"));
    let yes = |key: &str, is: bool| format!("{key}={}", if is { "yes" } else { "no" });
    match test {
        Test::Client(_) => known("client", Some(facts.client)),
        Test::Local => yes("local", facts.local),
        Test::Relay => yes("relay", facts.relay),
        Test::Name(_) => known("name", facts.name),
        Test::Helo(_) => known("helo", facts.helo),
        Test::Tls(_) => known("tls", facts.tls),
        Test::Account(_) => known("account", facts.account),
        Test::Listener(_) => known("listener", Some(facts.listener)),
        Test::Service(_) => known("service", Some(facts.service)),
        Test::From(_) => known("from", facts.from.map(ToString::to_string).as_deref()),
        Test::To(patterns) => {
            let matching = facts.to.mailboxes().find(|mailbox| any(patterns, Some(mailbox)));
            let shown = matching.or_else(|| facts.to.mailboxes().next());
            known("to", shown.map(|mailbox| format!("<{mailbox}>")).as_deref())
        }
        Test::Size { .. } => known("size", facts.size.map(|size| size.to_string()).as_deref()),
        Test::Recipients { .. } => format!("recipients={}", facts.recipients),
    }
}

fn names_match(patterns: &[NamePattern], name: Option<&str>) -> bool {
    let matches = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let lower = lower.strip_suffix('.').unwrap_or(&lower);
        patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(lower))
    };
    name.is_some_and(matches)
}

fn word_in(words: &[String], found: Option<&str>, fold: impl Fn(&str) -> String) -> bool {
    found.is_some_and(|found| words.is_empty() || words.contains(&fold(found)))
}

fn any(patterns: &[AddressPattern], mailbox: Option<&Mailbox>) -> bool {
    let user = mailbox.map(|mailbox| (mailbox.user(), mailbox.domain()));
    let parts: Option<(&str, &Domain)> = user.as_ref().map(|(user, domain)| (user.as_str(), *domain));
    patterns.iter().any(|pattern| pattern.matches(parts))
}

fn compare(found: u64, more: bool, than: u64) -> bool {
    if more { found > than } else { found < than }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
