//! The recipients that an expansion gave a message, in little memory: a list may have a hundred thousand.
//!
//! Per recipient: 12 octets, its address, and its user where that is another text. Channel and host are kept once for
//! recipients in a row that share them. Texts stand one behind the other, each closed by a zero octet, which no address,
//! channel or host has; an entry says where its own begin.

use proto::envelope::{Recipient, Route};
use proto::terms::RecipientTerms;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Recipients by index, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    entries: Vec<Entry>,
    texts: String,
    /// What the sender asked for, by index; for few of them anything, and for the members of a list the same.
    terms: BTreeMap<u32, Arc<RecipientTerms>>,
}

/// One recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    index: u32,
    /// Where its address and user stand.
    at: u32,
    /// Where its channel and host stand.
    route: u32,
}

/// One recipient, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    pub(crate) index: u32,
    pub(crate) address: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) host: &'a str,
    pub(crate) user: &'a str,
    /// What the sender asked for, if anything.
    pub(crate) terms: Option<&'a RecipientTerms>,
}

impl Expanded {
    /// Adds a recipient behind all others. False if there is no room for it, at 4 GiB of texts, or its words make no sense.
    pub(crate) fn push(&mut self, kept: &Kept<'_>) -> bool {
        let words = [kept.address, kept.channel, kept.host, kept.user];
        let behind = self.entries.last().is_none_or(|last| last.index < kept.index);
        if !behind || words.into_iter().any(|word| word.contains('\0')) {
            return false;
        }
        let last = self.entries.last().map(|last| last.route);
        let same = |route: &u32| [kept.channel, kept.host] == self.two(*route);
        let before = self.texts.len();
        let route = last.filter(same).or_else(|| self.write(kept.channel, kept.host));
        let user = if kept.user == kept.address { "" } else { kept.user };
        let at = self.write(kept.address, user);
        let (Some(at), Some(route)) = (at, route) else {
            self.texts.truncate(before);
            return false;
        };
        self.entries.push(Entry { index: kept.index, at, route });
        if let Some(terms) = kept.terms.filter(|terms| **terms != RecipientTerms::default()) {
            let last = self.terms.last_key_value().map(|(_, last)| last).filter(|last| ***last == *terms);
            let shared = last.cloned().unwrap_or_else(|| Arc::new(terms.clone()));
            self.terms.insert(kept.index, shared);
        }
        true
    }

    /// Gives back the memory that was held for more.
    pub(crate) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.texts.shrink_to_fit();
    }

    /// The recipient with this index.
    pub(crate) fn get(&self, index: u32) -> Option<Kept<'_>> {
        let at = self.entries.binary_search_by_key(&index, |entry| entry.index).ok()?;
        self.entries.get(at).map(|entry| self.kept(entry))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Kept<'_>> {
        self.entries.iter().map(|entry| self.kept(entry))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// There is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the sender asked for, of those for whom it was anything.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &RecipientTerms> {
        self.terms.values().map(Arc::as_ref)
    }

    fn kept(&self, entry: &Entry) -> Kept<'_> {
        let [address, user] = self.two(entry.at);
        let [channel, host] = self.two(entry.route);
        let user = if user.is_empty() { address } else { user };
        Kept {
            index: entry.index,
            address,
            channel,
            host,
            user,
            terms: self.terms.get(&entry.index).map(Arc::as_ref),
        }
    }

    /// The two texts at a place.
    fn two(&self, at: u32) -> [&str; 2] {
        let rest = usize::try_from(at).ok().and_then(|at| self.texts.get(at..)).unwrap_or_default();
        let mut words = rest.split('\0');
        [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
    }

    fn write(&mut self, one: &str, two: &str) -> Option<u32> {
        let at = u32::try_from(self.texts.len()).ok()?;
        for word in [one, two] {
            self.texts.push_str(word);
            self.texts.push('\0');
        }
        Some(at)
    }
}

impl Kept<'_> {
    /// As an envelope has it.
    pub(crate) fn recipient(&self) -> Option<Recipient> {
        let &Self { channel, host, user, .. } = self;
        let route = Route { channel: channel.into(), host: host.into(), user: user.into() };
        let terms = self.terms.cloned().unwrap_or_default();
        Some(Recipient { address: self.address.parse().ok()?, route: Some(route), terms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(index: u32, address: &'static str, host: &'static str, user: &'static str) -> Kept<'static> {
        Kept { index, address, channel: "smtp", host, user, terms: None }
    }

    #[test]
    fn what_was_kept_comes_back_and_a_route_in_a_row_is_kept_once() {
        let all = [
            kept(3, "a@x.example", "x.example", "a@x.example"),
            kept(4, "b@x.example", "x.example", "bob"),
            kept(9, "c@y.example", "y.example", "c@y.example"),
        ];
        let mut expanded = Expanded::default();
        assert!(all.iter().all(|one| expanded.push(one)));
        assert_eq!(expanded.iter().collect::<Vec<_>>(), all);
        assert_eq!((expanded.get(4), expanded.get(5)), (Some(all[1]), None));
        assert_eq!(expanded.texts.matches("x.example\0").count(), 3, "{:?}", expanded.texts);
        let route = all[1].recipient().unwrap().route.unwrap();
        assert_eq!((route.host.as_str(), route.user.as_str()), ("x.example", "bob"));
    }

    #[test]
    fn the_members_of_a_list_share_what_was_asked_for() {
        let terms = RecipientTerms { notify: None, orcpt: Some(format!("rfc822;{}", "x".repeat(490))) };
        let mut expanded = Expanded::default();
        for index in 0..1_000 {
            let one = kept(index, "a@x.example", "x.example", "a@x.example");
            assert!(expanded.push(&Kept { terms: Some(&terms), ..one }));
        }
        assert_eq!(expanded.get(999).and_then(|kept| kept.terms), Some(&terms));
        assert_eq!(Arc::strong_count(&expanded.terms[&0]), 1_000);
    }

    #[test]
    fn what_makes_no_sense_is_not_taken() {
        let mut expanded = Expanded::default();
        assert!(expanded.push(&kept(3, "a@x.example", "x", "a")));
        assert!(!expanded.push(&kept(3, "b@x.example", "x", "b")), "not behind the last one");
        assert!(!expanded.push(&kept(4, "b@x.example", "x\0", "b")));
        assert_eq!(expanded.iter().count(), 1);
    }
}
