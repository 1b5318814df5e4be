//! What an account may still send: messages and recipients within a window that slides.
//!
//! A window is kept in sixty slots; what falls into a slot counts until the whole slot is out of the window, so that the
//! limit holds in any window, and "try again in" is never too early by what is counted. Pure: time comes in.

use farm::config::Rate;
use ipc::auth::{Charge, Charged};
use std::collections::{BTreeMap, VecDeque};

/// Slots of a window.
const SLOTS: u64 = 60;

/// The limits of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of messages.
    pub messages: Option<Rate>,
    /// Of recipients.
    pub recipients: Option<Rate>,
}

/// What was counted within the last window.
#[derive(Debug, Default)]
struct Window {
    /// End of each slot and what was counted in it, the oldest first.
    slots: VecDeque<(u64, u64)>,
    sum: u64,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Full {
    count: u64,
    after: u64,
}

impl Window {
    fn expire(&mut self, rate: Rate, now: u64) {
        while let Some((end, count)) = self.slots.front().copied() {
            if end.saturating_add(rate.window) > now {
                break;
            }
            self.slots.pop_front();
            self.sum -= count;
        }
    }

    /// Whether `more` fit in now.
    fn ask(&mut self, rate: Rate, more: u64, now: u64) -> Result<(), Full> {
        self.expire(rate, now);
        let count = self.sum;
        if count.saturating_add(more) <= rate.count {
            return Ok(());
        }
        let mut left = count;
        for (end, freed) in &self.slots {
            left -= freed;
            if left.saturating_add(more) <= rate.count {
                return Err(Full { count, after: end.saturating_add(rate.window).saturating_sub(now) });
            }
        }
        Err(Full { count, after: rate.window })
    }

    fn count(&mut self, rate: Rate, more: u64, now: u64) {
        let step = (rate.window / SLOTS).max(1);
        let end = (now / step + 1) * step;
        match self.slots.back_mut() {
            Some((last, count)) if *last == end => *count += more,
            _ => self.slots.push_back((end, more)),
        }
        self.sum += more;
    }
}

/// What all accounts have sent.
#[derive(Debug, Default)]
pub struct Allowances {
    accounts: BTreeMap<String, (Window, Window)>,
}

impl Allowances {
    /// Counts what an account wants to send, or says when there is room for it. `now` is monotonic, milliseconds.
    pub fn charge(&mut self, charge: &Charge, limits: Limits, now: u64) -> Charged {
        let account = charge.account.to_lowercase();
        let (messages, recipients) = self.accounts.entry(account).or_default();
        let asked = [
            (messages, limits.messages, u64::from(charge.messages), "messages"),
            (recipients, limits.recipients, u64::from(charge.recipients), "recipients"),
        ];
        let mut taken = Vec::new();
        for (window, rate, more, what) in asked {
            let Some(rate) = rate.filter(|_| more > 0) else { continue };
            match window.ask(rate, more, now) {
                Ok(()) => taken.push((window, rate, more)),
                Err(Full { count, after }) => {
                    return Charged::Wait { what: what.to_owned(), limit: rate.to_string(), count, after };
                }
            }
        }
        for (window, rate, more) in taken {
            window.count(rate, more, now);
        }
        Charged::Go
    }

    /// Forgets accounts of which nothing counts any more. `limits` tells those of an account.
    pub fn tidy(&mut self, limits: impl Fn(&str) -> Limits, now: u64) {
        self.accounts.retain(|account, (messages, recipients)| {
            let limits = limits(account);
            for (window, rate) in [(&mut *messages, limits.messages), (&mut *recipients, limits.recipients)] {
                match rate {
                    Some(rate) => window.expire(rate, now),
                    None => *window = Window::default(),
                }
            }
            messages.sum + recipients.sum > 0
        });
    }

    /// Accounts of which something counts.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Nothing counts.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    fn limits(messages: &str, recipients: &str) -> Limits {
        Limits { messages: messages.parse().ok(), recipients: recipients.parse().ok() }
    }

    fn charge(messages: u32, recipients: u32) -> Charge {
        Charge { ticket: 1, account: "ann".into(), messages, recipients }
    }

    #[test]
    fn who_has_sent_enough_is_told_when_to_come_again() {
        let mut all = Allowances::default();
        let limits = limits("3/1h", "");
        for minute in [0, 10, 20] {
            assert_eq!(all.charge(&charge(1, 0), limits, minute * MINUTE), Charged::Go);
        }
        let told = all.charge(&charge(1, 0), limits, 21 * MINUTE);
        let wait =
            |count, after| Charged::Wait { what: "messages".into(), limit: "3/1h".into(), count, after };
        assert_eq!(told, wait(3, 40 * MINUTE));
        assert_eq!(all.charge(&charge(1, 0), limits, 61 * MINUTE - 1), wait(3, 1));
        assert_eq!(all.charge(&charge(1, 0), limits, 61 * MINUTE), Charged::Go);
        assert_eq!(all.charge(&charge(1, 0), limits, 61 * MINUTE), wait(3, 10 * MINUTE));
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let mut all = Allowances::default();
        let limits = limits("2/1h", "5/1h");
        assert!(
            matches!(all.charge(&charge(1, 6), limits, 0), Charged::Wait { what, .. } if what == "recipients")
        );
        assert_eq!(all.charge(&charge(1, 5), limits, 0), Charged::Go);
        assert_eq!(all.charge(&charge(1, 0), limits, 0), Charged::Go);
        assert!(
            matches!(all.charge(&charge(1, 0), limits, 0), Charged::Wait { what, .. } if what == "messages")
        );
    }

    #[test]
    fn an_account_is_one_in_any_case_and_is_forgotten_when_nothing_counts() {
        let mut all = Allowances::default();
        let limits = limits("1/1h", "");
        assert_eq!(all.charge(&charge(1, 0), limits, 0), Charged::Go);
        let shout = Charge { account: "ANN".into(), ..charge(1, 0) };
        assert_ne!(all.charge(&shout, limits, 0), Charged::Go);
        all.tidy(|_| limits, 30 * MINUTE);
        assert_eq!(all.len(), 1);
        all.tidy(|_| limits, 62 * MINUTE);
        assert!(all.is_empty());
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_limit(steps in proptest::collection::vec((0_u64..20_000, 1_u32..4), 1..200)) {
            let mut all = Allowances::default();
            let rate = Rate { count: 10, window: MINUTE };
            let limits = Limits { messages: Some(rate), recipients: None };
            let (mut now, mut sent) = (0, Vec::new());
            for (pause, more) in steps {
                now += pause;
                match all.charge(&charge(more, 0), limits, now) {
                    Charged::Go => sent.push((now, u64::from(more))),
                    Charged::Wait { after, .. } => {
                        prop_assert!(after > 0 && after <= MINUTE + MINUTE / SLOTS);
                        let mut later = Allowances::default();
                        std::mem::swap(&mut later, &mut all);
                        prop_assert_eq!(later.charge(&charge(more, 0), limits, now + after), Charged::Go);
                        now += after;
                        sent.push((now, u64::from(more)));
                        all = later;
                    }
                }
                let within: u64 = sent.iter().filter(|(at, _)| at + MINUTE > now).map(|(_, n)| n).sum();
                prop_assert!(within <= 10);
            }
        }
    }
}
