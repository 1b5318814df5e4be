//! What a name server said about one question, in words that mail understands.
//!
//! The DNS has many ways to say no; mail has two: there is none (the message fails) and nobody knows now (the message
//! waits). Every doubtful case is the second.

use std::net::IpAddr;

/// Why there are no records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negative {
    /// The name does not exist at all (NXDOMAIN), so no other type is worth a question.
    NoName,
    /// The name exists, but has no record of this type (NODATA).
    NoData,
    /// Nobody knows now: time-out, SERVFAIL, refusal, a referral, nonsense.
    Unknown {
        /// In one line.
        why: String,
    },
}

/// Records, or why there are none, and for how long this holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// What was found; not empty unless there are only records of other types.
    pub found: Result<Vec<T>, Negative>,
    /// In seconds.
    pub ttl: u32,
}

/// What is known of the addresses of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// It has these; never empty.
    Known(Vec<IpAddr>),
    /// It has none.
    None {
        /// In one line.
        why: String,
    },
    /// Nobody knows now.
    Unknown {
        /// In one line.
        why: String,
    },
}

impl Addresses {
    /// Joins what was said about the two families of addresses.
    ///
    /// One family with addresses is enough. Without any, there are none only if both answers (or an answer about the
    /// name as such) say so.
    pub fn join(
        host: &str,
        first: Result<Vec<IpAddr>, Negative>,
        second: Result<Vec<IpAddr>, Negative>,
    ) -> Self {
        let mut known = Vec::new();
        let mut negatives = Vec::new();
        for answer in [first, second] {
            match answer {
                Ok(list) => known.extend(list),
                Err(negative) => negatives.push(negative),
            }
        }
        known.sort_unstable();
        known.dedup();
        if !known.is_empty() {
            return Self::Known(known);
        }
        if negatives.contains(&Negative::NoName) {
            return Self::None { why: format!("{host} does not exist") };
        }
        for negative in negatives {
            if let Negative::Unknown { why } = negative {
                return Self::Unknown { why };
            }
        }
        Self::None { why: format!("{host} has no address") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn unknown() -> Negative {
        Negative::Unknown { why: "silence".into() }
    }

    #[test]
    fn one_family_is_enough_whatever_became_of_the_other() {
        for other in [Negative::NoData, Negative::NoName, unknown()] {
            let joined = Addresses::join("h", Err(other), Ok(vec![ONE]));
            assert_eq!(joined, Addresses::Known(vec![ONE]));
        }
    }

    #[test]
    fn half_an_answer_without_addresses_is_no_answer() {
        let joined = Addresses::join("h", Err(Negative::NoData), Err(unknown()));
        assert_eq!(joined, Addresses::Unknown { why: "silence".into() });
    }

    #[test]
    fn a_name_that_does_not_exist_needs_no_second_answer() {
        let joined = Addresses::join("h", Err(unknown()), Err(Negative::NoName));
        assert_eq!(joined, Addresses::None { why: "h does not exist".into() });
    }

    #[test]
    fn no_data_twice_is_no_address() {
        let joined = Addresses::join("h", Err(Negative::NoData), Err(Negative::NoData));
        assert_eq!(joined, Addresses::None { why: "h has no address".into() });
    }

    #[test]
    fn empty_lists_are_no_address() {
        assert!(matches!(Addresses::join("h", Ok(vec![]), Ok(vec![])), Addresses::None { .. }));
    }
}
