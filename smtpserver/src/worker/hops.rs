//! Counts the hosts that a message has passed. Pure.
//!
//! Each of them has put a Received field in front (RFC 5321 section 4.4), so many such fields mean a loop.

/// The name of the field, with its colon.
const FIELD: &[u8] = b"received:";

/// Counts the Received fields of a header section that passes in parts of any size.
#[derive(Debug, Default)]
pub(super) struct Hops {
    count: u32,
    /// The beginning of the current line.
    start: [u8; FIELD.len()],
    /// Octets of the current line, without CR, counted as far as `start` reaches.
    length: usize,
    over: bool,
}

impl Hops {
    /// Looks at the next part of the content.
    pub(super) fn feed(&mut self, part: &[u8]) {
        let mut rest = part;
        while !self.over && !rest.is_empty() {
            let end = rest.iter().position(|&octet| octet == b'\n');
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            self.extend(line);
            if end.is_some() {
                self.close_line();
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// Received fields so far.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    fn extend(&mut self, line: &[u8]) {
        let room = self.start.iter_mut().skip(self.length);
        let octets = line.iter().filter(|&&octet| octet != b'\r');
        self.length += room.zip(octets).map(|(slot, &octet)| *slot = octet.to_ascii_lowercase()).count();
    }

    fn close_line(&mut self) {
        self.over = self.length == 0;
        self.count += u32::from(self.start.get(..self.length) == Some(FIELD));
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] =
        b"Received: a\r\n\tReceived: fold\r\nreCEIVED:b\r\nReceivedly: c\r\n: d\r\n\r\nReceived: body\r\n";

    #[test]
    fn only_fields_of_that_name_in_the_header_section_count() {
        let mut hops = Hops::default();
        hops.feed(MESSAGE);
        assert_eq!(hops.count(), 2);
    }

    proptest! {
        #[test]
        fn the_split_does_not_matter(at in 0..MESSAGE.len(), again in 0..MESSAGE.len()) {
            let (first, last) = (at.min(again), at.max(again));
            let mut hops = Hops::default();
            for part in [&MESSAGE[..first], &MESSAGE[first..last], &MESSAGE[last..]] {
                hops.feed(part);
            }
            prop_assert_eq!(hops.count(), 2);
        }
    }
}
