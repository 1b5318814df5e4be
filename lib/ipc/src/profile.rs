//! Profiling: the order that goes to every process, and what comes back.
//!
//! They travel as JSON inside a query of [`crate::supervisor`] and its answer, like all that administrators ask.

use crate::control::Request;
use serde::{Deserialize, Serialize};

/// What an administrator wants of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Forget what was counted and begin to count.
    On,
    /// Count no more; keep what was counted.
    Off,
    /// Tell what was counted. Answer of a process: a [`Times`] per operation; of the supervisor: a [`Line`] per row.
    Show,
}

impl Order {
    /// The order in a query, if it is one about the profile.
    pub fn in_query(request: &str) -> Option<Self> {
        match serde_json::from_str(request) {
            Ok(Request::Profile { order }) => Some(order),
            _ => None,
        }
    }
}

/// How long one operation took in one process: a histogram, without its empty buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The operation's name, as shown to the user.
    pub operation: String,
    /// Bucket and count, ascending. What a bucket means is known to the crate that counts.
    pub buckets: Vec<(u16, u64)>,
    /// The sum of all times, in nanoseconds.
    pub total: u64,
    /// The longest time, in nanoseconds.
    pub longest: u64,
}

impl Times {
    /// As a line of an answer.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From a line of an answer; `None` if it says something else.
    pub fn of_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// One row of `grange profile show`: an operation in all processes of a role. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The operation.
    pub operation: String,
    /// The role of the processes, as in the journal.
    pub role: String,
    /// Processes that have counted any.
    pub processes: u32,
    /// How often.
    pub count: u64,
    /// Half took no longer.
    pub p50: u64,
    /// Nine of ten took no longer.
    pub p90: u64,
    /// All but one of a hundred took no longer.
    pub p99: u64,
    /// The longest.
    pub max: u64,
    /// All together.
    pub total: u64,
    /// The part of `total` in the totals of all rows, from 0 to 1.
    pub share: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_found_in_its_query_and_in_no_other() {
        let query = serde_json::to_string(&Request::Profile { order: Order::On }).unwrap();
        assert_eq!(query, "{\"verb\":\"profile\",\"order\":\"on\"}");
        assert_eq!(Order::in_query(&query), Some(Order::On));
        assert_eq!(Order::in_query(&serde_json::to_string(&Request::Status).unwrap()), None);
        assert_eq!(Order::in_query("junk"), None);
    }

    #[test]
    fn times_come_back_from_their_line() {
        let times = Times { operation: "flush".into(), buckets: vec![(3, 1), (90, 2)], total: 7, longest: 5 };
        assert_eq!(Times::of_line(&times.to_line()), Some(times));
        assert_eq!(Times::of_line("{\"ok\":true}"), None);
    }
}
