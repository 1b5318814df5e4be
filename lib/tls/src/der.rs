//! Just enough of DER (X.690) to walk through a certificate. Any octets may come: what makes no sense is `None`.

/// Tags that a certificate uses.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Context-specific, primitive: rfc822Name and dNSName of a GeneralName.
    pub(crate) const MAILBOX: u8 = 0x81;
    pub(crate) const HOST: u8 = 0x82;
    /// Context-specific, constructed: version and extensions of a certificate.
    pub(crate) const VERSION: u8 = 0xa0;
    pub(crate) const EXTENSIONS: u8 = 0xa3;
}

/// A place in a series of values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

impl<'a> Der<'a> {
    /// The next value: its tag and what is in it.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next value, which must have this tag.
    pub(crate) fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|&(tag, _)| tag == wanted).map(|(_, content)| content)
    }

    /// As [`Der::take`], for a value that is itself a series.
    pub(crate) fn enter(&mut self, wanted: u8) -> Option<Self> {
        self.take(wanted).map(Self)
    }

    /// As [`Der::take`] for a value that may be absent.
    pub(crate) fn optional(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let content = ahead.take(wanted)?;
        *self = ahead;
        Some(content)
    }
}

/// A time (RFC 5280 section 4.1.2.5) as seconds since 1970; one before that is 0.
pub(crate) fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |from: usize, to: usize| {
        let part = digits.get(from..to)?;
        part.iter().try_fold(0_i64, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
    };
    let (year, at) = match tag {
        tag::UTC_TIME => {
            let short = number(0, 2)?;
            (if short < 50 { 2000 + short } else { 1900 + short }, 2)
        }
        tag::TIME => (number(0, 4)?, 4),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|more| number(at + more, at + more + 2));
    let days = days_since_1970(year, month?, day?);
    let seconds = ((days * 24 + hour?) * 60 + minute?) * 60 + second?;
    Some(u64::try_from(seconds).unwrap_or(0))
}

/// Days from the first of January 1970 to this day of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // The year begins in March, so that the leap day is its last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_forms_are_read() {
        assert_eq!(time(tag::UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(time(tag::UTC_TIME, b"240229120000Z"), Some(1_709_208_000));
        assert_eq!(time(tag::TIME, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(tag::UTC_TIME, b"690101000000Z"), Some(0));
        assert_eq!(time(tag::TIME, b"2050010100000Z"), None);
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        assert_eq!(Der(&[0x30, 0x82, 0xff]).next(), None);
        assert_eq!(Der(&[0x30, 0x05, 1, 2]).next(), None);
        assert_eq!(Der(&[0x30, 0x80, 0, 0]).next(), None);
        assert_eq!(Der(&[0x04, 0x81, 0x01, 9, 7]).next(), Some((4, [9].as_slice())));
    }
}
