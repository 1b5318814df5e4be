//! How often each client has connected of late.

use super::group::group;
use super::remembered::Remembered;
use farm::config::Rate;
use std::net::IpAddr;

/// Connections of each client in its current window. A window begins with a connection and lasts one period.
#[derive(Debug)]
pub(crate) struct Rates {
    windows: Remembered<IpAddr, u64>,
}

/// Clients that are counted at once; beyond, the one whose window is the oldest is forgotten.
const MOST_CLIENTS: usize = 65_536;

impl Rates {
    pub(crate) fn new() -> Self {
        Self { windows: Remembered::new(MOST_CLIENTS) }
    }

    /// Counts one connection; which one in its window it is.
    pub(crate) fn count(&mut self, client: IpAddr, rate: Rate, now: u64) -> u64 {
        let client = group(client);
        if let Some(count) = self.windows.get_mut(&client, now) {
            *count += 1;
            return *count;
        }
        self.windows.put(client, 1, now.saturating_add(rate.window), now);
        1
    }

    /// Which one in its window the next connection would be.
    pub(crate) fn next(&self, client: IpAddr, now: u64) -> u64 {
        self.windows.get(&group(client), now).map_or(1, |count| count + 1)
    }

    /// Begins anew, as for another rate.
    pub(crate) fn clear(&mut self) {
        self.windows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_with_a_connection_and_ends_after_its_period() {
        let rate = "3/1m".parse().unwrap();
        let client = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut rates = Rates::new();
        assert_eq!(rates.next(client("192.0.2.1"), 0), 1);
        assert_eq!(rates.count(client("192.0.2.1"), rate, 0), 1);
        assert_eq!(rates.count(client("192.0.2.1"), rate, 59_999), 2);
        assert_eq!(rates.next(client("192.0.2.1"), 59_999), 3);
        assert_eq!(rates.count(client("192.0.2.2"), rate, 59_999), 1, "another client");
        assert_eq!(rates.count(client("192.0.2.1"), rate, 60_000), 1, "a new window");
        assert_eq!(rates.count(client("2001:db8::1"), rate, 0), 1);
        assert_eq!(rates.count(client("2001:db8::2"), rate, 0), 2, "of the same /64");
    }
}
