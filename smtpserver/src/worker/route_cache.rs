//! The router's answers, kept for a short while. Pure.
//!
//! A list server that sends to the same address again, or a spammer that tries the same one again, costs the router
//! nothing. Answers of one generation of the routing tables only are kept, the one heard of last; what the router could
//! not decide is not kept at all. A generation is a name and no number: of two, neither is the greater.
//!
//! A refusal that names the client is not kept, because the next client is another. Where the router says that its answer
//! holds for a whole domain, it is kept for the domain, so that a list of a hundred thousand costs one question.

use ipc::routing::{Answer, Generation, Verdict};
use proto::address::{Domain, Mailbox};
use proto::envelope::Route;
use std::collections::HashMap;

/// How long an acceptance is kept, in milliseconds.
const ACCEPTED: u64 = 60_000;

/// How long a refusal is kept, in milliseconds.
const REFUSED: u64 = 10_000;

/// When there are so many, all of them go: simpler than an order of age, and as good at this life span.
const CAPACITY: usize = 20_000;

/// What a verdict depends on: the address (`None` for the bare `<Postmaster>`), and whether the client may relay.
pub(super) type Key = (Option<Mailbox>, bool);

/// Answers by what was asked.
#[derive(Debug, Default)]
pub(super) struct RouteCache {
    current: Option<Generation>,
    entries: HashMap<Key, Entry>,
    domains: HashMap<(Domain, bool), Way>,
}

/// Where everybody in a domain goes.
#[derive(Debug)]
struct Way {
    channel: String,
    host: String,
    until: u64,
}

#[derive(Debug)]
struct Entry {
    verdict: Verdict,
    until: u64,
}

impl RouteCache {
    /// The answer that is known, with its generation.
    pub(super) fn get(&self, key: &Key, now: u64) -> Option<(Generation, Verdict)> {
        if let Some(entry) = self.entries.get(key).filter(|entry| now < entry.until) {
            return Some((self.current?, entry.verdict.clone()));
        }
        Some((self.current?, Verdict::Route(self.way(key, now)?)))
    }

    fn way(&self, (address, may_relay): &Key, now: u64) -> Option<Route> {
        let address = address.as_ref()?;
        let way = self.domains.get(&(address.domain().clone(), *may_relay)).filter(|way| now < way.until)?;
        Some(Route { channel: way.channel.clone(), host: way.host.clone(), user: address.to_string() })
    }

    /// Keeps an answer to a question that `client` asked, if it is of use to others.
    pub(super) fn put(&mut self, key: Key, answer: &Answer, client: &str, now: u64) {
        self.hear(answer.generation);
        let life = match &answer.verdict {
            Verdict::Route(_) | Verdict::Expand => ACCEPTED,
            Verdict::Refuse { text, .. } if !text.contains(client) => REFUSED,
            Verdict::Refuse { .. } | Verdict::Defer { .. } => return,
        };
        if let (true, Verdict::Route(route), (Some(address), may_relay)) =
            (answer.whole_domain, &answer.verdict, &key)
        {
            let (channel, host) = (route.channel.clone(), route.host.clone());
            let way = Way { channel, host, until: now + life };
            make_room(&mut self.domains);
            self.domains.insert((address.domain().clone(), *may_relay), way);
            return;
        }
        make_room(&mut self.entries);
        self.entries.insert(key, Entry { verdict: answer.verdict.clone(), until: now + life });
    }

    /// Whether a route of this generation may be stored: no other one has been heard of since.
    pub(super) fn is_current(&self, generation: Generation) -> bool {
        self.current.is_none_or(|current| current == generation)
    }

    /// The router has started again, and its generations with it.
    pub(super) fn forget_all(&mut self) {
        *self = Self::default();
    }

    fn hear(&mut self, generation: Generation) {
        if self.current != Some(generation) {
            *self = Self { current: Some(generation), ..Self::default() };
        }
    }
}

