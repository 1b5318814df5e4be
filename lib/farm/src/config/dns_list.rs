//! `zone=codes*points`: a list of the DNS, and what it counts.
//!
//! Decides the syntax. The codes are those of RFC 5782 section 2.1: addresses in 127.0.0.0/8; without any, all count.

use super::address::is_domain;
use super::syntax::Syntax;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A list of the DNS and what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsList {
    /// Its zone, in lower case.
    pub zone: String,
    /// First and last of each octet of the codes that count.
    pub codes: [(u8, u8); 4],
    /// Points for who is in it; negative in a list of good clients.
    pub points: i32,
}

/// Points beyond which a rule says nothing more.
const MOST_POINTS: i32 = 1_000;

impl DnsList {
    /// Whether this code counts.
    pub fn counts(&self, code: Ipv4Addr) -> bool {
        let within = |((first, last), octet): (&(u8, u8), u8)| (*first..=*last).contains(&octet);
        self.codes.iter().zip(code.octets()).all(within)
    }
}

impl Syntax for DnsList {
    fn parse(text: &str) -> Result<Self, String> {
        let parts = || {
            let (rest, points) = text.split_once('*').unwrap_or((text, "1"));
            let (zone, codes) = rest.split_once('=').unwrap_or((rest, ANY_CODE));
            let good = is_domain(zone) && zone.contains('.') && zone.len() <= LONGEST_ZONE;
            let zone = good.then(|| zone.to_ascii_lowercase())?;
            Some(Self { zone, codes: parse_codes(codes)?, points: parse_points(points)? })
        };
        parts().ok_or_else(|| {
            "is not a DNS list; write \"zen.example.org*3\" or \"list.example.org=127.0.0.[2..4]*2\""
                .to_owned()
        })
    }

    fn print(&self) -> String {
        let octet = |(first, last): (u8, u8)| match first == last {
            true => first.to_string(),
            false => format!("[{first}..{last}]"),
        };
        let codes = self.codes.map(octet).join(".");
        let codes = if codes == ANY_CODE { String::new() } else { format!("={codes}") };
        format!("{}{codes}*{}", self.zone, self.points)
    }
}

/// The codes that count when a list says nothing about codes.
///
/// Source: RFC 5782 section 2.1.
const ANY_CODE: &str = "127.[0..255].[0..255].[0..255]";

/// Octets of a zone below which an IPv6 address in reverse (64 octets) still fits into a name of 255.
const LONGEST_ZONE: usize = 180;

/// Four octets with dots between them, each a number or `[first..last]`; the first is 127.
fn parse_codes(text: &str) -> Option<[(u8, u8); 4]> {
    let mut codes = [(0, 0); 4];
    let mut rest = text;
    for (place, code) in codes.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix('.')?;
        }
        if let Some(range) = rest.strip_prefix('[') {
            let (range, behind) = range.split_once(']')?;
            let (first, last) = range.split_once("..")?;
            *code = (digits(first)?, digits(last)?);
            rest = behind;
        } else {
            let (octet, behind) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
            *code = (digits(octet)?, digits(octet)?);
            rest = behind;
        }
    }
    let good = codes.iter().all(|(first, last)| first <= last) && codes.first() == Some(&(127, 127));
    (rest.is_empty() && good).then_some(codes)
}

/// A number of points, with or without a sign.
pub(crate) fn parse_points(text: &str) -> Option<i32> {
    let bare = text.strip_prefix('-').unwrap_or(text);
    let points: i32 = digits(bare)?;
    (points <= MOST_POINTS).then_some(if bare == text { points } else { -points })
}

fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_has_a_zone_codes_and_points() {
        let list = |text: &str| DnsList::parse(text).unwrap();
        assert_eq!((list("Zen.example.org*3").zone.as_str(), list("a.b*3").points), ("zen.example.org", 3));
        assert_eq!((list("a.b").points, list("allow.example*-2").points), (1, -2));
        let some = list("list.example=127.0.0.[2..4]*2");
        let codes = [1, 2, 4, 5].map(|octet| some.counts(Ipv4Addr::new(127, 0, 0, octet)));
        assert_eq!(codes, [false, true, true, false]);
        assert!(list("a.b").counts(Ipv4Addr::new(127, 255, 1, 9)));
        for bad in [
            "",
            "zen",
            "a.b*",
            "a.b*x",
            "a.b*1001",
            "a.b=*1",
            "a.b=127.0.0",
            "a.b=127.0.0.1.2",
            "a.b=10.0.0.1",
        ]
        .into_iter()
        .chain([
            "a.b=127.0.0.[4..2]",
            "a.b=127.0.0.[2-4]",
            "a.b=127.0.0.256",
            "a b*1",
            "a.b*--1",
            "a.b*+1",
        ]) {
            assert!(DnsList::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(text in "[a-c]{1,3}\\.[a-c](=127\\.0\\.(\\[1\\.\\.9\\]|7)\\.[0-9]{1,2})?(\\*-?[0-9]{1,3})?") {
            let list = DnsList::parse(&text).unwrap();
            prop_assert_eq!(DnsList::parse(&list.print()), Ok(list));
        }

        #[test]
        fn no_text_panics(text in "[a-z0-9.=*\\[\\]/ é-]{0,40}") {
            let _ = DnsList::parse(&text);
        }
    }
}
