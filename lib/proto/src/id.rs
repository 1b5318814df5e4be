//! The spool id: one name for a message from the 250 to the notice.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Crockford's base32 alphabet: no I, L, O or U, so an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Number of characters of a printed id.
pub const SPOOL_ID_LENGTH: usize = 18;

/// The identity of a message, and of a segment of the spool: 90 bits, printed as 18 characters of Crockford base32.
///
/// From the most significant bit: 42 bits of milliseconds since 1970 (UTC), 24 bits of host (drawn once per spool),
/// 12 bits of writer lease, 12 bits of sequence within the millisecond. Ids of one lease never go backwards, so they
/// sort by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u128", into = "u128")]
pub struct SpoolId {
    high: u32,
    low: u64,
}

/// Why some text or number is not a spool id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpoolIdError {
    /// The text has another length than 18 characters.
    #[error("a spool id has 18 characters, not {0}")]
    Length(usize),
    /// A character outside the alphabet stands at this offset.
    #[error("character {0} of the spool id is not in Crockford's base32 alphabet")]
    Character(usize),
    /// The number needs more than 90 bits.
    #[error("a spool id has 90 bits")]
    Width,
}

impl SpoolId {
    /// Builds an id from its parts; each is cut to its width (42, 24, 12 and 12 bits).
    pub fn new(milliseconds: u64, host: u32, lease: u16, sequence: u16) -> Self {
        let low_bits = |value: u64, bits: u32| u128::from(value & ((1 << bits) - 1));
        Self::split(
            low_bits(milliseconds, 42) << 48
                | low_bits(host.into(), 24) << 24
                | low_bits(lease.into(), 12) << 12
                | low_bits(sequence.into(), 12),
        )
    }

    /// Milliseconds since 1970 (UTC) at which the id was drawn.
    pub fn milliseconds(self) -> u64 {
        self.field(48, 42)
    }

    /// The host number of the spool that drew the id.
    pub fn host(self) -> u32 {
        u32::try_from(self.field(24, 24)).unwrap_or_default()
    }

    /// The writer lease under which the id was drawn.
    pub fn lease(self) -> u16 {
        u16::try_from(self.field(12, 12)).unwrap_or_default()
    }

    /// The position of the id among those of its lease in the same millisecond.
    pub fn sequence(self) -> u16 {
        u16::try_from(self.field(0, 12)).unwrap_or_default()
    }

    fn field(self, shift: u32, bits: u32) -> u64 {
        let masked = u128::from(self) >> shift & ((1 << bits) - 1);
        u64::try_from(masked).unwrap_or_default()
    }

    fn split(number: u128) -> Self {
        let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default();
        let high = u32::try_from(number >> 64).unwrap_or_default();
        Self { high, low }
    }
}

impl From<SpoolId> for u128 {
    fn from(id: SpoolId) -> Self {
        Self::from(id.high) << 64 | Self::from(id.low)
    }
}

impl TryFrom<u128> for SpoolId {
    type Error = SpoolIdError;

    fn try_from(number: u128) -> Result<Self, SpoolIdError> {
        if number >> 90 != 0 {
            return Err(SpoolIdError::Width);
        }
        Ok(Self::split(number))
    }
}

impl fmt::Display for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from(*self);
        let mut text = [0_u8; SPOOL_ID_LENGTH];
        for (i, slot) in text.iter_mut().rev().enumerate() {
            let digit = usize::try_from(number >> (5 * i) & 31).unwrap_or_default();
            *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SpoolId {
    type Err = SpoolIdError;

    fn from_str(text: &str) -> Result<Self, SpoolIdError> {
        if text.len() != SPOOL_ID_LENGTH {
            return Err(SpoolIdError::Length(text.len()));
        }
        let mut number = 0_u128;
        for (i, octet) in text.bytes().enumerate() {
            number = number << 5 | u128::from(digit(octet).ok_or(SpoolIdError::Character(i))?);
        }
        Self::try_from(number)
    }
}

/// The place of a character in the alphabet, in either case.
const fn digit(octet: u8) -> Option<u8> {
    let octet = octet.to_ascii_uppercase();
    let (first, number) = match octet {
        b'0'..=b'9' => (b'0', 0),
        b'A'..=b'H' => (b'A', 10),
        b'J' | b'K' => (b'J', 18),
        b'M' | b'N' => (b'M', 20),
        b'P'..=b'T' => (b'P', 22),
        b'V'..=b'Z' => (b'V', 27),
        _ => return None,
    };
    Some(number + (octet - first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_survive_printing() {
        let id = SpoolId::new(1_764_000_000_123, 0xabcdef, 0xfff, 7);
        let again: SpoolId = id.to_string().parse().unwrap();
        assert_eq!(again, id);
        assert_eq!(
            (id.milliseconds(), id.host(), id.lease(), id.sequence()),
            (1_764_000_000_123, 0xabcdef, 0xfff, 7)
        );
    }

    #[test]
    fn bad_text_is_named() {
        assert_eq!("0".parse::<SpoolId>(), Err(SpoolIdError::Length(1)));
        assert_eq!("00000000000000000U".parse::<SpoolId>(), Err(SpoolIdError::Character(17)));
    }

    proptest! {
        #[test]
        fn printing_then_parsing_is_the_identity(number in 0_u128..1 << 90) {
            let id = SpoolId::try_from(number).unwrap();
            prop_assert_eq!(id.to_string().parse::<SpoolId>().unwrap(), id);
            prop_assert_eq!(u128::from(id), number);
        }

        #[test]
        fn ids_sort_as_their_texts(a in 0_u128..1 << 90, b in 0_u128..1 << 90) {
            let (a, b) = (SpoolId::try_from(a).unwrap(), SpoolId::try_from(b).unwrap());
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