fn make_room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= CAPACITY {
        map.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::envelope::Route;
    use proto::status::Status;

    fn key(address: &str) -> Key {
        (Some(address.parse().unwrap()), false)
    }

    fn answer(generation: Generation, verdict: Verdict) -> Answer {
        Answer { session: 1, ticket: 1, generation, verdict, whole_domain: false, members: Vec::new() }
    }

    fn route() -> Verdict {
        Verdict::Route(Route { channel: "smtp".into(), host: "a.example".into(), user: "a@a.example".into() })
    }

    fn refusal(text: &str) -> Verdict {
        Verdict::Refuse { status: Status::permanent(1, 1), text: text.into(), by: "users".into() }
    }

    #[test]
    fn an_answer_is_kept_for_its_time_and_for_its_kind_of_client() {
        let mut cache = RouteCache::default();
        cache.put(key("a@a.example"), &answer(7, route()), "192.0.2.1", 1000);
        assert_eq!(cache.get(&key("a@a.example"), 60_999), Some((7, route())));
        assert_eq!(cache.get(&key("a@a.example"), 61_000), None);
        assert_eq!(cache.get(&(key("a@a.example").0, true), 1000), None);
    }

    #[test]
    fn a_refusal_is_kept_shorter_and_never_if_it_names_its_client() {
        let mut cache = RouteCache::default();
        cache.put(key("a@a.example"), &answer(7, refusal("no such user")), "192.0.2.1", 0);
        cache.put(key("b@b.example"), &answer(7, refusal("not from 192.0.2.1")), "192.0.2.1", 0);
        assert!(cache.get(&key("a@a.example"), 9999).is_some());
        assert!(cache.get(&key("a@a.example"), 10_000).is_none());
        assert!(cache.get(&key("b@b.example"), 0).is_none());
    }

    #[test]
    fn what_was_not_decided_is_not_kept() {
        let mut cache = RouteCache::default();
        let verdict = Verdict::Defer { status: Status::transient(3, 0), text: "later".into() };
        cache.put(key("a@a.example"), &answer(7, verdict), "192.0.2.1", 0);
        assert_eq!(cache.get(&key("a@a.example"), 0), None);
    }

    #[test]
    fn another_generation_empties_the_cache_whatever_its_number() {
        let mut cache = RouteCache::default();
        cache.put(key("a@a.example"), &answer(7, route()), "192.0.2.1", 0);
        for other in [8, 3] {
            cache.put(key("b@b.example"), &answer(other, route()), "192.0.2.1", 0);
            assert_eq!(cache.get(&key("a@a.example"), 0), None);
            assert_eq!(cache.get(&key("b@b.example"), 0), Some((other, route())));
            assert!(cache.is_current(other) && !cache.is_current(7));
        }
    }

    #[test]
    fn an_answer_for_a_whole_domain_is_given_to_everybody_in_it_under_his_own_address() {
        let mut cache = RouteCache::default();
        let whole = Answer { whole_domain: true, ..answer(7, route()) };
        cache.put(key("a@a.example"), &whole, "192.0.2.1", 0);
        let Some((7, Verdict::Route(found))) = cache.get(&key("B@a.example"), 59_999) else {
            panic!("no route")
        };
        assert_eq!((found.host.as_str(), found.user.as_str()), ("a.example", "B@a.example"));
        assert_eq!(cache.get(&key("b@a.example"), 60_000), None);
        assert_eq!(cache.get(&key("b@b.a.example"), 0), None);
        assert_eq!(cache.get(&(key("b@a.example").0, true), 0), None);
        cache.put(key("x@b.example"), &answer(8, route()), "192.0.2.1", 0);
        assert_eq!(cache.get(&key("b@a.example"), 0), None, "another generation");
    }

    #[test]
    fn the_number_of_entries_is_bounded() {
        let mut cache = RouteCache::default();
        for i in 0..=CAPACITY {
            cache.put(key(&format!("u{i}@a.example")), &answer(7, route()), "192.0.2.1", 0);
        }
        assert!(cache.entries.len() <= CAPACITY);
    }
}
