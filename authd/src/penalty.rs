//! How long the answer to a failure waits: longer with each failure of a client.
//!
//! A success does not forgive: whoever has one account could guess the passwords of all others. Pure; memory is bounded.

use crate::queue::Asker;
use farm::config::DELAY_DOUBLINGS;
use std::collections::BTreeMap;

/// How long a failure is remembered, in milliseconds.
const MEMORY: u64 = 600_000;

/// Clients that are remembered.
const CLIENTS: usize = 20_000;

/// The failures of clients.
#[derive(Debug, Default)]
pub struct Penalties {
    /// How often, and when last.
    clients: BTreeMap<Asker, (u32, u64)>,
}

impl Penalties {
    /// A client has failed now: how long its answer has to wait, if the first one waits for `base` milliseconds.
    pub fn failed(&mut self, asker: Asker, base: u64, now: u64) -> u64 {
        if self.clients.len() >= CLIENTS {
            self.forget(now);
        }
        let (times, last) = self.clients.entry(asker).or_insert((0, now));
        if now.saturating_sub(*last) >= MEMORY {
            *times = 0;
        }
        let delay = base << (*times).min(DELAY_DOUBLINGS);
        (*times, *last) = (times.saturating_add(1), now);
        delay
    }

    /// Forgets what is old; if nothing is, the half that was quiet for longer.
    fn forget(&mut self, now: u64) {
        self.clients.retain(|_, (_, last)| now.saturating_sub(*last) < MEMORY);
        if self.clients.len() >= CLIENTS {
            let mut times: Vec<u64> = self.clients.values().map(|(_, last)| *last).collect();
            let (_, median, _) = times.select_nth_unstable(CLIENTS / 2);
            let median = *median;
            self.clients.retain(|_, (_, last)| *last > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn client(number: u32) -> Asker {
        Some(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn each_failure_waits_twice_as_long_up_to_a_limit() {
        let mut penalties = Penalties::default();
        let delays: Vec<u64> = (0..7).map(|n| penalties.failed(client(1), 1_000, n)).collect();
        assert_eq!(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
        assert_eq!(penalties.failed(client(2), 1_000, 7), 1_000);
        assert_eq!(penalties.failed(client(1), 1_000, 6 + MEMORY), 1_000);
        assert_eq!(penalties.failed(client(1), 0, 7 + MEMORY), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_last_ones_are_kept() {
        let mut penalties = Penalties::default();
        for number in 0..100_000 {
            penalties.failed(client(number), 1, u64::from(number) / 1_000);
        }
        assert!(penalties.clients.len() <= CLIENTS);
        assert_eq!(penalties.failed(client(99_999), 1, 100), 2);
        assert_eq!(penalties.failed(client(0), 1, 100), 1);
    }
}
