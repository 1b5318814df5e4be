//! Hints: datagrams that name a place and nothing else.
//!
//! A hint may be lost, forged or flooded without harm: its reader verifies the segment, reads from its own cursor, and
//! takes only records whose checksums hold.

use proto::id::SpoolId;

/// Something new is durable in this range of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint {
    /// The segment.
    pub segment: SpoolId,
    /// Octet at which the first new record begins.
    pub from: u64,
    /// Octet behind the last new record: what lies before it is flushed.
    pub to: u64,
}

/// Longest datagram that can be a hint, in octets.
pub const LONGEST: usize = 80;

impl Hint {
    /// The datagram: `new SEGMENT FROM TO`.
    pub fn encode(&self) -> String {
        format!("new {} {} {}", self.segment, self.from, self.to)
    }

    /// Reads a datagram; `None` for anything that is not a hint.
    pub fn decode(datagram: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok().filter(|text| text.len() <= LONGEST)?;
        let mut words = text.split(' ');
        let (Some("new"), Some(segment), Some(from), Some(to), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return None;
        };
        let number =
            |word: &str| if word.bytes().all(|c| c.is_ascii_digit()) { word.parse().ok() } else { None };
        let hint = Self { segment: segment.parse().ok()?, from: number(from)?, to: number(to)? };
        (hint.from < hint.to).then_some(hint)
    }

    /// Merges a later hint for the same segment, so that an owed hint stays one datagram.
    pub fn merge(&mut self, later: Self) -> bool {
        let same = self.segment == later.segment;
        if same {
            self.from = self.from.min(later.from);
            self.to = self.to.max(later.to);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hint_survives_its_datagram(n in 0_u128..1 << 90, from in 0..u64::MAX) {
            let hint = Hint { segment: SpoolId::try_from(n).unwrap(), from, to: u64::MAX };
            prop_assert_eq!(Hint::decode(hint.encode().as_bytes()), Some(hint));
        }

        #[test]
        fn junk_is_no_hint(octets: Vec<u8>) {
            prop_assert_eq!(Hint::decode(&octets), None);
        }
    }

    #[test]
    fn an_empty_or_backward_range_is_no_hint() {
        let segment = SpoolId::new(1, 2, 3, 4);
        for (from, to) in [(5, 5), (6, 5)] {
            assert_eq!(Hint::decode(Hint { segment, from, to }.encode().as_bytes()), None);
        }
    }
}
