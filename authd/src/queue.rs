//! Questions that wait for a thread: bounded, and fair between clients.
//!
//! Clients take turns, so that one that guesses passwords from a hundred connections delays others by one question. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// Who asks: a network address, IPv6 by /64, or a local program.
pub type Asker = Option<IpAddr>;

/// What counts as one client.
pub fn asker(client: Option<IpAddr>) -> Asker {
    client.map(|address| match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    })
}

/// Lines of questions, one per client.
#[derive(Debug)]
pub struct Queue<T> {
    lines: BTreeMap<Asker, VecDeque<T>>,
    /// Who has a line, in the order of turns.
    turns: VecDeque<Asker>,
    length: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), turns: VecDeque::new(), length: 0 }
    }
}

impl<T> Queue<T> {
    /// Puts a question at the end of its client's line; `false` if `limit` are waiting, or a quarter of that from this
    /// client alone.
    pub fn push(&mut self, asker: Asker, question: T, limit: usize) -> bool {
        let line = self.lines.get(&asker).map_or(0, VecDeque::len);
        if self.length >= limit || line > limit / 4 {
            return false;
        }
        if line == 0 {
            self.turns.push_back(asker);
        }
        self.lines.entry(asker).or_default().push_back(question);
        self.length += 1;
        true
    }

    /// The next question: the first of the client whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let asker = self.turns.pop_front()?;
        let line = self.lines.get_mut(&asker)?;
        let question = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&asker);
        } else {
            self.turns.push_back(asker);
        }
        self.length -= usize::from(question.is_some());
        question
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Nobody waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Asker {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn clients_take_turns() {
        let mut queue = Queue::default();
        for (who, what) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (3, "c1")] {
            assert!(queue.push(client(who), what, 100));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["a1", "b1", "c1", "a2", "a3"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn it_is_bounded_and_one_client_cannot_fill_it() {
        let mut queue = Queue::default();
        let taken = (0..100).filter(|n| queue.push(client(1), *n, 40)).count();
        assert_eq!(taken, 11);
        let others = (0..100).filter(|n| queue.push(client(2 + n % 50), i32::from(*n), 40)).count();
        assert_eq!(others, 29);
        assert_eq!(queue.len(), 40);
        while queue.pop().is_some() {}
        assert!(queue.is_empty() && queue.push(client(1), 0, 40));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| asker(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
