//! Who waits for which question. Equal questions that are asked while the first is on its way are not asked again.
//!
//! Pure: it neither asks nor answers. Invariant: a question is in the book exactly while somebody works on it, and
//! each ticket that was put in comes out once, when that question is answered.

use ipc::resolve::{Ask, Reply, Resolved};
use std::collections::HashMap;

/// The book of questions under way; `C` is how to reach a caller.
#[derive(Debug)]
pub struct Desk<C> {
    waiting: HashMap<Ask, Vec<(C, u64)>>,
    tally: Tally,
}

/// What happened so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Questions taken.
    pub asked: u64,
    /// Of these, how many joined an equal one that was already under way.
    pub joined: u64,
    /// Of those answered, how many got a temporary answer.
    pub temporary: u64,
}

impl<C> Default for Desk<C> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), tally: Tally::default() }
    }
}

impl<C> Desk<C> {
    /// Puts a caller's question in the book; true if nobody works on it yet, so that the one who put it in must.
    pub fn put(&mut self, caller: C, ticket: u64, ask: &Ask) -> bool {
        self.tally.asked += 1;
        if let Some(list) = self.waiting.get_mut(ask) {
            self.tally.joined += 1;
            list.push((caller, ticket));
            return false;
        }
        self.waiting.insert(ask.clone(), vec![(caller, ticket)]);
        true
    }

    /// The question is answered: who is to be told what.
    pub fn answered(&mut self, ask: &Ask, resolved: &Resolved) -> Vec<(C, Reply)> {
        let waiting = self.waiting.remove(ask).unwrap_or_default();
        if matches!(resolved, Resolved::Temporary { .. }) {
            self.tally.temporary += u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        }
        waiting
            .into_iter()
            .map(|(caller, ticket)| (caller, Reply { ticket, result: resolved.clone() }))
            .collect()
    }

    /// Different questions under way.
    pub fn under_way(&self) -> usize {
        self.waiting.len()
    }

    /// What happened so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str) -> Ask {
        Ask::Addresses(name.into())
    }

    #[test]
    fn an_equal_question_is_worked_on_once_and_answered_to_all() {
        let mut desk = Desk::default();
        assert!(desk.put("ann", 1, &ask("a")));
        assert!(!desk.put("bob", 7, &ask("a")));
        assert!(desk.put("bob", 8, &ask("b")));
        assert_eq!(desk.under_way(), 2);
        let told: Vec<_> =
            desk.answered(&ask("a"), &Resolved::NullMx).into_iter().map(|(c, r)| (c, r.ticket)).collect();
        assert_eq!(told, [("ann", 1), ("bob", 7)]);
        assert_eq!(desk.under_way(), 1);
    }

    #[test]
    fn a_question_after_the_answer_is_worked_on_again() {
        let mut desk = Desk::default();
        assert!(desk.put("ann", 1, &ask("a")));
        desk.answered(&ask("a"), &Resolved::NullMx);
        assert!(desk.put("ann", 2, &ask("a")));
    }

    #[test]
    fn exchangers_and_addresses_of_one_name_are_two_questions() {
        let mut desk = Desk::default();
        assert!(desk.put("ann", 1, &ask("a")));
        assert!(desk.put("ann", 2, &Ask::Exchangers("a".into())));
    }

    #[test]
    fn temporary_answers_are_counted_per_ticket() {
        let mut desk = Desk::default();
        desk.put("ann", 1, &ask("a"));
        desk.put("ann", 2, &ask("a"));
        desk.answered(&ask("a"), &Resolved::Temporary { why: "x".into() });
        assert_eq!(desk.tally(), Tally { asked: 2, joined: 1, temporary: 2 });
    }
}
